import JobCore
import TestKit
import Testing

/// What is written down comes back as it was: in the hour of need the journal is all there is.
@Suite struct StateRoundTripTests {
  private static let later = start + .seconds(3600)
  private static let bare = JobError(code: "bare", message: "")
  static let states: [SlotState] = [
    .queued(Queued()), .queued(Queued(notBefore: later, error: trouble)), .queued(Queued(notBefore: later)),
    .queued(Queued(error: trouble)), .queued(Queued(notBefore: later, error: trouble, blame: .unclear)),
    .queued(Queued(error: trouble, blame: .account)), .submitting, .submitted(task),
    .fetching(Fetching(task: task, results: [])),
    .fetching(
      Fetching(
        task: task,
        results: [.url("https://images.example/1.png?a=b&c=\"d\""), .text("No."), .text(""), .inlineElsewhere],
        error: trouble, notBefore: later)),
    .fetching(Fetching(task: task, results: [.url("u")], error: trouble)),
    .fetching(Fetching(task: task, results: [.url("u")], notBefore: later)),
    .done, .failed(trouble), .failed(bare), .cancelled(.sourceGone), .cancelled(.superseded),
    .held(Held(reason: .submissionOutcomeUnknown, error: trouble)),
    .held(Held(reason: .paidNotFetched, error: trouble, task: task)),
    .held(Held(reason: .deadlinePassed, error: bare, task: task)), .held(Held(reason: .taskLost, error: trouble)),
    .held(Held(reason: .burst, error: trouble)), .held(Held(reason: .asked, error: trouble)),
    .held(Held(reason: .conflictCopy, error: trouble)),
    .held(Held(reason: .paidNotFetched, error: trouble, task: late(next: later))),
    .held(Held(reason: .paidNotFetched, error: trouble, task: late(next: nil))), .submitted(late(next: later)),
    .fetching(Fetching(task: late(next: later), results: [.url("u")])),
  ]

  private static func late(next: Timestamp?) -> TaskRef {
    var late = task
    late.late = Late(
      cause: .notFetched, waited: .milliseconds(612_345), pause: .seconds(300), next: next, error: trouble,
      urls: ["https://images.example/1.png?sig=\"x\"", "u"])
    late.damage = [Damage(part: 2, sha256: "ab12", firstSeen: .milliseconds(1234))]
    return late
  }

  @Test(arguments: JournalMaker.all) func whatIsStillTriedIsFound(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let tried = Held(reason: .paidNotFetched, error: trouble, task: Self.late(next: Self.later))
    let over = Held(reason: .paidNotFetched, error: trouble, task: Self.late(next: nil))
    try await bench.take(cat, bench.file("cat.prompt"), states: [.held(tried), .held(over), .submitted(task)])
    let found = try await bench.journal.stillTried(roots: [bench.root])
    #expect(found.map(\.0) == [slotKey(cat, 1, 1)] && found.map(\.next) == [Self.later])
    #expect(try await bench.journal.stillTried(roots: [bench.otherRoot]).isEmpty)
    #expect(try await Set(bench.journal.lateInARow(roots: [bench.root])) == [slotKey(cat, 1, 1), slotKey(cat, 1, 2)])
    #expect(try await bench.journal.lateInARow(roots: [bench.otherRoot]).isEmpty, "another folder's stop nothing here")
  }

  @Test(arguments: JournalMaker.all) func onlyWhatIsLateSinceAPictureCameIsInARow(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    func take(_ job: JobID, _ state: SlotState, answered: Timestamp, in root: RootID) async throws {
      let file = bench.file("\(job.text).prompt", in: root)
      var take = makeTake(job, file, states: [state])
      var attempt = Attempt(n: 1, attemptID: job.text, bootID: "boot", startedAt: answered)
      (attempt.outcome, attempt.taskID, attempt.endedAt) = (.accepted, "task of \(job.text)", answered)
      take.slots[0].attempts = [attempt]
      try await bench.apply(.take(take))
    }
    let ids = (1...4).map { JobID("7f3e0000-0000-4000-8000-00000000000\($0)") }
    let late = SlotState.submitted(Self.late(next: Self.later))
    try await take(ids[0], late, answered: start, in: bench.root)
    try await take(ids[1], .done, answered: start + .seconds(1), in: bench.root)
    try await take(ids[2], late, answered: start + .seconds(2), in: bench.root)
    // What arrived in a folder that is not watched now says nothing of this one.
    try await take(ids[3], .done, answered: start + .seconds(3), in: bench.otherRoot)
    #expect(try await bench.journal.lateInARow(roots: [bench.root]) == [slotKey(ids[2])])
    #expect(try await bench.journal.lateInARow(roots: [bench.root, bench.otherRoot]).isEmpty)
  }

  @Test(arguments: JournalMaker.all, states) func aTakenSlot(_ maker: JournalMaker, _ state: SlotState) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"), states: [state])
    let slot = try #require(try await bench.journal.slots(of: cat, revision: 1).first)
    #expect(slot.state == state)
  }

  @Test(arguments: JournalMaker.all, states) func aMovedSlot(_ maker: JournalMaker, _ state: SlotState) async throws {
    let bench = try await JournalFixture(maker)
    let before = SlotState.queued(Queued(notBefore: start + .seconds(77), error: trouble))
    try await bench.take(cat, bench.file("cat.prompt"), states: [before])
    #expect(try await bench.move(slotKey(cat), to: state) == .applied)
    let slot = try #require(try await bench.journal.slots(of: cat, revision: 1).first)
    #expect(slot.state == state)
  }

  @Test(arguments: JournalMaker.all) func inlineResultsAreNotKept(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let long = "data:image/png;base64," + String(repeating: "A", count: 100_000)
    let results: [ResultItem] = [.inline(dataURI: long), .url("u"), .inline(dataURI: "data:,")]
    try await bench.take(cat, bench.file("cat.prompt"))
    try await bench.move(slotKey(cat), to: .fetching(Fetching(task: task, results: results)))
    let slot = try #require(try await bench.journal.slots(of: cat, revision: 1).first)
    #expect(
      slot.state == .fetching(Fetching(task: task, results: [.inlineElsewhere, .url("u"), .inlineElsewhere])))
  }

  @Test(arguments: JournalMaker.all) func attemptsAndTheRestOfASlot(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"))
    var slot = Slot(key: slotKey(cat), state: .submitting, failures: 7, serviceStatus: "läuft \"so\"", consumed: "0.10")
    let outcomes: [Attempt.Outcome] = [.begun, .accepted, .refused, .refusedForAccount, .notSent, .unknown]
    for (index, outcome) in outcomes.enumerated() {
      var attempt = Attempt(
        n: index + 1, attemptID: "a\\\(index)\u{1}\u{2028}", bootID: "boot", startedAt: start + .milliseconds(index))
      attempt.outcome = outcome
      attempt.taskID = index.isMultiple(of: 2) ? "task-\(index)" : nil
      attempt.endedAt = index.isMultiple(of: 3) ? Self.later : nil
      slot.attempts.append(attempt)
    }
    try await bench.apply(.move(slot, from: .queued, outputs: []))
    #expect(try await bench.journal.slots(of: cat, revision: 1) == [slot])
    slot.serviceStatus = nil
    slot.consumed = nil
    slot.attempts = []
    try await bench.apply(.move(slot, from: .submitting, outputs: []))
    #expect(try await bench.journal.slots(of: cat, revision: 1) == [slot])
  }

  @Test(arguments: JournalMaker.all) func aRevision(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    var revision = makeRevision(list: "list-1", count: 4, text: "Zeile 1\n\"Zeile\" 2 \u{0} 🐈‍⬛ e\u{301}")
    revision.snapshot.images = [
      ImageInput(url: "https://images.example/a.png"), ImageInput(path: "a%FFb.png", sha256: "ab", bytes: 12),
    ]
    revision.snapshot.imageSize = "4k"
    revision.snapshot.extra = [
      "seed": .integer(.max), "off": .bool(false), "none": .null, "list": .array([.string("a"), .number(0.5)]),
      "deep": .object(["x": .object([:])]),
    ]
    try await bench.take(cat, bench.file("cat.prompt"), revision)
    #expect(try await bench.job(cat).revisions[1] == revision)
    // Canonically equivalent strings are equal in Swift and different requests.
    let prompt = try await bench.job(cat).revisions[1]?.snapshot.prompt ?? ""
    #expect(Array(prompt.utf8) == Array(revision.snapshot.prompt.utf8))
  }

  @Test(arguments: JournalMaker.all) func outputsAndStampsOfASidecar(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    var output = makeOutput(slotKey(cat), part: 2, number: 3, temporary: ".promptdrop-1.tmp")
    output.file = [0xff, 0xfe, 0x20]
    let take = makeTake(cat, bench.file("cat.prompt"), states: [.done], outputs: [output, makeOutput(slotKey(cat))])
    try await bench.apply(.take(take))
    #expect(Set(try await bench.job(cat).outputs) == [output, makeOutput(slotKey(cat))])
  }
}
