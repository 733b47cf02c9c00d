import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Answers of the service that are not what they should be.
  @Suite struct OddAnswerTests {
    private static let unreadable = QueryOutcome.unusable(
      JobError(code: "query-unreadable", message: "Nobody can read it.", retryable: true))

    // MARK: one task's trouble

    @Test func oneOddTaskIsNoOutage() async throws {
      try await AgentFixture.with { bench in
        bench.service.onQuery { _, task in task?.prompt == "odd" ? Self.unreadable : nil }
        try await bench.drop("odd")
        try await bench.pass(.seconds(1800), step: .seconds(5))
        let task = try #require(bench.service.task("odd")).id
        #expect(bench.service.queries(task) > 8)
        #expect(await bench.ask(.status).stopReasons == [])
        bench.service.tasksTake(.seconds(30))
        try await bench.drop(names(20))
        try await bench.pass(.seconds(20))
        for name in names(20) { #expect(try bench.sidecar(name)?.error == nil, "\(name)") }
        try await bench.until("the others are done", within: .seconds(600), step: .seconds(1)) {
          try await $0.census()[.done] == 20
        }
        #expect(bench.notices.count("query-unreadable") == 1, "it is said once")
        #expect(try await bench.state("odd") == .submitted)
        // Its trouble is over: nothing was lost, and nothing paid for twice.
        bench.service.onQuery(nil)
        try await bench.until("it is done too", within: .seconds(600), step: .seconds(5)) {
          try await $0.state("odd") == .done
        }
        #expect(bench.service.paidTwice == [])
      }
    }

    @Test func manyOddTasksAreAnOutage() async throws {
      try await AgentFixture.with { bench in
        bench.service.onQuery { _, task in task == nil ? nil : Self.unreadable }
        try await bench.drop(names(4))
        try await bench.until("it counts as down", within: .seconds(120), step: .milliseconds(500)) {
          await $0.ask(.status).stopReasons?.isEmpty == false
        }
      }
    }

    @Test func whatFailsForOneTaskWhileOthersAreAnsweredClosesOnceAtMost() async throws {
      try await AgentFixture.with { bench in
        bench.service.onQuery { _, task in task?.prompt == "odd" ? .failed(ScriptedService.serverError) : nil }
        try await bench.drop("odd")
        try await bench.pass(.seconds(4 * 3600), step: .seconds(20))
        #expect(bench.notices.count("service-error-503") <= 1)
        #expect(await bench.ask(.status).stopReasons == [])
        try await bench.drop(names(5))
        try await bench.until("the others are done", within: .seconds(120), step: .seconds(1)) {
          try await $0.census()[.done] == 5
        }
      }
    }

    @Test func aTaskThatIsNeverAnsweredForIsHeldAtItsDeadline() async throws {
      try await AgentFixture.with { bench in
        bench.service.onQuery { _, _ in Self.unreadable }
        try await bench.drop("odd")
        try await bench.pass(bench.settings.policy.taskDeadline - .seconds(60), step: .seconds(30))
        #expect(try await bench.state("odd") == .submitted)
        try await bench.until("it is held", within: .seconds(600), step: .seconds(10)) {
          try await $0.reason("odd") == .deadlinePassed
        }
        #expect(bench.service.posts.count == 1)
        bench.service.onQuery(nil)
        #expect(await bench.ask(.retry, ["odd.prompt"]).files.first?.ok == true)
        try await bench.until("done") { try await $0.state("odd") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    // MARK: not understood

    private static func odd(_ text: String) -> QueryOutcome {
      .report(
        TaskReport(
          phase: .notUnderstood(OddResult(why: "its result is odd", answer: Array(text.utf8))), status: "success",
          consumed: "0.5"))
    }

    @Test func theAnswerIsKeptBeforeTheJobIsHeld() async throws {
      try await AgentFixture.with { bench in
        bench.service.onQuery { _, _ in Self.odd("one") }
        try await bench.drop("cat")
        try await bench.until("it is held") { try await $0.reason("cat") == .paidNotUnderstood }
        let folder = "\(bench.process.state)/kept"
        let kept = try #require(try bench.place.list(folder).first)
        #expect(try bench.place.read("\(folder)/\(kept)") == "one")
        #expect(try bench.sidecar("cat")?.error?.message.contains(kept) == true)
        #expect(try bench.sidecar("cat")?.consumed == "0.5")
        // Asked again, the new answer takes its place.
        bench.service.onQuery { _, _ in Self.odd("two") }
        #expect(await bench.ask(.retry, ["cat.prompt"]).files.first?.ok == true)
        try await bench.until("it is held again") { bench in
          try await bench.reason("cat") == .paidNotUnderstood && bench.place.read("\(folder)/\(kept)") == "two"
        }
        #expect(try bench.place.list(folder) == [kept])
        #expect(bench.service.posts.count == 1)
        bench.service.onQuery(nil)
        #expect(await bench.ask(.retry, ["cat.prompt"]).files.first?.ok == true)
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func aDiskWithoutRoomForTheAnswerHoldsItAllTheSame() async throws {
      try await AgentFixture.with { bench in
        bench.process.files.fail { call in if case .keepBytes = call { .full } else { nil } }
        bench.service.onQuery { _, _ in Self.odd("one") }
        try await bench.drop("cat")
        try await bench.until("it is held") { try await $0.reason("cat") == .paidNotUnderstood }
        #expect(try bench.sidecar("cat")?.error?.message.contains("could not be kept") == true)
      }
    }

    // MARK: whose task

    @Test func twoAnswersAtOnceWithOneTaskAreOneAndOneInDoubt() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop(["cat", "dog"])
        try await bench.until("both are under way") { $0.service.hanging == 2 }
        bench.service.release(nil, .accept(as: "ta-same"))
        try await bench.until("one is held") { try await $0.census()[.held] == 1 }
        try await bench.until("the other is done") { try await $0.census()[.done] == 1 }
        let held = try await bench.state("cat") == .held ? "cat" : "dog"
        #expect(try await bench.reason(held) == .taskOfAnother)
        #expect(bench.notices.count("task-of-another") == 1)
        #expect(bench.service.posts.count == 2)
      }
    }

    @Test(arguments: [false, true]) func aTaskFromLongAgoIsKnownByTheJournal(_ restarts: Bool) async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .accept(as: "ta-old") }
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.pass(.seconds(86_400), step: .seconds(3600))
        if restarts {
          try await bench.stop()
          try await bench.start()
        }
        try await bench.drop("dog")
        try await bench.until("held") { try await $0.reason("dog") == .taskOfAnother }
        #expect(try await bench.slots("dog").first?.attempts.last?.outcome == .unknown)
        #expect(try await bench.state("cat") == .done)
      }
    }

    @Test func aSubmissionThatIsAnsweredWithItsOwnFormerTaskIsInDoubt() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .accept(as: "ta-same") }
        bench.service.onQuery { _, _ in Self.odd("one") }
        try await bench.drop("cat")
        try await bench.until("it is held") { try await $0.reason("cat") == .paidNotUnderstood }
        #expect(await bench.resolve("cat", .resubmit).files.first?.ok == true)
        try await bench.until("it is in doubt") { try await $0.reason("cat") == .taskOfAnother }
        #expect(bench.service.posts.count == 2)
      }
    }
  }
}
