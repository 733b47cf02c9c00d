import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// What is submitted is what the file asks for in that moment, within what may be spent.
  @Suite struct WantedNowTests {
    @Test(arguments: ["429", "not reached", "not recorded"]) func aTextThatWasReplacedIsNotSentLater(_ why: String)
      async throws
    {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { post, _ in post.prompt == "first" ? .hang(sent: why != "not reached") : .accept() }
        if why == "not recorded" {
          bench.process.files.fail { call in
            if case .sidecar(_, .submitting, durable: true) = call { .full } else { nil }
          }
        }
        try await bench.drop("cat", text: "first")
        try await bench.drop("cat", text: "second")
        try await bench.pass(.seconds(2))
        bench.process.files.fail(nil)
        bench.service.onSubmit(nil)
        bench.service.release("first", why == "429" ? .refuse(ScriptedService.rateLimited(nil)) : .unreachable)
        try await bench.until("done", within: .seconds(300)) { try $0.hasPicture("cat", of: "second") }
        try await bench.pass(.seconds(600))
        #expect(bench.service.task("first") == nil)
        #expect(bench.service.tasks.count == 1)
      }
    }

    // Refused with the same words as the next ones, so it was the account; but the text was changed meanwhile.
    @Test func norOneWhoseRefusalWasTheAccounts() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .refuse(ScriptedService.refused("no credit line")) }
        try await bench.drop("cat", text: "first")
        try await bench.until("failed") { try await $0.state("cat") == .failed }
        try await bench.drop("cat", text: "second")
        try await bench.drop("dog")
        try await bench.pass(.seconds(10))
        bench.service.onSubmit(nil)
        try await bench.until("both are done", within: .seconds(900)) { try await $0.census()[.done] == 2 }
        try await bench.pass(.seconds(600))
        #expect(bench.service.task("first") == nil)
        #expect(bench.service.tasks.count == 2)
      }
    }

    // It waits, and the file is changed to something that cannot be understood: the old text is not meant any more.
    @Test(arguments: [true, false]) func aTextThatBecameInvalidIsNotSent(restart: Bool) async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .unreachable }
        try await bench.drop("cat")
        try await bench.drop("cat", text: "---\nmodle: typo\n---\ncat")
        try await bench.until("it is said") { try await $0.state("cat") == .failed }
        if restart {
          try await bench.stop()
          try await bench.start()
        }
        bench.service.onSubmit(nil)
        try await bench.pass(.seconds(900))
        #expect(bench.service.posts.isEmpty)
        #expect(try await bench.state("cat") == .failed)
        try await bench.drop("cat")
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    // The line is added while it waits for its turn, and taken away again.
    @Test func aHoldThatComesWhileItWaits() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .unreachable }
        try await bench.drop("cat")
        try await bench.pass(.seconds(1))
        try await bench.drop("cat", text: "---\nhold: true\n---\ncat")
        try await bench.until("it is held", within: .seconds(120)) { try await $0.reason("cat") == .asked }
        bench.service.onSubmit(nil)
        try await bench.pass(.seconds(900))
        #expect(bench.service.posts.isEmpty)
        try await bench.drop("cat")
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
      }
    }

    @Test func whatAPersonLetGoIsNotHeldAgain() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .unreachable }
        try await bench.drop("cat", text: "---\nhold: true\n---\ncat")
        try await bench.until("it is held") { try await $0.reason("cat") == .asked }
        #expect(await bench.ask(.approve, ["cat.prompt"]).oks == [true])
        try await NeverAgainTests.saveAgain(bench)
        bench.service.onSubmit(nil)
        try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
      }
    }

    // What was set aside and not spent is free again on the same day.
    @Test func aRefusalMakesRoomUnderTheLimit() async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 2 }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "bad" ? .hang() : .accept() }
        try await bench.drop("bad")
        try await bench.drop("one")
        try await bench.drop(["two", "three"])
        try await bench.until("one is done") { try await $0.state("one") == .done }
        try await bench.pass(.seconds(120))
        #expect(bench.service.posts.count == 2)
        bench.service.release("bad", .refuse(ScriptedService.refused()))
        try await bench.pass(.seconds(120))
        #expect(try await bench.census()[.done] == 2)
        #expect(try await bench.census()[.queued] == 1)
        #expect(bench.service.tasks.count == 2)
      }
    }

    // It cost nothing, and nobody knows what a picture costs: the next one may find out.
    @Test func aFailedTaskWithoutAPriceDoesNotStopTheDay() async throws {
      try await AgentFixture.with(settings: { $0.spending.credits = Credits("10") }) { bench in
        bench.service.costs(nil)
        bench.service.onQuery { _, task in
          task?.prompt == "bad"
            ? .report(TaskReport(phase: .failed("no cats"), status: "failed", consumed: nil)) : nil
        }
        try await bench.drop("bad")
        try await bench.until("failed") { try await $0.state("bad") == .failed }
        bench.service.costs("0.5")
        try await bench.drop(["one", "two"])
        try await bench.until("done", within: .seconds(120)) { try await $0.census()[.done] == 2 }
      }
    }
  }
}
