import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Pictures that are paid for and do not come.
  @Suite struct LatePictureTests {
    private static let missing: @Sendable (String) -> FetchFailure? = { _ in
      .expired(JobError(code: "image-expired", message: "The host answers HTTP 404.", retryable: true))
    }

    @Test func isTriedForTenMinutesThenHeldAndTriedOn() async throws {
      try await AgentFixture.with { bench in
        bench.service.onFetch(Self.missing)
        try await bench.drop("cat")
        try await bench.until("late, and told") { bench in
          let sidecar = try bench.sidecar("cat")
          return sidecar?.state == .submitted && sidecar?.reason == "image-expired" && sidecar?.nextAttemptAt != nil
        }
        try await bench.until("held", within: .seconds(1800)) { try await $0.state("cat") == .held }
        let tries = bench.service.fetches.map(\.at)
        let (first, last) = (try #require(tries.first), try #require(tries.last))
        #expect(last - first >= .seconds(600))
        #expect(tries.count >= 8 && bench.service.queries.count == tries.count, "a fresh query each time")
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.reason == "paid-not-fetched" && sidecar.nextAttemptAt != nil)
        #expect(sidecar.resultURLs == ["https://pictures.example/ta-1"])
        let line = try #require(await bench.ask(.status).status?.waiting.first)
        #expect(line.urls == ["https://pictures.example/ta-1"] && line.until != nil)
        try await bench.pass(.seconds(3 * 3600))
        #expect(bench.service.fetches.count > tries.count + 3, "still tried")
        #expect(try await bench.state("cat") == .held)
        bench.service.onFetch(nil)
        try await bench.until("done", within: .seconds(7200)) { try await $0.state("cat") == .done }
        #expect(try bench.hasPicture("cat") && bench.service.posts.count == 1)
        #expect(try bench.sidecar("cat")?.resultURLs == [])
      }
    }

    @Test func isTriedForADayAndNoLonger() async throws {
      try await AgentFixture.with { bench in
        bench.service.onFetch(Self.missing)
        try await bench.drop("cat")
        try await bench.pass(.seconds(27 * 3600))
        let count = bench.service.fetches.count
        #expect(count > 20 && count < 100)
        try await bench.pass(day)
        #expect(bench.service.fetches.count == count)
        #expect(try await bench.reason("cat") == .paidNotFetched)
        #expect(try bench.sidecar("cat")?.error?.retryable == false)
        // A person's word still fetches it, for nothing.
        bench.service.onFetch(nil)
        #expect(await bench.ask(.retry, ["cat.prompt"]).oks == [true])
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test(arguments: [true, false]) func goesOnAfterARestart(isHeld: Bool) async throws {
      try await AgentFixture.with { bench in
        bench.service.onFetch(Self.missing)
        try await bench.drop("cat")
        if isHeld {
          try await bench.until("held", within: .seconds(1800)) { try await $0.state("cat") == .held }
        } else {
          try await bench.pass(.seconds(100))
          #expect(try await bench.state("cat") == .submitted)
        }
        try await bench.kill()
        let before = bench.service.fetches.count
        try await bench.start()
        try await bench.pass(.seconds(4000))
        #expect(bench.service.fetches.count > before)
        bench.service.onFetch(nil)
        try await bench.until("done", within: .seconds(7200)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1 && bench.service.paidTwice.isEmpty)
      }
    }

    @Test func takesNoPlaceAtTheService() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onFetch { $0 == "ta-1" ? Self.missing($0) : nil }
        try await bench.drop("cat")
        try await bench.until("late") { try await $0.slots("cat").first?.state.isLate == true }
        try await bench.drop(["dog", "cow"])
        try await bench.until("others are made") { try await $0.all(["dog", "cow"], .done).count == 2 }
        #expect(try await bench.state("cat") == .submitted)
      }
    }

    @Test(arguments: [true, false]) func fiveInARowStopSubmittingUntilOneArrives(restarted: Bool) async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onFetch { $0 == "ta-1" ? nil : Self.missing($0) }
        try await bench.drop("first")
        try await bench.until("done") { try await $0.state("first") == .done }
        try await bench.drop(names(9))
        try await bench.until("it stops") { $0.notices.count("pictures-not-fetched") == 1 }
        try await bench.pass(.seconds(3600))
        if restarted {
          try await bench.stop()
          try await bench.start()
          try await bench.pass(.seconds(3600))
        }
        #expect(bench.service.posts.count == 6, "nothing more is paid for")
        #expect(await bench.ask(.status).stopReasons == ["pictures-not-fetched"])
        #expect(try await bench.census()[.held] == 5)
        bench.service.onFetch(nil)
        try await bench.until("all are made", within: .seconds(7200)) { try await $0.census()[.done] == 10 }
        #expect(bench.service.posts.count == 10 && bench.service.paidTwice.isEmpty)
        #expect(await bench.ask(.status).stopReasons == [])
      }
    }

    @Test func somethingThatArrivesBetweenIsNoRow() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        // Every third one arrives.
        bench.service.onFetch { id in Int(id.dropFirst(3)).map { $0 % 3 == 0 } == true ? nil : Self.missing(id) }
        try await bench.drop(names(12))
        try await bench.until("all are paid for") { $0.service.posts.count == 12 }
        #expect(bench.notices.count("pictures-not-fetched") == 0)
      }
    }

    @Test func givingOneUpLetsOneMoreGo() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onFetch(Self.missing)
        try await bench.drop(names(8))
        try await bench.until("it stops") { $0.notices.count("pictures-not-fetched") == 1 }
        try await bench.until("held", within: .seconds(1800)) { try await $0.census()[.held] == 5 }
        let held = try #require(await bench.ask(.status).status?.waiting.first { $0.state == "held" })
        let name = try #require(held.file.split(separator: "/").last.map { String($0.dropLast(7)) })
        #expect(await bench.resolve(name, .abandon).oks == [true])
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 6)
      }
    }

    @Test func aNullResultIsWaitedForThenItFailed() async throws {
      try await AgentFixture.with { bench in
        let comesAt = bench.clock.monotonic + .seconds(50)
        let clock = bench.clock
        bench.service.onQuery { id, _ in
          if id == "ta-1", clock.monotonic >= comesAt { return nil }
          return .report(TaskReport(phase: .withoutResult, status: "success", consumed: "0.5"))
        }
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.drop("dog")
        let dropped = bench.clock.monotonic
        try await bench.until("failed", within: .seconds(600)) { try await $0.state("dog") == .failed }
        #expect(bench.clock.monotonic - dropped >= .seconds(120))
        #expect(try bench.sidecar("dog")?.reason == "no-picture")
      }
    }

    // MARK: pictures that are not quite right

    @Test func theSameDamagedBytesTwiceArePublishedWithAWarning() async throws {
      try await AgentFixture.with { bench in
        bench.service.onPicture { task, _ in Array(ScriptedService.picture(task.number).dropLast(12)) }
        try await bench.drop("cat")
        try await bench.until("done", within: .seconds(600)) { try await $0.state("cat") == .done }
        let tries = bench.service.fetches.map(\.at)
        let (first, last) = (try #require(tries.first), try #require(tries.last))
        #expect(tries.count >= 2 && last - first >= .seconds(60))
        #expect(try bench.place.bytes("root/cat.png") == Array(ScriptedService.picture(1).dropLast(12)))
        let output = try #require(try bench.sidecar("cat")?.outputs.first)
        #expect(output.warning?.contains("ends too early") == true && output.width == 4)
        #expect(try await bench.job("cat")?.outputs.first?.warning == output.warning)
        #expect(bench.notices.count("picture-damaged") == 1)
      }
    }

    /// A picture that is not whole yet is not the picture.
    @Test func otherDamagedBytesEachTimeAreNot() async throws {
      try await AgentFixture.with { bench in
        bench.service.onPicture { task, count in
          let whole = ScriptedService.picture(task.number)
          return count < 7 ? Array(whole.prefix(whole.count / 2 + count)) : nil
        }
        try await bench.drop("cat")
        try await bench.until("done", within: .seconds(600)) { try await $0.state("cat") == .done }
        let warning = try bench.sidecar("cat")?.outputs.first?.warning
        #expect(try bench.hasPicture("cat"))
        #expect(warning == nil)
        #expect(bench.service.fetches.count == 7)
      }
    }

    @Test func whatIsNoPictureIsKeptUntilItComes() async throws {
      try await AgentFixture.with { bench in
        bench.service.onPicture { _, _ in Array("TIFF or whatever".utf8) }
        try await bench.drop("cat")
        try await bench.until("held", within: .seconds(1800)) { try await $0.state("cat") == .held }
        let kept = try bench.place.list("\(bench.process.state)/kept")
        #expect(kept.count == 1 && kept[0].hasSuffix(DropNames.oddSuffix))
        #expect(try bench.place.read("\(bench.process.state)/kept/\(kept[0])") == "TIFF or whatever")
        #expect(try bench.sidecar("cat")?.error?.message.contains(kept[0]) == true)
        #expect(try bench.place.list("root").sorted() == ["cat.prompt", "cat.status.json"])
        bench.service.onPicture(nil)
        try await bench.until("done", within: .seconds(7200)) { try await $0.state("cat") == .done }
        #expect(try bench.place.list("\(bench.process.state)/kept").isEmpty)
      }
    }

    // Never the same, and never whole: what came last is kept where its slot is held for it.
    @Test func whatIsDamagedDifferentlyEachTimeIsKeptUntilItComes() async throws {
      try await AgentFixture.with { bench in
        bench.service.onPicture { task, count in
          let whole = ScriptedService.picture(task.number)
          return Array(whole.dropLast(12)) + [UInt8(truncatingIfNeeded: count)]
        }
        try await bench.drop("cat")
        try await bench.until("held", within: .seconds(1800)) { try await $0.state("cat") == .held }
        let kept = try bench.place.list("\(bench.process.state)/kept")
        #expect(kept.count == 1 && kept[0].hasSuffix(DropNames.oddSuffix))
        #expect(try bench.sidecar("cat")?.error?.message.contains(kept[0]) == true)
        bench.service.onPicture(nil)
        try await bench.until("done", within: .seconds(7200)) { try await $0.state("cat") == .done }
        #expect(try bench.hasPicture("cat") && bench.service.posts.count == 1)
        #expect(try bench.place.list("\(bench.process.state)/kept").isEmpty)
      }
    }

    // The second of two is late, and then the service lists only one: which one that is nobody knows.
    @Test func aListThatBecomesShorterIsNotAll() async throws {
      try await AgentFixture.with { bench in
        func answer(_ ids: String...) -> QueryOutcome {
          let results = ids.map { ResultItem.url("https://pictures.example/\($0)") }
          return .report(TaskReport(phase: .succeeded(results), status: "success", consumed: "0.5"))
        }
        let (both, one) = (answer("one", "two"), answer("two"))
        bench.service.onQuery { _, _ in both }
        bench.service.onFetch { $0 == "two" ? Self.missing($0) : nil }
        try await bench.drop("cat")
        try await bench.until("the first is there") { try await $0.job("cat")?.outputs.count == 1 }
        bench.service.onQuery { _, _ in one }
        bench.service.onFetch(nil)
        try await bench.until("held", within: .seconds(1800)) { try await $0.state("cat") == .held }
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.reason == "paid-not-fetched" && sidecar.outputs.count == 1 && sidecar.resultURLs.count == 2)
        bench.service.onQuery { _, _ in both }
        try await bench.until("done", within: .seconds(7200)) { try await $0.state("cat") == .done }
        #expect(try bench.sidecar("cat")?.outputs.count == 2 && bench.service.posts.count == 1)
      }
    }
  }
}
