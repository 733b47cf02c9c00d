import JobCore
import TestKit
import Testing

/// Refusals in words that say nothing of whom they are about: what shows it is what other prompts meet.
@Suite struct UnclearRefusalTests {
  private func submission(_ number: Int, _ attempt: Int = 1, prompt: String? = nil) -> Submission {
    Submission(
      attemptID: "\(number)/\(attempt)", slot: SlotKey(job: JobID("job-\(number)"), revision: 1, number: 1),
      prompt: prompt ?? "prompt \(number)")
  }

  private func refuse(_ gate: inout ServiceGate, _ submission: Submission) -> ServiceGate.Ruling {
    gate.began(submission)
    return gate.refusedUnclearly(submission)
  }

  private func accept(_ gate: inout ServiceGate, _ submission: Submission) -> ServiceGate.Acceptance {
    gate.began(submission)
    return gate.accepted(submission)
  }

  @Test func itIsThePromptsOwnOnceALaterOneIsAccepted() {
    var gate = ServiceGate()
    #expect(refuse(&gate, submission(1)) == .none)
    #expect(gate.closed == nil && gate.permission(at: .zero) == .submit, "it stops nobody")
    let shown = accept(&gate, submission(2))
    #expect(shown.own == [submission(1).slot] && shown.again.isEmpty && !shown.isOpening)
    #expect(accept(&gate, submission(3)).own.isEmpty, "it is told once")
  }

  @Test func oneThatWasSubmittedBeforeProvesNothing() {
    var gate = ServiceGate()
    gate.began(submission(2))
    #expect(refuse(&gate, submission(1)) == .none)
    #expect(gate.accepted(submission(2)).own.isEmpty)
    #expect(accept(&gate, submission(3)).own == [submission(1).slot])
  }

  @Test func anotherPictureOfTheSamePromptProvesNothing() {
    var gate = ServiceGate()
    #expect(refuse(&gate, submission(1)) == .none)
    #expect(accept(&gate, submission(2, prompt: "prompt 1")).own.isEmpty)
    #expect(accept(&gate, submission(3)).own == [submission(1).slot])
  }

  @Test func whatIsTriedAgainMeanwhileIsJudgedByItsAnswer() {
    for isAcceptedAfterAll in [true, false] {
      var gate = ServiceGate()
      #expect(refuse(&gate, submission(1)) == .none)
      gate.began(submission(1, 2))
      #expect(accept(&gate, submission(2)).own.isEmpty, "it is at the service")
      if isAcceptedAfterAll {
        #expect(gate.accepted(submission(1, 2)).own.isEmpty)
      } else {
        #expect(gate.refusedUnclearly(submission(1, 2)) == .own)
      }
      #expect(accept(&gate, submission(3)).own.isEmpty)
    }
  }

  @Test func severalInARowAreTheAccounts() {
    var gate = ServiceGate(probeInterval: .seconds(64))
    #expect(refuse(&gate, submission(1)) == .none)
    #expect(refuse(&gate, submission(1, 2)) == .none, "one prompt is one, however often")
    #expect(refuse(&gate, submission(2)) == .none)
    #expect(refuse(&gate, submission(3)) == .account((1...3).map { submission($0).slot }, isNew: true))
    #expect(gate.suspectAccount(trouble("account"), at: .seconds(100)) == true)
    // One tries soon, the next after twice the time, at last one an interval.
    var now = Duration.seconds(100)
    var waits: [Duration] = []
    for number in 4...10 {
      guard case .wait(let until) = gate.permission(at: now) else { return }
      waits.append(until - now)
      now = until
      #expect(gate.permission(at: now) == .submitOne)
      #expect(refuse(&gate, submission(number)) == .account([submission(number).slot], isNew: false))
    }
    #expect(waits == [1, 2, 4, 8, 16, 32, 64].map { .seconds($0) })
    let shown = accept(&gate, submission(11))
    #expect(shown.isOpening && shown.own.isEmpty, "nothing has failed")
    #expect(Set(shown.again) == Set((1...10).map { submission($0).slot }))
    #expect(gate.permission(at: now) == .submit)
    // Refused once more, it is the prompt after all; accepted, it was the account.
    #expect(refuse(&gate, submission(1, 3)) == .own)
    #expect(accept(&gate, submission(2, 2)).own.isEmpty)
  }

  @Test func anAcceptedOneBreaksTheRow() {
    var gate = ServiceGate()
    // On its way since before, so that it proves nothing of the others.
    gate.began(submission(9))
    #expect(refuse(&gate, submission(1)) == .none)
    #expect(refuse(&gate, submission(2)) == .none)
    #expect(gate.accepted(submission(9)).own.isEmpty)
    #expect(refuse(&gate, submission(3)) == .none)
    #expect(refuse(&gate, submission(4)) == .none)
    #expect(refuse(&gate, submission(5)) == .account((3...5).map { submission($0).slot }, isNew: true))
  }

  @Test(arguments: [Blame.unclear, .account]) func aRestartLosesNothing(_ blame: Blame) {
    var gate = ServiceGate()
    gate.remember(submission(1).slot, prompt: "prompt 1", blame)
    let shown = accept(&gate, submission(2))
    #expect(shown.own == (blame == .unclear ? [submission(1).slot] : []))
    #expect(shown.again == (blame == .account ? [submission(1).slot] : []))
  }

  /// 429, 401, 402 and lost answers say nothing of a prompt.
  @Test func otherAnswersAreForgotten() {
    var gate = ServiceGate()
    #expect(refuse(&gate, submission(1)) == .none)
    gate.began(submission(1, 2))
    gate.ended(submission(1, 2))
    #expect(accept(&gate, submission(2)).own.isEmpty)
  }

  /// Refused as one of three in the same words, and again after another was accepted: it does not stop all once more.
  @Test func thoseThatWereExcusedStopNobodyAgain() {
    var gate = ServiceGate()
    for number in 1...3 {
      gate.began(submission(number))
      _ = gate.refused("no", submission(number))
    }
    _ = gate.suspectAccount(trouble("account"), at: .zero)
    #expect(Set(accept(&gate, submission(4)).again) == Set((1...3).map { submission($0).slot }))
    for number in 1...3 {
      gate.began(submission(number, 2))
      #expect(gate.refused("no", submission(number, 2)).isEmpty)
    }
  }

  /// Random histories against the plain reading of the rule, from the list of all that happened.
  @Test(arguments: SplitMix64.seeds(20)) func overRandomHistories(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var gate = ServiceGate()
    var history = RefusalHistory()
    var attempt = 0
    var under: [Submission] = []
    for step in 0..<2000 {
      if under.isEmpty || under.count < 4 && random.percent(50) {
        let number = Int.random(in: 1...8, using: &random)
        guard !under.contains(where: { $0.slot == submission(number).slot }) else { continue }
        attempt += 1
        let next = submission(number, attempt, prompt: "prompt \(number % 6)")
        under.append(next)
        gate.began(next)
        history.began(next)
      } else {
        let ended = under.remove(at: Int.random(in: under.indices, using: &random))
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5:
          let ruling = gate.refusedUnclearly(ended)
          let wrong = history.refused(ended, ruling, isClosed: gate.closed != nil)
          try #require(wrong == nil, "seed \(seed), step \(step): \(wrong ?? "")")
          if case .account(_, isNew: true) = ruling { _ = gate.suspectAccount(trouble(), at: .zero) }
        case 5..<8:
          let shown = gate.accepted(ended)
          let wrong = history.accepted(ended, shown)
          try #require(wrong == nil, "seed \(seed), step \(step): \(wrong ?? "")")
          for slot in shown.own { gate.forget(slot) }
        default:
          gate.ended(ended)
          history.ended(ended)
        }
      }
    }
    #expect(history.own > 10 && history.accounts > 10 && history.again > 10, "seed \(seed): \(history)")
  }
}

/// What happened, and what may follow from it.
private struct RefusalHistory {
  private enum Event {
    case began(Submission)
    case refused(Submission)
    case accepted(Submission, began: Int)
    case other(Submission)
  }
  private var events: [Event] = []
  // Those that wait for another to be accepted, or for the account: which event their last refusal is.
  private var waiting: [SlotKey: Int] = [:]
  private var excused: Set<SlotKey> = []
  // Given another chance: told of no more, until it is refused again.
  private var released: Set<SlotKey> = []
  private var underWay: Set<SlotKey> = []
  private(set) var own = 0
  private(set) var accounts = 0
  private(set) var again = 0

  mutating func began(_ submission: Submission) {
    events.append(.began(submission))
    underWay.insert(submission.slot)
  }

  mutating func ended(_ submission: Submission) {
    events.append(.other(submission))
    settle(submission.slot)
  }

  private mutating func settle(_ slot: SlotKey) {
    underWay.remove(slot)
    waiting[slot] = nil
    excused.remove(slot)
    released.remove(slot)
  }

  private func beginning(_ submission: Submission) -> Int {
    events.lastIndex { if case .began(submission) = $0 { true } else { false } } ?? -1
  }

  // Another prompt, submitted after this moment, was accepted.
  private func isProven(_ submission: Submission, since moment: Int) -> Bool {
    events.contains { event in
      if case .accepted(let other, let start) = event {
        start > moment && other.prompt != submission.prompt
      } else {
        false
      }
    }
  }

  // Different prompts that were refused since the last acceptance.
  private var row: Set<String> {
    let since = events.lastIndex { if case .accepted = $0 { true } else { false } } ?? -1
    return Set(
      events[(since + 1)...].compactMap { if case .refused(let refused) = $0 { refused.prompt } else { nil } })
  }

  mutating func refused(_ submission: Submission, _ ruling: ServiceGate.Ruling, isClosed: Bool) -> String? {
    underWay.remove(submission.slot)
    events.append(.refused(submission))
    let known = waiting[submission.slot]
    switch ruling {
    case .own:
      guard let known, isProven(submission, since: known) else { return "own, and nothing shows it" }
      own += 1
      settle(submission.slot)
      return nil
    case .none:
      if isClosed { return "the account is closed, and is not blamed" }
    case .account(let slots, let isNew):
      accounts += slots.count
      if isNew == isClosed { return "news: \(isNew), closed: \(isClosed)" }
      if isNew, row.count < 3 { return "only \(row) were refused in a row" }
      if !slots.contains(submission.slot) { return "the last one is not among \(slots)" }
      excused.formUnion(slots)
    }
    if let known, isProven(submission, since: known) { return "others were accepted, and it waits still" }
    waiting[submission.slot] = events.count - 1
    released.remove(submission.slot)
    return nil
  }

  mutating func accepted(_ submission: Submission, _ shown: ServiceGate.Acceptance) -> String? {
    let start = beginning(submission)
    events.append(.accepted(submission, began: start))
    settle(submission.slot)
    own += shown.own.count
    again += shown.again.count
    for (slot, moment) in waiting where !underWay.contains(slot) {
      guard case .refused(let refused) = events[moment] else { return "no refusal" }
      let proves = start > moment && refused.prompt != submission.prompt
      if excused.contains(slot) != shown.again.contains(slot) { return "\(slot) is or is not to be tried again" }
      if !excused.contains(slot), proves != shown.own.contains(slot), !released.contains(slot) {
        return "\(slot) is or is not its own"
      }
    }
    if !underWay.isDisjoint(with: shown.own + shown.again) { return "something was decided that is under way" }
    for slot in shown.own { settle(slot) }
    for slot in waiting.keys where excused.contains(slot) { released.insert(slot) }
    excused = []
    return nil
  }
}
