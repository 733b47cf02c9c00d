import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// The service asks for less.
  @Suite struct SlowDownTests {
    @Test func aDayIsWaitedForByAll() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .refuse(ScriptedService.rateLimited(day)) }
        let start = bench.clock.monotonic
        try await bench.drop(names(30))
        let asked = bench.service.posts.count
        #expect((1...8).contains(asked))
        try await bench.pass(day - .seconds(1))
        #expect(bench.service.posts.count == asked)
        bench.service.onSubmit(nil)
        try await bench.until("all are done", within: .seconds(300)) { try await $0.census()[.done] == 30 }
        #expect(bench.service.posts.dropFirst(asked).allSatisfy { $0.at >= start + day })
        #expect(bench.service.paidTwice == [])
      }
    }

    // As Retry-After can say, and as no clock of the service's can mean: it is tried after a day.
    @Test func tenYearsAreTriedAfterADay() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, n in n == 1 ? .refuse(ScriptedService.rateLimited(day * 3650)) : .accept() }
        let start = bench.clock.monotonic
        try await bench.drop("cat")
        try await bench.until("done", within: day + .seconds(120)) { try await $0.state("cat") == .done }
        let times = bench.service.posts.map { $0.at - start }
        #expect(times.count == 2)
        #expect(times[1] >= day && times[1] <= day + .seconds(60))
      }
    }

    // A wait of a day survives a restart as what it is, and one of ten years in the journal does not hold for ever.
    @Test func aWaitIsNotForgottenByARestart() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, n in n == 1 ? .refuse(ScriptedService.rateLimited(.seconds(3600))) : .accept() }
        let start = bench.clock.monotonic
        try await bench.drop("cat")
        try await bench.pass(.seconds(60))
        try await bench.stop()
        try await bench.start()
        try await bench.until("done", within: .seconds(3700)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.map(\.at).last.map { $0 >= start + .seconds(3600) } == true)
      }
    }

    // Nothing of theirs was submitted, and people look beside the prompt for the reason.
    @Test func whatWaitsForTheServiceSaysSo() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .refuse(ScriptedService.rateLimited(.seconds(3600))) }
        try await bench.drop("cat")
        try await bench.drop(["dog", "owl"])
        try await bench.pass(.seconds(5))
        for name in ["cat", "dog", "owl"] {
          let sidecar = try bench.sidecar(name)
          #expect(sidecar?.state == .queued, "\(name)")
        }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func refusedOnesDoNotAllComeBackAtOnce() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop(names(8))
        #expect(bench.service.hanging == 8)
        bench.service.release(nil, .refuse(ScriptedService.rateLimited(.seconds(100))))
        try await bench.settle()
        var moments: Set<Timestamp> = []
        for name in names(8) {
          guard case .queued(let queued)? = try await bench.slots(name).first?.state else { continue }
          if let moment = queued.notBefore { moments.insert(moment) }
        }
        #expect(moments.count >= 6, "\(moments)")
      }
    }

    @Test func queriesAreSpreadAndBackOff() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(3000))
        try await bench.drop(names(8))
        try await bench.pass(.seconds(1200))
        let late = bench.service.queries.map(\.at).filter { $0 >= bench.clock.monotonic - .seconds(120) }
        #expect(Set(late).count > late.count / 2, "not all at the same moment")
        #expect(late.count < 8 * 8, "long tasks are asked for seldom")
      }
    }

    @Test func aQueryThatIsRefusedSlowsAllQueries() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(60))
        try await bench.drop(names(8))
        bench.service.onQuery { _, _ in .failed(ScriptedService.rateLimited(.seconds(600))) }
        try await bench.until("one was asked for") { !$0.service.queries.isEmpty }
        let asked = bench.service.queries.count
        try await bench.pass(.seconds(590))
        #expect(bench.service.queries.count - asked <= 8)
        bench.service.onQuery(nil)
        try await bench.until("all are done", within: .seconds(900)) { try await $0.census()[.done] == 8 }
      }
    }
  }
}
