import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A refusal that does not say whom it is about: it waits, and stops nobody.
  @Suite struct BlameTests {
    private static let isBad: @Sendable (ScriptedService.Post, Int) -> ScriptedService.Reply = { post, _ in
      post.prompt.hasPrefix("bad") ? .refuse(ScriptedService.unclear()) : .accept()
    }

    private func waits(_ bench: AgentFixture, _ name: String) async throws -> Bool {
      guard let slot = try await bench.slots(name).first else { return false }
      return slot.state.name == .queued && slot.state.blame != nil
    }

    @Test func aLoneOneWaitsAndIsTriedMoreAndMoreSeldom() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit(Self.isBad)
        try await bench.drop("bad")
        try await bench.pass(.seconds(30))
        #expect(try await waits(bench, "bad"))
        let sidecar = try #require(try bench.sidecar("bad"))
        #expect(sidecar.state == .queued && sidecar.reason == "refusal-unclear" && sidecar.nextAttemptAt != nil)
        #expect(sidecar.error?.message.contains("Forbidden.") == true && sidecar.error?.hint != nil)
        #expect(await bench.ask(.status).stopReasons == [], "it is not the account's trouble")
        try await bench.pass(day)
        let tries = bench.service.posts.map(\.at)
        for (earlier, later) in zip(tries.dropFirst(), tries.dropFirst(2)) {
          #expect(later - earlier >= .seconds(119), "\(tries)")
        }
        #expect((8...16).contains(tries.count), "\(tries.count)")
        #expect(try await waits(bench, "bad"))
        // It was the account, or a gateway, after all.
        bench.service.onSubmit(nil)
        try await bench.until("done", within: .seconds(4 * 3600 + 60)) { try await $0.state("bad") == .done }
      }
    }

    @Test(arguments: [false, true]) func itIsItsOwnOnceALaterOneIsAccepted(restart: Bool) async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit(Self.isBad)
        try await bench.drop("bad")
        try await bench.until("refused") { try await waits($0, "bad") }
        if restart {
          try await bench.stop()
          try await bench.start()
          #expect(try await waits(bench, "bad"))
        }
        let before = bench.clock.monotonic
        try await bench.drop(names(20))
        try await bench.until("the others are done", within: .seconds(60)) { try await $0.census()[.done] == 20 }
        try await bench.until("it has failed", within: .seconds(5)) { try await $0.state("bad") == .failed }
        #expect(bench.clock.monotonic - before < .seconds(60))
        #expect(bench.service.posts("bad").count == 1, "nothing had to be tried again")
        let sidecar = try #require(try bench.sidecar("bad"))
        #expect(sidecar.state == .failed && sidecar.error?.code == "refused")
        #expect(sidecar.error?.message.contains("Forbidden.") == true)
        // A person may try again all the same.
        bench.service.onSubmit(nil)
        #expect(await bench.ask(.retry, ["bad.prompt"]).oks == [true])
        try await bench.until("done", within: .seconds(60)) { try await $0.state("bad") == .done }
      }
    }

    @Test func oneThatWasOnItsWayBeforeProvesNothing() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { post, n in post.prompt == "slow" ? .hang() : Self.isBad(post, n) }
        try await bench.drop("slow")
        try await bench.drop("bad")
        try await bench.until("refused") { try await waits($0, "bad") }
        bench.service.release("slow", .accept())
        try await bench.until("done") { try await $0.state("slow") == .done }
        #expect(try await waits(bench, "bad"))
        try await bench.drop("later")
        try await bench.until("it has failed", within: .seconds(30)) { try await $0.state("bad") == .failed }
      }
    }

    @Test func aPersonMayHaveItTriedAtOnce() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { post, n in n == 1 ? .refuse(ScriptedService.unclear()) : .accept() }
        try await bench.drop("bad")
        try await bench.until("refused") { try await waits($0, "bad") }
        #expect(await bench.ask(.retry, ["bad.prompt"]).oks == [true])
        try await bench.until("done", within: .seconds(10)) { try await $0.state("bad") == .done }
      }
    }

    // Nobody is accepted any more, and nobody says why.
    @Test func severalInARowStopAllAndFailNone() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { post, n in .refuse(ScriptedService.unclear("no \(post.prompt) \(n)")) }
        try await bench.drop(names(100))
        try await bench.pass(.seconds(600))
        #expect(await bench.ask(.status).stopReasons == ["account"])
        let first = bench.service.posts.count
        #expect(first <= 32, "\(first)")
        try await bench.pass(.seconds(6 * 3600), step: .seconds(5))
        #expect(bench.service.posts.count - first <= 6 * 60 + 1)
        #expect(try await bench.census() == [.queued: 100])
        bench.service.onSubmit(nil)
        try await bench.until("all goes on", within: .seconds(600), step: .seconds(1)) {
          try await $0.census()[.done] == 100
        }
        #expect(bench.service.paidTwice == [])
        #expect(await bench.ask(.status).stopReasons == [])
      }
    }

    // The same after a restart: those that were blamed on the account are tried again, none has failed.
    @Test func norDoesARestartFailThem() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .refuse(ScriptedService.unclear()) }
        try await bench.drop(names(5))
        try await bench.pass(.seconds(30))
        #expect(try await bench.census() == [.queued: 5])
        try await bench.stop()
        bench.service.onSubmit(nil)
        try await bench.start()
        try await bench.drop("new")
        try await bench.until("all are done", within: .seconds(60)) { try await $0.census()[.done] == 6 }
      }
    }

    // Three or more bad ones look like an account; the good ones behind them wait for seconds.
    @Test(arguments: [false, true]) func manyBadOnesStopNobodyForLong(sameMoment: Bool) async throws {
      try await AgentFixture.with(settings: { $0.maxRequests = 1 }) { bench in
        bench.service.onSubmit(Self.isBad)
        let bad = (0..<8).map { "bad\($0)" }
        try await bench.drop(sameMoment ? bad + names(6) : bad)
        if !sameMoment {
          try await bench.pass(.seconds(3600))
          try await bench.drop(names(6))
        }
        let start = bench.clock.monotonic
        // An interval is a minute; eight of them one after the other were eight.
        try await bench.until("the good ones are done", within: .seconds(120)) { bench in
          try await bench.census()[.done] == 6
        }
        if !sameMoment { #expect(bench.clock.monotonic - start <= .seconds(75)) }
        // Each was given another chance, for it might have been the account.
        try await bench.drop("last")
        try await bench.until("the bad ones have failed", within: .seconds(300)) { bench in
          try await bench.census()[.failed] == 8
        }
        try await bench.until("the last one is done") { try await $0.state("last") == .done }
        let posts = bench.service.posts.count
        try await bench.pass(day)
        #expect(bench.service.posts.count == posts, "they are not posted again")
      }
    }
  }
}
