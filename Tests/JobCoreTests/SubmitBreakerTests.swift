import JobCore
import TestKit
import Testing

/// After a lost answer: what closes the breaker, so that all go on.
@Suite struct SubmitBreakerTests {
  private func submission(_ number: Int, slot: Int? = nil) -> Submission {
    Submission(
      attemptID: "a\(number)", slot: SlotKey(job: JobID("job-\(slot ?? number)"), revision: 1, number: 1),
      prompt: "prompt \(number)")
  }

  private func lose(_ gate: inout ServiceGate, _ submission: Submission, at now: Duration) {
    gate.began(submission)
    gate.ended(submission)
    _ = gate.trouble(.down, trouble("down"), at: now, of: submission)
    // The service answers queries.
    _ = gate.queryAnswered()
  }

  @Test func itClosesWhenAllAreConfirmed() {
    var gate = ServiceGate()
    lose(&gate, submission(1), at: .zero)
    lose(&gate, submission(2), at: .zero)
    #expect(gate.confirmed("a1") == false)
    #expect(gate.permission(at: .seconds(1)) == .submitOne)
    #expect(gate.confirmed("a1") == false, "it counts once")
    #expect(gate.confirmed("a2") == true)
    #expect(gate.permission(at: .seconds(1)) == .submit)
    #expect(gate.confirmed("a2") == false)
    // The next one begins anew: no minute, no two.
    lose(&gate, submission(3), at: .seconds(2))
    #expect(gate.permission(at: .seconds(2)) == .submitOne)
  }

  @Test func itClosesWhenItsTrialIsConfirmed() {
    var gate = ServiceGate()
    lose(&gate, submission(1), at: .zero)
    #expect(gate.permission(at: .zero) == .submitOne)
    gate.tries(submission(2).slot)
    lose(&gate, submission(2), at: .seconds(1))
    #expect(gate.permission(at: .seconds(2)) == .wait(until: .seconds(61)))
    #expect(gate.confirmed("a2") == true)
    #expect(gate.permission(at: .seconds(2)) == .submit)
  }

  @Test func oneFromBeforeItOpenedChangesNothing() {
    var gate = ServiceGate()
    lose(&gate, submission(1), at: .zero)
    gate.submitAnswered()
    gate.unknown(submission(2), at: .zero)
    lose(&gate, submission(3), at: .seconds(1))
    for attempt in ["a1", "a2", "never"] { #expect(gate.confirmed(attempt) == false) }
    #expect(gate.permission(at: .seconds(1)) == .submitOne)
  }

  /// Seven others were on their way: that they are lost as well makes nobody wait longer.
  @Test func thoseOnTheirWayAreNoFailedTrial() {
    var gate = ServiceGate()
    lose(&gate, submission(1), at: .zero)
    #expect(gate.permission(at: .zero) == .submitOne)
    gate.tries(submission(2).slot)
    for number in 3...9 { lose(&gate, submission(number), at: .zero) }
    #expect(gate.permission(at: .zero) == .wait(until: .seconds(300)), "the trial is out")
    gate.submitNotSent(submission(9).slot)
    #expect(gate.permission(at: .zero) == .wait(until: .seconds(300)))
    gate.submitNotSent(submission(2).slot)
    #expect(gate.permission(at: .zero) == .submitOne)
  }

  @Test func anAnswerThatCannotBeReadHasToBeConfirmedToo() {
    var gate = ServiceGate()
    lose(&gate, submission(1), at: .zero)
    gate.unknown(submission(2), at: .zero)
    #expect(gate.confirmed("a1") == false)
    #expect(gate.confirmed("a2") == true)
  }

  @Test func aCallbackIsAReasonToAskWhateverIsWrong() {
    for trouble in [ServiceTrouble.down, .unauthorized, .wrongAddress, .account] {
      var gate = ServiceGate()
      _ = gate.trouble(trouble, JobCoreTests.trouble(), at: .zero)
      _ = gate.queryPermission(at: .zero)
      #expect(gate.callbackPermission(at: .seconds(1)) == .submit)
      // But for what the service asked for.
      _ = gate.queryFailed(JobCoreTests.trouble(), retryAfter: .seconds(90), at: .seconds(1))
      #expect(gate.callbackPermission(at: .seconds(90)) == .wait(until: .seconds(91)))
      #expect(gate.callbackPermission(at: .seconds(91)) == .submit)
    }
  }

  /// Random histories against the plain reading: which are unknown since it opened, and which tried last.
  @Test(arguments: SplitMix64.seeds(20)) func overRandomHistories(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var gate = ServiceGate()
    var now = Duration.zero
    var number = 0
    var underWay: [Submission] = []
    var unknown: Set<String>?
    var trial: (slot: SlotKey, at: Duration)?
    var lastTrial: String?
    var closings = 0
    for step in 0..<3000 {
      // Now and then as long as the longest wait.
      now += random.milliseconds(random.percent(5) ? 0...16_000_000 : 0...40_000)
      let place = "seed \(seed), step \(step)"
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4 where underWay.count < 8:
        number += 1
        let next = submission(number)
        switch gate.permission(at: now) {
        case .submit:
          try #require(unknown == nil, "\(place): all are let out")
        case .submitOne:
          try #require(unknown != nil && trial.map { now >= $0.at + .seconds(300) } ?? true, "\(place): a second trial")
          trial = (next.slot, now)
          gate.tries(next.slot)
        default: continue
        }
        underWay.append(next)
        gate.began(next)
      case 4..<7 where !underWay.isEmpty:
        let ended = underWay.remove(at: Int.random(in: underWay.indices, using: &random))
        gate.ended(ended)
        let isReadable = random.percent(10)
        if isReadable, random.percent(50) {
          gate.submitAnswered()
          (unknown, trial, lastTrial) = (nil, nil, nil)
          continue
        }
        if isReadable {
          gate.unknown(ended, at: now)
        } else {
          _ = gate.trouble(.down, trouble("down"), at: now, of: ended)
          _ = gate.queryAnswered()
          unknown = unknown ?? []
        }
        guard unknown != nil else { continue }
        unknown?.insert(ended.attemptID)
        if trial?.slot == ended.slot { (trial, lastTrial) = (nil, ended.attemptID) }
      case 7..<9 where number > 0:
        let attempt = "a\(Int.random(in: max(1, number - 12)...number, using: &random))"
        guard !underWay.contains(where: { $0.attemptID == attempt }) else { continue }
        let counts = unknown?.remove(attempt) != nil
        let closes = counts && (lastTrial == attempt || unknown?.isEmpty == true)
        try #require(gate.confirmed(attempt) == closes, "\(place): \(attempt), \(unknown ?? [])")
        guard closes else { continue }
        closings += 1
        (unknown, trial, lastTrial) = (nil, nil, nil)
      default: continue
      }
    }
    #expect(closings > 10, "seed \(seed): \(closings)")
  }

}
