import JobCore
import Testing

@Suite struct JobTests {
  // MARK: identity

  private func identity(_ source: String, _ list: String?, request: String = "r") -> Identity {
    Identity(prompt: "p", source: source, list: list, request: request)
  }

  @Test(
    arguments: [
      ("s", nil, "s", nil, false), ("s", "l", "s", "l", false), ("s2", nil, "s", nil, true),
      ("s2", "l", "s", "l", true),
      // The list changed, appeared, vanished.
      ("s", "l2", "s", "l", true), ("s", "l", "s", nil, true), ("s", nil, "s", "l", false), ("s2", nil, "s", "l", true),
    ] as [(String, String?, String, String?, Bool)])
  func whatStartsASubmission(source: String, list: String?, earlier: String, earlierList: String?, more: Bool) {
    #expect(identity(source, list).asksForMore(than: identity(earlier, earlierList)) == more)
  }

  @Test func aChangedDefaultOrReferenceFileDoesNotStartOne() {
    #expect(!identity("s", "l", request: "new").asksForMore(than: identity("s", "l", request: "old")))
  }

  // MARK: fold

  @Test(
    arguments: [
      ([], .cancelled), ([.done], .done), ([.done, .done], .done), ([.done, .queued], .queued),
      ([.done, .failed], .failed),
      ([.failed, .held], .held), ([.held, .queued], .queued), ([.queued, .submitted], .submitted),
      ([.submitted, .fetching, .queued], .fetching), ([.fetching, .submitting, .done], .submitting),
      ([.cancelled, .done], .done), ([.cancelled, .cancelled], .cancelled), ([.cancelled, .failed], .failed),
    ] as [([StateName], StateName)])
  func folds(states: [StateName], state: StateName) {
    #expect(Job.fold(states) == state)
    #expect(Job.fold(states.reversed()) == state)
  }

  /// The file has settled exactly when all its pictures have.
  @Test func foldingLosesNothingUnderWay() {
    for first in StateName.allCases {
      for second in StateName.allCases {
        #expect(Job.fold([first, second]).isSettled == (first.isSettled && second.isSettled))
        #expect(Job.fold([first, first]) == first)
      }
    }
  }

  // MARK: job

  private func job(_ slots: [Slot], count: Int, note: FileNote? = nil) -> Job {
    let revision = Revision(
      number: 1, identity: identity("s", nil), snapshot: Snapshot(prompt: "A cat.", model: "m"), count: count,
      takenAt: start)
    return makeJob(slots, revisions: [revision], note: note)
  }

  private func numbered(_ number: Int, revision: Int = 1, _ state: SlotState, consumed: String? = nil) -> Slot {
    Slot(
      key: SlotKey(job: slotKey.job, revision: revision, number: number), state: state, consumed: consumed)
  }

  @Test func theCurrentSlotsAreTheRevisionsInOrder() {
    let slots = [
      numbered(3, .done), numbered(1, .done), numbered(2, .submitting), numbered(1, revision: 2, .submitting),
    ]
    #expect(job(slots, count: 3).currentSlots.map(\.key.number) == [1, 2, 3])
    #expect(job(slots, count: 1).currentSlots.map(\.key.number) == [1])
    #expect(job(slots, count: 3).state == .submitting)
    var later = job(slots, count: 3)
    later.current = 7
    #expect(later.currentSlots.isEmpty)
  }

  @Test func surplusPicturesComeLastAndMeanPaidTwice() {
    let base = SlotKey.surplusBase
    #expect(!SlotKey(job: slotKey.job, revision: 1, number: base).isSurplus)
    let slots = [
      numbered(base + 2, .done, consumed: "2"), numbered(base + 1, .submitted(task)), numbered(1, .done, consumed: "1"),
      numbered(base + 1, revision: 2, .queued(Queued())),
    ]
    let made = job(slots, count: 1)
    #expect(made.currentSlots.map(\.key.number) == [1, base + 1, base + 2])
    #expect(made.state == .submitted && made.consumed == "3")
    #expect(made.mayHaveBeenPaidTwice)
    #expect(!job([numbered(1, .done)], count: 1).mayHaveBeenPaidTwice)
  }

  @Test(
    arguments: [
      ([.accepted], false), ([.unknown], false), ([.refused, .notSent, .accepted], false),
      ([.unknown, .refused], false),
      ([.unknown, .begun], false), ([.unknown, .accepted], true), ([.accepted, .unknown], true),
      ([.accepted, .accepted], true), ([.unknown, .notSent, .unknown], true),
    ] as [([Attempt.Outcome], Bool)])
  func twoAttemptsThatMayBePaidMeanPaidTwice(outcomes: [Attempt.Outcome], twice: Bool) {
    var made = numbered(1, .done)
    for (index, outcome) in outcomes.enumerated() {
      made.attempts.append(Attempt(n: index + 1, attemptID: "\(index)", bootID: "b", startedAt: start))
      made.attempts[index].outcome = outcome
    }
    #expect(job([made], count: 1).mayHaveBeenPaidTwice == twice)
  }

  @Test func aNoteSpeaksForTheFile() {
    #expect(job([numbered(1, .done)], count: 1, note: note(.failed, "empty")).state == .failed)
  }

  @Test func creditsAreTheStringOfOneAndTheSumOfSeveral() {
    let one = numbered(1, .done, consumed: "0.50")
    #expect(job([one], count: 1).consumed == "0.50")
    let two = [one, numbered(2, .done, consumed: "0.505"), numbered(1, revision: 2, .done, consumed: "9")]
    #expect(job(two, count: 2).consumed == "1.005")
    #expect(job([numbered(1, .done)], count: 1).consumed == nil)
  }

  @Test func formats() {
    #expect(ImageInfo.Format.allCases.map(\.fileExtension) == ["png", "jpg", "webp", "avif", "gif", "heic", "jxl"])
    #expect(
      ImageInfo.Format.allCases.map(\.mediaType)
        == ["image/png", "image/jpeg", "image/webp", "image/avif", "image/gif", "image/heic", "image/jxl"])
  }

  @Test func settledStates() {
    #expect(StateName.allCases.filter(\.isSettled) == [.done, .failed, .held, .cancelled])
  }
}
