import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// How a run ends: nothing of it goes on afterwards, and cancelling its task is a way to end it.
  @Suite struct LifecycleTests {
    // Something that was begun is slow: the run has not ended while it goes on.
    @Test(arguments: ["picture", "sidecar"]) func nothingGoesOnAfterTheEnd(_ slow: String) async throws {
      try await AgentFixture.with { bench in
        let barrier = Barrier()
        bench.process.files.delay { call in
          switch call {
          case .stage: slow == "picture" ? barrier : nil
          case .sidecar(_, .submitted?, durable: false): slow == "sidecar" ? barrier : nil
          default: nil
          }
        }
        if slow == "sidecar" { bench.service.tasksTake(.seconds(60)) }
        try await bench.drop("cat")
        try await bench.until("it is under way") { _ in barrier.arrived > 0 }
        await bench.process.pipeline.stop()
        try await bench.pass(.seconds(120))
        #expect(bench.process.ended.ending == nil)
        barrier.open()
        try await bench.until("it has ended") { $0.process.ended.ending != nil }
        bench.process.files.delay(nil)
        try await bench.start()
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func cancellingStopsIt() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(60))
        try await bench.drop("cat")
        try await bench.until("sent") { try await $0.state("cat") == .submitted }
        bench.process.life.cancel()
        try await bench.until("it has ended") { $0.process.ended.ending != nil }
        guard case .stopped? = bench.process.ended.ending else {
          Issue.record("\(String(describing: bench.process.ended.ending))")
          return
        }
        try await bench.start()
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    // The answer of a POST is worth waiting for, for a while; what is known then is written down.
    @Test func cancellingWaitsForAPostAndThenGivesItUp() async throws {
      try await AgentFixture.with(settings: { $0.stopTimeout = .seconds(20) }) { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop("cat")
        try await bench.until("it is sent") { $0.service.hanging == 1 }
        bench.process.life.cancel()
        try await bench.pass(.seconds(10))
        #expect(bench.process.ended.ending == nil && bench.service.hanging == 1)
        try await bench.until("it has ended", within: .seconds(11)) { $0.process.ended.ending != nil }
        #expect(bench.service.hanging == 0)
        #expect(try await bench.reason("cat") == .submissionOutcomeUnknown)
      }
    }

    // While nothing can be written, a start waits; that ends too.
    @Test func cancellingEndsAStartThatWaits() async throws {
      try await AgentFixture.with { bench in
        bench.process.journal.fail { _, _ in .full("no space") }
        try await bench.drop("cat")
        try await bench.until("it waits") { $0.notices.count("journal-full") > 0 }
        bench.process.life.cancel()
        try await bench.until("it has ended", within: .seconds(5)) { $0.process.ended.ending != nil }
      }
    }
  }
}

/// When `once` ends, and how.
@Suite struct OnceJudgeTests {
  private func judge(_ change: (inout OnceJudge) -> Void = { _ in }) -> OnceJudge {
    var judge = OnceJudge(now: .seconds(100))
    judge.isScanned = true
    judge.isIdle = true
    change(&judge)
    return judge
  }

  private func why(_ judge: OnceJudge) -> String {
    switch judge.verdict() {
    case .goOn: "go on"
    case .end(.service(let trouble, _)): "service \(trouble.rawValue)"
    case .end(.cannotWrite): "cannot write"
    case .end(let ending): "\(ending)"
    case .conclude(let why): why
    }
  }

  private static let error = JobError(code: .account, message: "No credits.")

  @Test func nothingIsLeft() {
    #expect(why(judge()) == "files wait for something")
    #expect(why(judge { $0.isIdle = false }) == "go on")
    #expect(why(judge { $0.wantsLift = true }) == "go on", "room may have come free today")
    #expect(why(judge { $0.isRuling = true }) == "go on", "refusals are judged anew")
  }

  @Test func theTimeIsOver() {
    #expect(why(judge { ($0.deadline, $0.isIdle) = (.seconds(100), false) }) == "the time limit is over")
    #expect(why(judge { ($0.deadline, $0.isIdle) = (.seconds(101), false) }) == "go on")
    #expect(why(judge { ($0.deadline, $0.nextStart) = (.seconds(200), .seconds(150)) }) == "go on")
    let late = judge { ($0.deadline, $0.nextStart) = (.seconds(200), .seconds(201)) }
    #expect(why(late) == "the next try is later than the time limit")
    let heldBack = judge { ($0.deadline, $0.heldBackUntil, $0.isIdle) = (.seconds(200), .seconds(201), false) }
    #expect(why(heldBack) == "the service asks to wait beyond the time limit")
  }

  @Test func theServiceTakesNothing() {
    func closed(_ trouble: ServiceTrouble) -> ServiceGate.Closed? {
      var gate = ServiceGate()
      _ = gate.trouble(trouble, Self.error, at: .zero)
      return gate.closed
    }
    #expect(why(judge { $0.closed = closed(.account) }) == "service \(ServiceTrouble.account.rawValue)")
    // What is at the service is waited for, and an outage passes.
    #expect(why(judge { ($0.closed, $0.hasTask, $0.isIdle) = (closed(.account), true, false) }) == "go on")
    #expect(why(judge { ($0.closed, $0.isIdle) = (closed(.down), false) }) == "go on")
    // What could not even be asked for when time is over: the reason is the service's, not the time.
    let unasked = judge { ($0.closed, $0.hasTask, $0.isIdle) = (closed(.unauthorized), true, false) }
    #expect(why(unasked) == "go on")
    let over = { (judge: OnceJudge) in
      var judge = judge
      judge.deadline = judge.now
      return judge
    }
    #expect(why(over(unasked)) == "service \(ServiceTrouble.unauthorized.rawValue)")
    #expect(why(over(judge { ($0.closed, $0.isIdle) = (closed(.down), false) })) == "the time limit is over")
  }

  @Test func somethingElseIsMissing() {
    #expect(why(judge { ($0.priceWait, $0.isIdle) = (Self.error, false) }) == Self.error.message)
    #expect(why(judge { ($0.priceWait, $0.isRunning, $0.isIdle) = (Self.error, true, false) }) == "go on")
    #expect(why(judge { ($0.pictureWait, $0.isIdle) = (Self.error, false) }) == Self.error.message)
    #expect(why(judge { ($0.pictureWait, $0.isSettling, $0.isIdle) = (Self.error, true, false) }) == "go on")
    #expect(why(judge { ($0.localTrouble, $0.nextStart) = (Self.error, .seconds(110)) }) == "cannot write")
  }
}
