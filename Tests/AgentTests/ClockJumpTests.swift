import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// The wall clock is set, a year forward or back.
  @Suite struct ClockJumpTests {
    static let year = day * 365

    // One waits after a refusal, one is at the service, one waits to be fetched: all in the moment of the jump.
    @Test(arguments: [year, .zero - year]) func waitsStayAsLongAsTheyWere(_ jump: Duration) async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(3600))
        try await bench.drop("working")
        bench.service.tasksTake(.zero)
        bench.service.onFetch { _ in
          .transient(JobError(code: "slow", message: "Later.", retryable: true), retryAfter: .seconds(600))
        }
        try await bench.drop("fetching")
        try await bench.until("it is being fetched") { !$0.service.fetches.isEmpty }
        bench.service.onFetch(nil)
        bench.service.onSubmit { _, n in n == 1 ? .refuse(ScriptedService.rateLimited(.seconds(600))) : .accept() }
        try await bench.drop("waiting")
        #expect(try await bench.state("waiting") == .queued)

        let start = bench.clock.monotonic
        bench.clock.jumpWallClock(by: jump)
        try await bench.pass(.seconds(590))
        #expect(bench.service.posts("waiting").count == 1, "not earlier than asked")
        try await bench.until("these two are done", within: .seconds(100)) {
          let states = (try await $0.state("waiting"), try await $0.state("fetching"))
          return states == (.done, .done)
        }
        #expect(bench.service.posts("waiting").last.map { $0.at - start <= .seconds(660) } == true)
        try await bench.pass(start + .seconds(3500) - bench.clock.monotonic)
        #expect(try await bench.state("working") == .submitted, "not held by its deadline")
        try await bench.until("it is done", within: .seconds(160)) { try await $0.state("working") == .done }
        #expect(bench.service.paidTwice == [])
      }
    }

    // The same, with a restart after the jump: the journal's moments are of the old time.
    @Test(arguments: [year, .zero - year]) func aRestartAfterwardsHoldsNothing(_ jump: Duration) async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(3600))
        try await bench.drop("working")
        bench.service.onSubmit { _, n in n == 1 ? .refuse(ScriptedService.rateLimited(.seconds(600))) : .accept() }
        try await bench.drop("waiting")
        try await bench.pass(.seconds(60))
        bench.clock.jumpWallClock(by: jump)
        try await bench.pass(.seconds(60))
        try await bench.stop()
        try await bench.start()
        try await bench.pass(.seconds(600))
        #expect(try await bench.state("working") == .submitted)
        #expect(bench.service.posts("waiting").count == 2)
      }
    }

    // The clock is set while no agent runs.
    @Test(arguments: [year, .zero - year]) func setWhileNothingRuns(_ jump: Duration) async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(600))
        try await bench.drop("working")
        bench.service.onSubmit { _, n in n == 1 ? .refuse(ScriptedService.rateLimited(.seconds(600))) : .accept() }
        try await bench.drop("waiting")
        try await bench.stop()
        bench.clock.jumpWallClock(by: jump)
        try await bench.start()
        try await bench.until("all are done", within: .seconds(900)) { try await $0.census()[.done] == 2 }
        #expect(bench.service.paidTwice == [])
      }
    }

    @Test func aDayIsNeverBegunTwice() async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 2 }) { bench in
        try await bench.drop(names(12))
        try await bench.pass(.seconds(60))
        var budget: [Int64: Int] = [:]
        for jump in [Self.year, .zero - Self.year, Self.year, .zero - Self.year * 2, Self.year] {
          bench.clock.jumpWallClock(by: jump)
          try await bench.pass(.seconds(120))
        }
        for post in bench.service.posts { budget[post.day, default: 0] += 1 }
        #expect(budget.values.allSatisfy { $0 <= 2 }, "\(budget)")
        #expect(budget.count == 3)
        // Back on its day, where two were sent: the next go after midnight, not in a year.
        let before = bench.service.posts.count
        let toMidnight = Duration.milliseconds(86_400_000 - bench.clock.wallClock.milliseconds % 86_400_000)
        try await bench.pass(toMidnight - .seconds(1))
        #expect(bench.service.posts.count == before)
        try await bench.pass(.seconds(61))
        #expect(bench.service.posts.count == before + 2)
      }
    }
  }
}
