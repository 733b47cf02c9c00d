import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// The service's trouble is not the jobs' fault.
  @Suite struct OutageTests {
    /// What is wrong, and how it shows.
    enum Outage: String, CaseIterable, CustomTestStringConvertible {
      case serverErrors, noConnection, unauthorized, wrongAddress
      var testDescription: String { rawValue }

      var reply: ScriptedService.Reply {
        switch self {
        case .serverErrors: .lost()
        case .noConnection: .unreachable
        case .unauthorized: .refuse(ScriptedService.stopped(.unauthorized))
        case .wrongAddress: .refuse(ScriptedService.stopped(.wrongAddress))
        }
      }
      var answer: QueryOutcome {
        switch self {
        case .serverErrors: .failed(ScriptedService.serverError)
        case .noConnection: .failed(ScriptedService.notReached)
        case .unauthorized: .failed(ScriptedService.stopped(.unauthorized))
        case .wrongAddress: .failed(ScriptedService.stopped(.wrongAddress))
        }
      }
      // Every other one was decided: it may be sent again.
      var mayHold: Int { self == .serverErrors ? 8 : 0 }
    }

    @Test(arguments: Outage.allCases) func threeDaysWithoutTheService(_ outage: Outage) async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 64 }) { bench in
        let flying = names(32).map { "f" + $0 }
        bench.service.tasksTake(.seconds(60))
        try await bench.drop(flying)
        try await bench.until("all are at the service") { $0.service.tasks.count == 32 }
        bench.service.onSubmit { _, _ in outage.reply }
        bench.service.onQuery { _, _ in outage.answer }
        let start = bench.clock.monotonic
        try await bench.drop(names(500))
        try await bench.pass(.seconds(600))
        let postsBefore = bench.service.posts.count
        #expect(postsBefore <= 32 + 8)
        let status = try #require(await bench.ask(.status).status)
        #expect(!status.stops.isEmpty)
        #expect(try bench.sidecar(flying[0])?.error != nil, "a sidecar in flight tells of the outage")

        try await bench.pass(.seconds(12 * 3600) - .seconds(600), step: .seconds(30))
        // Steps that are long hide nothing but how far apart the tries are, and those of half a day are there.
        try await bench.pass(.seconds(60 * 3600), step: .seconds(150))
        if outage != .noConnection {
          #expect(bench.service.posts.count == postsBefore, "nothing is posted while it is down")
        }
        let probes = bench.service.queries.map(\.at).filter { $0 >= start + .seconds(300) }
        #expect(probes.count > 100, "it is tried")
        for (earlier, later) in zip(probes, probes.dropFirst()) where later - earlier < .seconds(59) {
          Issue.record("two probes within \(later - earlier)")
          break
        }
        var census = try await bench.census()
        #expect((census[.held] ?? 0) <= outage.mayHold)
        #expect(census[.failed] ?? 0 == 0)

        bench.service.onSubmit(nil)
        bench.service.onQuery(nil)
        let held = census[.held] ?? 0
        try await bench.until("all goes on", within: .seconds(3600), step: .seconds(10)) {
          try await $0.census()[.done] == 532 - held
        }
        census = try await bench.census()
        #expect(census[.failed] ?? 0 == 0)
        #expect(bench.service.paidTwice == [])
        #expect(bench.service.tasks.count == 532 - held)
      }
    }

    @Test func anAccountWithoutCreditsIsTriedOnceAMinute() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .refuse(ScriptedService.stopped(.account)) }
        let start = bench.clock.monotonic
        try await bench.drop(names(100))
        try await bench.pass(.seconds(6 * 3600), step: .seconds(5))
        let tries = bench.service.posts.map(\.at).filter { $0 > start + .seconds(5) }
        #expect(tries.count > 100)
        for (earlier, later) in zip(tries, tries.dropFirst()) where later - earlier < .seconds(59) {
          Issue.record("two tries within \(later - earlier)")
          break
        }
        #expect(try await bench.census()[.queued] == 100)
        bench.service.onSubmit(nil)
        try await bench.until("all goes on", within: .seconds(900), step: .seconds(1)) {
          try await $0.census()[.done] == 100
        }
        #expect(bench.service.paidTwice == [])
      }
    }

    // Submissions end in 5xx while queries are answered: probes alone must not send a handful into it every minute.
    @Test func queriesThatWorkDoNotProveThatSubmissionsDo() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .lost(accepted: true) }
        try await bench.drop(names(200))
        try await bench.pass(day, step: .seconds(20))
        let held = try await bench.census()[.held] ?? 0
        #expect(held <= 24)
        bench.service.onSubmit(nil)
        try await bench.until("the rest goes on", within: .seconds(5 * 3600), step: .seconds(20)) {
          let census = try await $0.census()
          return census[.queued] ?? 0 == 0 && census[.submitted] ?? 0 == 0 && census[.fetching] ?? 0 == 0
        }
        #expect(bench.service.paidTwice == [])
      }
    }

    // A single answer that is lost is no outage.
    @Test func oneLostAnswerHoldsOneJobAndStopsNothing() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { post, _ in post.prompt == "p005" ? .lost(accepted: true) : .accept() }
        try await bench.drop(names(20))
        try await bench.until("the others are done", within: .seconds(120)) { try await $0.census()[.done] == 19 }
        #expect(try await bench.reason("p005") == .submissionOutcomeUnknown)
      }
    }
  }
}
