import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// What a person decides, with the agent running or not.
  @Suite struct DecisionTests {
    /// Held jobs, then `decide`, with the agent running or with one that was stopped before anything; then it runs.
    static func deciding(
      running: Bool, prepare: (AgentFixture) async throws -> Void, _ decide: (AgentFixture) async throws -> Void,
      then check: (AgentFixture) async throws -> Void
    ) async throws {
      try await AgentFixture.with(settings: { $0.callbackBase = "https://drop.example" }) { bench in
        try await prepare(bench)
        if !running {
          try await bench.stop()
          try await bench.startOffline()
        }
        let (posts, queries) = (bench.service.posts.count, bench.service.queries.count)
        try await decide(bench)
        if !running {
          try await bench.settle()
          #expect(bench.service.posts.count == posts, "nothing is sent where no agent runs")
          #expect(bench.service.queries.count == queries)
          try await bench.start()
        }
        try await bench.pass(.seconds(30))
        try await check(bench)
      }
    }

    static func bothInDoubt(_ bench: AgentFixture) async throws {
      bench.service.onSubmit { _, _ in .garbled(accepted: true) }
      try await bench.drop("cat", text: "---\ncount: 2\n---\ncat")
      try await bench.until("both are held") { bench in
        let slots = try await bench.slots("cat")
        return slots.count == 2 && slots.allSatisfy { $0.state.name == .held }
      }
      bench.service.onSubmit(nil)
    }

    static func inDoubt(_ bench: AgentFixture) async throws {
      try await CallbackTests.inDoubt(bench)
      bench.service.onSubmit(nil)
    }

    @Test(arguments: [true, false]) func adopt(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.inDoubt) { bench in
        let task = try #require(bench.service.task("cat")).id
        #expect(await bench.resolve("cat", .adopt(taskID: task)).oks == [true])
        #expect(try await bench.state("cat") != .held)
        #expect(try bench.sidecar("cat")?.taskID(slot: 1) == task, "told at once")
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.posts.count == 1)
        #expect(try bench.hasPicture("cat"))
      }
    }

    @Test(arguments: [true, false]) func adoptTwo(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.bothInDoubt) { bench in
        let tasks = bench.service.tasks.map(\.id)
        #expect(await bench.resolve("cat", .adopt(taskID: tasks[0])).oks == [true])
        #expect(await bench.resolve("cat", .adopt(taskID: tasks[0])).oks != [true], "the same once more")
        #expect(await bench.resolve("cat", .adopt(taskID: tasks[1])).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.posts.count == 2)
        #expect(try bench.sidecar("cat")?.outputs.count == 2)
      }
    }

    @Test(arguments: [true, false]) func adoptOneAndGiveUpTheOther(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.bothInDoubt) { bench in
        let tasks = bench.service.tasks.map(\.id)
        #expect(await bench.resolve("cat", .adopt(taskID: tasks[0])).oks == [true])
        #expect(await bench.resolve("cat", .abandon).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        let states = try await bench.words("cat")
        #expect(states == ["cancelled", "done"])
        #expect(bench.service.posts.count == 2)
      }
    }

    @Test(arguments: [true, false]) func anothersTaskIsRefused(running: Bool) async throws {
      try await Self.deciding(running: running) { bench in
        try await Self.inDoubt(bench)
        try await bench.drop("dog")
        try await bench.until("done") { try await $0.state("dog") == .done }
      } _: { bench in
        let task = try #require(bench.service.task("dog")).id
        let reply = await bench.resolve("cat", .adopt(taskID: task))
        #expect(reply.oks == [false])
        #expect(reply.files.first?.message.contains("dog.prompt") == true)
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.reason("cat") == .submissionOutcomeUnknown)
      }
    }

    @Test(arguments: [true, false]) func resubmit(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.inDoubt) { bench in
        #expect(await bench.resolve("cat", .resubmit).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.posts.count == 2)
        #expect(try bench.sidecar("cat")?.mayHaveBeenPaidTwice == true)
      }
    }

    @Test(arguments: [true, false]) func resubmitBoth(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.bothInDoubt) { bench in
        #expect(await bench.resolve("cat", .resubmit).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.posts.count == 4)
      }
    }

    @Test(arguments: [true, false]) func abandonThenALateCallback(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.inDoubt) { bench in
        #expect(await bench.resolve("cat", .abandon).oks == [true])
        let sidecar = try bench.sidecar("cat")?.state
        #expect(sidecar == .cancelled)
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .cancelled)
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 1)
        #expect(try await bench.callback(bench.service.posts.first, try #require(bench.service.task("cat")).id))
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test(arguments: [true, false]) func adoptWhatWasGivenUp(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.inDoubt) { bench in
        #expect(await bench.resolve("cat", .abandon).oks == [true])
        let task = try #require(bench.service.task("cat")).id
        #expect(await bench.resolve("cat", .adopt(taskID: task)).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
      }
    }

    @Test(arguments: [true, false]) func retryWhatWasRefused(running: Bool) async throws {
      try await Self.deciding(running: running) { bench in
        bench.service.onSubmit { _, _ in .refuse(ScriptedService.refused()) }
        try await bench.drop("cat", text: "---\ncount: 2\n---\ncat")
        try await bench.until("failed") { try await $0.state("cat") == .failed }
        bench.service.onSubmit(nil)
      } _: { bench in
        #expect(await bench.ask(.retry, ["cat.prompt"]).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.tasks.count == 2)
      }
    }

    @Test(arguments: [true, false]) func retryWhatIsPaidForAndOutOfReach(running: Bool) async throws {
      try await Self.deciding(running: running) { bench in
        bench.service.onFetch { _ in .unusable(JobError(code: "result-not-an-image", message: "No image.")) }
        try await bench.drop("cat")
        try await bench.until("held") { try await $0.reason("cat") == .paidNotFetched }
        bench.service.onFetch(nil)
      } _: { bench in
        #expect(await bench.ask(.retry, ["cat.prompt"]).oks == [true])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test(arguments: [true, false]) func retryDoesNotPayAgainInDoubt(running: Bool) async throws {
      try await Self.deciding(running: running, prepare: Self.inDoubt) { bench in
        #expect(await bench.ask(.retry, ["cat.prompt"]).oks == [false])
        #expect(await bench.ask(.retry).files.isEmpty)
        #expect(await bench.ask(.approve, ["cat.prompt"]).oks == [false])
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.reason("cat") == .submissionOutcomeUnknown)
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test(arguments: [true, false]) func aJobWhoseFileIsDeleted(running: Bool) async throws {
      try await Self.deciding(running: running) { bench in
        bench.service.onSubmit { _, _ in .garbled(accepted: true) }
        for name in ["cat", "dog", "cow"] { try await bench.drop(name) }
        try await bench.until("held") { try await $0.census()[.held] == 3 }
        bench.service.onSubmit(nil)
        for name in ["cat", "dog", "cow"] { try await bench.delete(name) }
        #expect(try await bench.census()[.held] == 3, "what may be paid for stays")
      } _: { bench in
        let task = try #require(bench.service.task("cat")).id
        #expect(await bench.resolve("cat", .adopt(taskID: task)).oks == [true])
        #expect(await bench.resolve("dog", .abandon).oks == [true])
        #expect(await bench.resolve("cow", .resubmit).files.count == 1)
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.state("cat") == .done)
        #expect(try bench.hasPicture("cat"))
        #expect(try await bench.state("dog") == .cancelled)
        #expect(bench.service.posts("cow").count == 1, "without its prompt nothing is sent")
      }
    }

    @Test(arguments: [true, false]) func manyByTheirReason(running: Bool) async throws {
      try await Self.deciding(running: running) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "cow" ? .accept() : .garbled(accepted: true) }
        bench.service.onFetch { _ in .unusable(JobError(code: "result-not-an-image", message: "No image.")) }
        for name in ["cat", "dog", "cow"] { try await bench.drop(name) }
        try await bench.until("held") { try await $0.census()[.held] == 3 }
      } _: { bench in
        let reply = await bench.ask(.resolve, decision: .abandon, reason: "submission-outcome-unknown")
        #expect(reply.files.count == 2)
      } then: { (bench: AgentFixture) async throws in
        #expect(try await bench.all(["cat", "dog"], .cancelled).count == 2)
        #expect(try await bench.reason("cow") == .paidNotFetched)
      }
    }

    @Test func whatIsOnItsWayIsNotDecided() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop("cat")
        for decision in [CommandRequest.Decision.resubmit, .abandon, .adopt(taskID: "ta-x")] {
          #expect(await bench.resolve("cat", decision).oks == [false])
        }
        bench.service.release("cat", .accept())
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
        #expect(await bench.resolve("cat", .resubmit).oks == [false])
        #expect(await bench.resolve("none", .resubmit).oks == [false])
      }
    }
  }
}
