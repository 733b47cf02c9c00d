import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// What a callback can and cannot prove.
  @Suite struct CallbackTests {
    static func with(
      settings change: (inout AgentSettings) -> Void = { _ in }, _ body: (AgentFixture) async throws -> Void
    ) async throws {
      try await AgentFixture.with(
        settings: { settings in
          settings.callbackBase = "https://drop.example"
          change(&settings)
        }, body)
    }

    /// A job whose submission was accepted, and whose answer could not be read: held.
    static func inDoubt(_ bench: AgentFixture, _ name: String = "cat") async throws {
      bench.service.onSubmit { post, _ in post.prompt == name ? .garbled(accepted: true) : .accept() }
      try await bench.drop(name)
      try await bench.until("it is held") { try await $0.reason(name) == .submissionOutcomeUnknown }
    }

    @Test func anAttemptInDoubtIsBoundWithoutAPerson() async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        #expect(try await bench.callback(bench.service.posts.first, task))
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
        #expect(bench.service.queries(task) >= 1, "it was asked for first")
        #expect(try bench.hasPicture("cat"))
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.taskID(slot: 1) == task)
        #expect(!sidecar.mayHaveBeenPaidTwice)
      }
    }

    // Each makes the task be asked for, while the first answer is still being written down.
    @Test func severalInTheSameMomentAreOne() async throws {
      try await Self.with { bench in
        bench.service.tasksTake(.seconds(5))
        try await bench.drop("cat")
        try await bench.until("accepted") { try await $0.state("cat") == .submitted }
        let task = try #require(bench.service.task("cat")).id
        let secret = try #require(bench.service.posts.first?.secret)
        bench.process.activity.advance(to: bench.clock.monotonic + .seconds(5))
        let pipeline = bench.process.pipeline
        await withTaskGroup(of: Bool.self) { group in
          for _ in 0..<8 { group.addTask { await pipeline.received(secret: secret, taskID: task) } }
          for await isTaken in group { #expect(isTaken) }
        }
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.pass(.seconds(60))
        #expect(bench.service.fetches.count == 1)
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.state == .done && sidecar.attempts.count == 1 && sidecar.outputs.count == 1)
      }
    }

    @Test func everyAttemptHasASecretOfItsOwn() async throws {
      try await Self.with { bench in
        bench.service.onSubmit { _, n in n == 1 ? .unreachable : .accept() }
        try await bench.drop(names(4))
        try await bench.until("done") { try await $0.census()[.done] == 4 }
        let secrets = bench.service.posts.compactMap(\.secret)
        #expect(Set(secrets).count == 4)
        for secret in secrets {
          #expect(await bench.process.pipeline.knows(secret: secret))
          for name in names(4) { #expect(try !bench.place.read("root/\(name).status.json").contains(secret)) }
        }
        #expect(await !bench.process.pipeline.knows(secret: "forged"))
        try await bench.stop()
        try await bench.start()
        #expect(await bench.process.pipeline.knows(secret: secrets[0]))
      }
    }

    enum Answer: CaseIterable { case sameTask, otherTask, lost, unreadable }

    // Reported in the same moment, or read back together by the next process.
    @Test(arguments: [2, 3], [true, false]) func severalTasksOfOneAttemptAreAllKept(_ count: Int, restart: Bool)
      async throws
    {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        bench.service.onSubmit(nil)
        let tasks = [try #require(bench.service.task("cat")).id] + (1..<count).map { _ in bench.service.make("cat") }
        let secret = try #require(bench.service.posts.first?.secret)
        if restart { bench.service.onQuery { _, _ in .failed(ScriptedService.serverError) } }
        let pipeline = bench.process.pipeline
        await withTaskGroup(of: Bool.self) { group in
          for task in tasks { group.addTask { await pipeline.received(secret: secret, taskID: task) } }
          for await isTaken in group { #expect(isTaken) }
        }
        if restart {
          try await bench.kill()
          bench.service.onQuery(nil)
          try await bench.start()
        }
        try await bench.until("all are fetched", within: .seconds(300)) { bench in
          let slots = try await bench.slots("cat")
          return slots.count == count && slots.allSatisfy { $0.state == .done }
        }
        #expect(bench.service.posts.count == 1)
        #expect(bench.service.fetches.count == count)
        #expect(try bench.sidecar("cat")?.mayHaveBeenPaidTwice == true)
        #expect(try await bench.process.journal.inner.openEvidence() == [])
      }
    }

    @Test(arguments: Answer.allCases) func aCallbackBeforeTheAnswerOfThePost(_ answer: Answer) async throws {
      try await Self.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop("cat")
        #expect(bench.service.hanging == 1)
        let task = bench.service.make("cat")
        #expect(try await bench.callback(bench.service.posts.first, task))
        try await bench.pass(.seconds(30))
        #expect(try await bench.state("cat") == .submitting)
        switch answer {
        case .sameTask: bench.service.release("cat", .accept(as: task))
        case .otherTask: bench.service.release("cat", .accept(as: "ta-other"))
        case .lost: bench.service.release("cat", .lost())
        case .unreadable: bench.service.release("cat", .garbled())
        }
        try await bench.until("done", within: .seconds(300)) { bench in
          try await bench.slots("cat").allSatisfy { $0.state == .done }
        }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1)
        let slots = try await bench.slots("cat")
        #expect(slots.count == (answer == .otherTask ? 2 : 1))
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.mayHaveBeenPaidTwice == (answer == .otherTask))
        #expect(sidecar.outputs.count == slots.count)
        #expect(Set(sidecar.outputs.map(\.sha256)).count == slots.count)
        #expect(bench.service.fetches.count == slots.count)
      }
    }

    @Test func aRepeatedCallbackIsOne() async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        for _ in 0..<3 { #expect(try await bench.callback(bench.service.posts.first, task)) }
        try await bench.until("done") { try await $0.state("cat") == .done }
        for _ in 0..<3 { #expect(try await bench.callback(bench.service.posts.first, task)) }
        try await bench.pass(.seconds(600))
        #expect(bench.service.fetches.count == 1)
        #expect(try await bench.slots("cat").count == 1)
      }
    }

    @Test func aCallbackEndsTheWaitForAPicture() async throws {
      try await Self.with(settings: { $0.policy = $0.policy.besideCallbacks }) { bench in
        bench.service.tasksTake(.seconds(200))
        try await bench.drop("cat")
        try await bench.pass(.seconds(200))
        let task = try #require(bench.service.task("cat")).id
        if try await bench.state("cat") == .done { return }
        #expect(try await bench.callback(bench.service.posts.first, task))
        try await bench.until("done", within: .seconds(2)) { try await $0.state("cat") == .done }
      }
    }

    @Test func aForgedSecretMeansNothing() async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        _ = await bench.process.pipeline.received(secret: "forged", taskID: task)
        try await bench.pass(.seconds(600))
        #expect(try await bench.state("cat") == .held)
        #expect(bench.service.queries(task) == 0)
      }
    }

    // A secret that was seen once, used with the task of somebody else.
    @Test(arguments: [true, false]) func aReplayWithAnotherJobsTaskMeansNothing(finished: Bool) async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        bench.service.tasksTake(finished ? .zero : .seconds(3000))
        try await bench.drop("dog")
        try await bench.pass(.seconds(100))
        let task = try #require(bench.service.task("dog")).id
        #expect(try await bench.callback(bench.service.posts("cat").first, task))
        try await bench.pass(.seconds(600))
        #expect(try await bench.reason("cat") == .submissionOutcomeUnknown)
        #expect(try await bench.slots("cat").count == 1)
        #expect(try await bench.state("dog") == (finished ? .done : .submitted))
        #expect(try await bench.process.journal.inner.openEvidence() == [])
      }
    }

    @Test func aTaskThatIsNeverFoundIsGivenUp() async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        #expect(try await bench.callback(bench.service.posts.first, "ta-none"))
        try await bench.pass(.seconds(30))
        #expect(try await !bench.process.journal.inner.openEvidence().isEmpty, "it may be found yet")
        try await bench.pass(.seconds(300))
        #expect(try await bench.process.journal.inner.openEvidence() == [])
        let asked = bench.service.queries("ta-none")
        #expect(asked > 1)
        try await bench.pass(.seconds(3600))
        #expect(bench.service.queries("ta-none") == asked)
        #expect(try await bench.state("cat") == .held)
        // And the real one still counts.
        #expect(try await bench.callback(bench.service.posts.first, try #require(bench.service.task("cat")).id))
        try await bench.until("done") { try await $0.state("cat") == .done }
      }
    }

    @Test(arguments: [true, false]) func itIsWrittenDownBeforeItIsAnswered(killed: Bool) async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        bench.service.onQuery { _, _ in .failed(ScriptedService.serverError) }
        #expect(try await bench.callback(bench.service.posts.first, task))
        #expect(try await bench.process.journal.inner.openEvidence().map(\.taskID) == [task])
        if killed { try await bench.kill() } else { try await bench.stop() }
        bench.service.onQuery(nil)
        try await bench.start()
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func aFullJournalSaysLater() async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        bench.process.journal.fail { _, _ in .full("no space") }
        try await bench.drop("dog")
        #expect(try await !bench.callback(bench.service.posts.first, task))
        #expect(try await bench.state("cat") == .held)
        bench.process.journal.fail(nil)
        try await bench.until("the journal is well again", within: .seconds(60)) { try await $0.state("dog") == .done }
        #expect(try await bench.callback(bench.service.posts.first, task))
        try await bench.until("done") { try await $0.state("cat") == .done }
      }
    }

    // The service is down when the callback comes: it is weighed when it is back.
    @Test func aCallbackInAnOutageWaits() async throws {
      try await Self.with { bench in
        try await Self.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        bench.service.onSubmit { _, _ in .lost() }
        bench.service.onQuery { _, _ in .failed(ScriptedService.serverError) }
        try await bench.drop("dog")
        #expect(try await bench.callback(bench.service.posts("cat").first, task))
        try await bench.pass(.seconds(4 * 3600), step: .seconds(5))
        #expect(try await bench.state("cat") == .held)
        bench.service.onQuery(nil)
        try await bench.until("done", within: .seconds(600)) { try await $0.state("cat") == .done }
      }
    }
  }
}
