import JobCore
import TestKit
import Testing

/// Long outages by hand: whatever number of tasks ask, the service hears of one of them an interval.
@Suite struct OutageTests {
  private static let hour = Duration.seconds(3600)

  /// Three days down. 500 tasks ask whenever they are told to, and submissions ask besides.
  @Test(arguments: SplitMix64.seeds())
  func seventyTwoHours(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var gate = ServiceGate()
    var due = (0..<500).map { _ in random.milliseconds(0...30_000) }
    var probes: [Duration] = []
    var queries = 0
    let end = Self.hour * 72
    var now = Duration.zero
    while now < end {
      // A submission that waits asks too, before the tasks in one half of the cases.
      let submitsFirst = random.percent(50)
      if submitsFirst { try submit(&gate, now, &probes) }
      var next = end
      for index in due.indices {
        if due[index] <= now {
          switch gate.queryPermission(at: now) {
          case .submit, .probe:
            if gate.closed == nil { queries += 1 } else { probes.append(now) }
            let isNews = gate.queryFailed(trouble("down"), retryAfter: nil, at: now)
            if isNews != (queries == 10 && probes.isEmpty) { Issue.record("seed \(seed): told by query \(queries)") }
            if gate.closed != nil { _ = gate.trouble(.down, trouble("down"), at: now) }
            due[index] = now + .milliseconds(1)
          case .wait(let until):
            if until <= now || until != gate.nextQuery(at: now) { Issue.record("seed \(seed): waits until \(until)") }
            due[index] = until
          case .submitOne: Issue.record("a query is no submission")
          }
        }
        next = min(next, due[index])
      }
      if !submitsFirst { try submit(&gate, now, &probes) }
      now = max(next, now + .milliseconds(1))
    }
    #expect(queries == 10, "a handful find out, not hundreds")
    for (earlier, later) in zip(probes, probes.dropFirst()) {
      try #require(later - earlier >= .seconds(60), "seed \(seed): \(later - earlier)")
    }
    #expect(probes.count >= 72 * 60 - 2 && probes.count <= 72 * 60 + 1, "\(probes.count)")
    #expect(try #require(probes.first) < .seconds(60))
    // It is back: one answer, and queries go on at once; submissions after one that tries.
    #expect(gate.queryAnswered() == true)
    #expect(gate.queryPermission(at: end) == .submit)
    #expect(gate.permission(at: end) == .submitOne)
    _ = gate.accepted()
    #expect(gate.permission(at: end) == .submit)
  }

  private func submit(_ gate: inout ServiceGate, _ now: Duration, _ probes: inout [Duration]) throws {
    switch gate.permission(at: now) {
    case .submit: break
    case .wait(let until): try #require(until > now && until <= now + .seconds(60), "waits until \(until)")
    case .probe:
      probes.append(now)
      _ = gate.queryFailed(trouble("down"), retryAfter: nil, at: now)
      _ = gate.trouble(.down, trouble("down"), at: now)
    case .submitOne: Issue.record("an outage is tried with a query, never with a POST")
    }
  }

  /// Queries are answered, submissions are not, for three days: each trial may cost a picture that nobody sees.
  @Test func aServiceThatOnlyQueriesSurviveHoldsAHandful() {
    var gate = ServiceGate()
    var held = 0
    var now = Duration.zero
    // Eight were on their way when it began; between them a query is answered.
    for _ in 0..<8 {
      held += 1
      _ = gate.trouble(.down, trouble(), at: now)
      _ = gate.queryAnswered()
    }
    while now < Self.hour * 72 {
      switch gate.permission(at: now) {
      case .submit: Issue.record("all are let out at \(now)")
      case .submitOne:
        held += 1
        _ = gate.trouble(.down, trouble(), at: now)
      case .probe: _ = gate.queryAnswered()
      case .wait(let until): now = max(until, now + .milliseconds(1))
      }
    }
    #expect((15...40).contains(held), "\(held)")
    // It is mended: within four hours one tries, and then all go.
    while case .wait(let until) = gate.permission(at: now) { now = until }
    #expect(now < Self.hour * 77)
    _ = gate.accepted()
    #expect(gate.permission(at: now) == .submit)
  }

  @Test func aTrialThatCameToNothingIsReplaced() {
    var gate = ServiceGate()
    _ = gate.trouble(.down, trouble(), at: .zero)
    _ = gate.queryAnswered()
    #expect(gate.permission(at: .seconds(1)) == .submitOne)
    #expect(gate.permission(at: .seconds(2)) == .wait(until: .seconds(301)), "one at a time, but not for ever")
    gate.submitNotSent()
    #expect(gate.permission(at: .seconds(3)) == .submitOne)
    gate.submitAnswered()
    #expect(gate.permission(at: .seconds(4)) == .submit)
  }

  /// Down, back for one answer, down again: nobody has to wait for ten failures to find out.
  @Test func aRelapseIsFoundSoon() {
    var gate = ServiceGate()
    while gate.closed == nil { _ = gate.queryFailed(trouble(), retryAfter: nil, at: .seconds(1)) }
    #expect(gate.queryAnswered() == true && gate.closed == nil)
    var failures = 0
    while gate.closed == nil, failures < 100 {
      failures += 1
      _ = gate.queryFailed(trouble(), retryAfter: nil, at: .seconds(100))
    }
    #expect((2...4).contains(failures), "\(failures)")
  }

  @Test(arguments: [Duration.seconds(86_400), .seconds(10 * 365 * 86_400), .seconds(Int64.max)])
  func aRetryAfterHoldsForADayAtMost(wanted: Duration) {
    let day = Duration.seconds(86_400)
    var gate = ServiceGate()
    let now = Duration.seconds(50)
    #expect(gate.queryFailed(trouble(), retryAfter: wanted, at: now) == false, "one failure is not an outage")
    #expect(gate.queryPermission(at: now) == .wait(until: now + day))
    #expect(gate.queryPermission(at: now + day - .milliseconds(1)) == .wait(until: now + day))
    #expect(gate.nextQuery(at: now) == now + day)
    #expect(gate.queryPermission(at: now + day) == .submit)
    #expect(gate.permission(at: now) == .submit, "a query's wish is not a submission's")
    gate.slowDown(for: wanted, at: now)
    #expect(gate.permission(at: now) == .wait(until: now + day))
    #expect(gate.permission(at: now + day) == .submit)
  }

  @Test func aShorterWishDoesNotTakeALongerOneBack() {
    var gate = ServiceGate()
    _ = gate.queryFailed(trouble(), retryAfter: .seconds(900), at: .zero)
    _ = gate.queryFailed(trouble(), retryAfter: .seconds(2), at: .seconds(1))
    #expect(gate.nextQuery(at: .seconds(2)) == .seconds(900))
  }

  /// One task that never answers beside some that do: they give back more than it takes.
  @Test func oneBadTaskAmongGoodOnesClosesNothing() {
    var gate = ServiceGate()
    for round in 0..<10_000 {
      let now = Duration.seconds(round)
      #expect(gate.queryFailed(trouble(), retryAfter: nil, at: now) == false)
      for _ in 0..<2 { #expect(gate.queryAnswered() == false) }
      #expect(gate.permission(at: now) == .submit && gate.queryPermission(at: now) == .submit)
    }
  }

  /// The bad one alone is asked often enough to close the gate: the first good answer opens it.
  @Test func aBadTaskThatClosesTheGateDoesSoForSeconds() throws {
    var gate = ServiceGate()
    var now = Duration.zero
    while gate.closed == nil {
      now += .seconds(2)
      _ = gate.queryFailed(trouble(), retryAfter: nil, at: now)
    }
    #expect(now == .seconds(20))
    // A good one asks next, after the short first wait.
    let first = gate.nextQuery(at: now)
    #expect(first == now + .seconds(5))
    #expect(gate.queryPermission(at: first) == .probe)
    #expect(gate.queryAnswered() == true && gate.queryPermission(at: first) == .submit)
  }

  /// Queries tell nothing of an account: they go on, so that what is paid for is fetched.
  @Test func anAccountsTroubleLetsQueriesThrough() {
    var gate = ServiceGate()
    _ = gate.trouble(.account, trouble(), at: .zero)
    for second in 0..<200 { #expect(gate.queryPermission(at: .seconds(second)) == .submit) }
    #expect(gate.permission(at: .seconds(60)) == .submitOne, "queries did not use up the probe")
    #expect(gate.nextQuery(at: .seconds(61)) == .seconds(61))
  }

  /// Submissions and queries share one probe an interval.
  @Test(arguments: [ServiceTrouble.down, .unauthorized, .wrongAddress])
  func oneProbeForBoth(_ trouble: ServiceTrouble) {
    var gate = ServiceGate()
    _ = gate.trouble(trouble, JobCoreTests.trouble(), at: .zero)
    let first = gate.nextQuery(at: .zero)
    // One POST that failed may be one connection that broke: the next query may tell, and it alone.
    if trouble == .down { #expect(gate.queryPermission(at: .zero) == .submit) }
    #expect(gate.queryPermission(at: .zero) == .wait(until: first))
    #expect(gate.queryPermission(at: first) == .probe)
    #expect(gate.permission(at: first) == .wait(until: first + .seconds(60)))
    #expect(gate.permission(at: first + .seconds(60)) == .probe)
    #expect(gate.queryPermission(at: first + .seconds(60)) == .wait(until: first + .seconds(120)))
  }
}
