import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// What may be spent in a UTC day.
  @Suite struct DailyLimitTests {
    // 09:00 UTC is where the clock stands at first.
    static let toMidnight: Duration = .seconds(15 * 3600)

    @Test func submissionsOfADay() async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 3 }) { bench in
        try await bench.drop(names(5))
        try await bench.until("three are done") { try await $0.census()[.done] == 3 }
        let waiting = try #require(try await bench.all(names(5), .queued).first)
        let sidecar = try #require(try bench.sidecar(waiting))
        #expect(sidecar.reason == "daily-limit")
        #expect(sidecar.nextAttemptAt?.rfc3339 == "2026-02-01T00:00:00.000Z")
        let start = ManualClock().monotonic
        try await bench.pass(start + Self.toMidnight - .seconds(1) - bench.clock.monotonic)
        #expect(bench.service.posts.count == 3)
        try await bench.until("all are done", within: .seconds(60)) { try await $0.census()[.done] == 5 }
      }
    }

    @Test func eachRootHasItsOwn() async throws {
      try await AgentFixture.with(roots: ["a", "b"], settings: { $0.spending.rootSubmissions = 2 }) { bench in
        try await bench.drop(names(3).map { "a" + $0 })
        try await bench.drop(names(3).map { "b" + $0 }, root: 2)
        try await bench.pass(.seconds(600))
        #expect(bench.service.posts.count { $0.prompt.hasPrefix("a") } == 2)
        #expect(bench.service.posts.count { $0.prompt.hasPrefix("b") } == 2)
        try await bench.until("all are done", within: day) { try await $0.census()[.done] == 6 }
        #expect(bench.service.paidTwice == [])
      }
    }

    @Test(arguments: [false, true]) func creditsOfADay(ofARoot: Bool) async throws {
      try await AgentFixture.with(
        settings: { settings in
          settings.spending.price = Credits("0.5")
          if ofARoot {
            settings.spending.rootCredits = Credits("1.2")
          } else {
            settings.spending.credits = Credits("1.2")
          }
        }
      ) { bench in
        try await bench.drop(names(5))
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 2)
        try await bench.pass(day)
        #expect(bench.service.posts.count == 4)
        try await bench.pass(day)
        #expect(try await bench.census()[.done] == 5)
      }
    }

    // Half a credit is set aside for what turns out to cost a tenth: what is given back is used at once where nothing else is
    // to be done.
    @Test func creditsGivenBackAreUsedOnTheSameDay() async throws {
      try await AgentFixture.with(
        settings: { settings in
          settings.spending.credits = Credits("1")
          settings.spending.price = Credits("0.5")
        }
      ) { bench in
        bench.service.costs("0.1")
        try await bench.drop(names(8))
        try await bench.until("all that fit are done", within: .seconds(55)) { try await $0.census()[.done] == 6 }
        try await bench.pass(.seconds(600))
        #expect(bench.service.posts.count == 6)
        #expect(await bench.ask(.status).status?.today.credits == "0.6")
      }
    }

    @Test(arguments: [false, true]) func aRestartDoesNotBeginTheDayAgain(killed: Bool) async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 3 }) { bench in
        try await bench.drop(names(2))
        try await bench.until("done") { try await $0.census()[.done] == 2 }
        if killed { try await bench.kill() } else { try await bench.stop() }
        try await bench.start()
        try await bench.drop(names(6).suffix(4).map { $0 })
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 3)
        if killed { try await bench.kill() } else { try await bench.stop() }
        try await bench.start()
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 3)
        try await bench.until("all are done", within: day * 2) { try await $0.census()[.done] == 6 }
      }
    }

    @Test func aLimitThatIsRaisedLetsThemGoAtOnce() async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 1 }) { bench in
        try await bench.drop(names(4))
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1)
        try await bench.stop()
        let start = bench.clock.monotonic
        try await bench.start { $0.spending.submissions = 3 }
        try await bench.until("two more are sent", within: .seconds(5)) { $0.service.posts.count == 3 }
        #expect(bench.service.posts.allSatisfy { $0.at <= start + .seconds(5) })
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 3)
      }
    }

    @Test func unknownPricesAreFoundOutOneAtATime() async throws {
      try await AgentFixture.with(settings: { $0.spending.credits = Credits("2") }) { bench in
        bench.service.tasksTake(.seconds(60))
        try await bench.drop(names(5))
        try await bench.pass(.seconds(50))
        #expect(bench.service.posts.count == 1)
        #expect(await bench.ask(.status).stopReasons == ["price-unknown"])
        try await bench.until("the first is done") { try await $0.census()[.done] == 1 }
        try await bench.pass(.seconds(5))
        #expect(bench.service.posts.count == 4, "three more at 0.5, now that this is known")
        try await bench.pass(day)
        #expect(try await bench.census()[.done] == 5)
      }
    }

    @Test func whatMayHaveBeenAcceptedStaysOnTheBill() async throws {
      try await AgentFixture.with(
        settings: { settings in
          settings.spending.credits = Credits("1")
          settings.spending.price = Credits("0.5")
        }
      ) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "lost" ? .garbled() : .accept() }
        try await bench.drop("lost")
        try await bench.until("held") { try await $0.state("lost") == .held }
        try await bench.drop(names(2))
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 2)
        #expect(await bench.ask(.status).status?.today.credits == "1")
      }
    }

    // The picture is late, its slot is held, and only then the service tells the price.
    @Test func aPriceThatComesWhileItIsHeldCounts() async throws {
      try await AgentFixture.with(settings: { $0.spending.price = Credits("0.5") }) { bench in
        bench.service.costs(nil)
        bench.service.onFetch { _ in .expired(JobError(code: "image-expired", message: "HTTP 404.", retryable: true)) }
        try await bench.drop("cat")
        try await bench.until("held", within: .seconds(1800)) { try await $0.state("cat") == .held }
        #expect(await bench.ask(.status).status?.today.credits == "0.5")
        bench.service.costs("0.3")
        bench.service.onFetch(nil)
        try await bench.until("done", within: .seconds(7200)) { try await $0.state("cat") == .done }
        #expect(await bench.ask(.status).status?.today.credits == "0.3")
      }
    }

    // A task that succeeded may have been charged for, although it made no picture; one that failed was not.
    @Test(arguments: [TaskReport.Phase.withoutResult, .succeeded([.text("No.")]), .failed("no")])
    func whatSucceededWithoutAPictureStaysOnTheBill(_ phase: TaskReport.Phase) async throws {
      try await AgentFixture.with(settings: { $0.spending.price = Credits("0.5") }) { bench in
        bench.service.onQuery { _, _ in .report(TaskReport(phase: phase, status: "final", consumed: nil)) }
        try await bench.drop("cat")
        try await bench.until("failed", within: .seconds(900)) { try await $0.state("cat") == .failed }
        let isFree = if case .failed = phase { true } else { false }
        #expect(await bench.ask(.status).status?.today.credits == (isFree ? "0" : "0.5"))
      }
    }

    @Test func whatWasRefusedDoesNot() async throws {
      try await AgentFixture.with(
        settings: { settings in
          settings.spending.credits = Credits("1")
          settings.spending.submissions = 2
          settings.spending.price = Credits("0.5")
        }
      ) { bench in
        bench.service.onSubmit { post, n in
          switch post.prompt {
          case "wrong": .refuse(ScriptedService.refused())
          case "far": n == 1 ? .unreachable : .accept()
          default: .accept()
          }
        }
        try await bench.drop("wrong")
        try await bench.until("failed") { try await $0.state("wrong") == .failed }
        try await bench.drop("far")
        try await bench.drop("near")
        try await bench.until("both are done") { try await $0.census()[.done] == 2 }
        try await bench.drop("third")
        try await bench.pass(.seconds(3600))
        #expect(try await bench.state("third") == .queued)
      }
    }

    @Test func tenSecondsBeforeMidnight() async throws {
      let clock = ManualClock(wallClock: Timestamp(milliseconds: 1_769_903_990_000))
      try await AgentFixture.with(clock: clock, settings: { $0.spending.submissions = 1 }) { bench in
        bench.service.tasksTake(.seconds(30))
        try await bench.drop(names(2))
        try await bench.pass(.seconds(9))
        #expect(bench.service.posts.count == 1)
        try await bench.pass(.seconds(2))
        #expect(bench.service.posts.count == 2)
        #expect(Set(bench.service.posts.map(\.day)).count == 2)
        // The first one's price comes after midnight and counts for its own day.
        try await bench.until("both are done") { try await $0.census()[.done] == 2 }
        try await bench.drop("third")
        try await bench.pass(.seconds(600))
        #expect(bench.service.posts.count == 2)
      }
    }

    @Test(arguments: SplitMix64.seeds(6)) func noRunSpendsMoreThanTheLimit(seed: UInt64) async throws {
      var random = SplitMix64(seed: seed)
      let cost = random.one(of: ["0.3", "0.5", "0.7"])
      let limit = random.one(of: ["1", "1.5", "2.2"])
      let isKnown = random.percent(60)
      try await AgentFixture.with(
        settings: { settings in
          settings.spending.credits = Credits(limit)
          if isKnown { settings.spending.price = Credits("0.7") }
        }
      ) { bench in
        bench.service.costs(cost)
        bench.service.onSubmit { post, n in
          let text = UInt64(post.prompt.utf8.reduce(0) { $0 &* 31 &+ Int($1) })
          var choice = SplitMix64(seed: seed &+ UInt64(n) &* 977 &+ text)
          switch Int(choice.next() % 10) {
          case 0: return .garbled(accepted: choice.percent(50))
          case 1: return .lost(accepted: choice.percent(50))
          case 2: return .refuse(ScriptedService.refused("No: \(post.prompt)"))
          case 3: return .unreachable
          case 4: return .refuse(ScriptedService.rateLimited(.seconds(30)))
          default: return .accept()
          }
        }
        var dropped = 0
        for _ in 0..<12 {
          let fresh = (0..<Int.random(in: 0...4, using: &random)).map { "d\(dropped + $0)" }
          dropped += fresh.count
          bench.service.tasksTake(.seconds(Int.random(in: 0...4000, using: &random)))
          try await bench.drop(fresh)
          try await bench.pass(.seconds(Int.random(in: 10...20_000, using: &random)), step: .seconds(1))
          switch Int(random.next() % 5) {
          case 0:
            try await bench.kill()
            try await bench.start()
          case 1:
            try await bench.stop()
            try await bench.start()
          default: break
          }
        }
        let price = try #require(Credits(cost))
        var spent: [Int64: Credits] = [:]
        for task in bench.service.tasks {
          let post = try #require(bench.service.posts(task.prompt).last { $0.at <= task.madeAt })
          spent[post.day] = (spent[post.day] ?? .zero) + price
        }
        let most = try #require(Credits(limit))
        #expect(spent.values.allSatisfy { $0 <= most }, "seed \(seed): \(spent.mapValues(\.text)), limit \(limit)")
        #expect(bench.service.paidTwice == [])
      }
    }
  }
}
