import JobCore
import PromptFile
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// What was given up, lost or finished once is not paid for again by whatever happens to the files afterwards.
  @Suite struct NeverAgainTests {
    /// The same text in a new file: every stamp differs.
    static func saveAgain(_ bench: AgentFixture, _ name: String = "cat") async throws {
      let text = try bench.place.read("root/\(name).prompt")
      try await bench.drop(name, text: text)
      try await bench.pass(.seconds(30))
    }

    @Test(arguments: [true, false]) func whatAPersonGaveUp(restart: Bool) async throws {
      try await AgentFixture.with { bench in
        try await CallbackTests.inDoubt(bench)
        bench.service.onSubmit(nil)
        #expect(await bench.resolve("cat", .abandon).oks == [true])
        try await Self.saveAgain(bench)
        try bench.place.write("root/.promptdrop.yaml", "aspect_ratio: 16:9\n")
        if restart {
          try await bench.stop()
          try await bench.start()
        }
        try await Self.saveAgain(bench)
        #expect(try await bench.state("cat") == .cancelled)
        #expect(bench.service.posts.count == 1)
      }
    }

    // Deleted while it waited for a person, and here again, as some programs save.
    @Test(arguments: ["hold", "burst"]) func whatWaitsForAPersonStillDoesWhenItComesBack(_ why: String) async throws {
      try await AgentFixture.with(settings: { $0.burstLimit = why == "burst" ? 1 : 0 }) { bench in
        if why == "burst" { try await bench.drop("first") }
        let text = why == "hold" ? "---\nhold: true\n---\ncat" : "cat"
        try await bench.drop("cat", text: text)
        try await bench.until("held") { try await $0.state("cat") == .held }
        let posts = bench.service.posts.count
        try await bench.delete("cat")
        #expect(try await bench.state("cat") == .cancelled)
        if why == "burst" { try await bench.drop("second") }
        try await bench.drop("cat", text: text)
        try await bench.pass(.seconds(20))
        #expect(try await bench.state("cat") == .held)
        #expect(bench.service.posts("cat").isEmpty && bench.service.posts.count <= posts + 1)
      }
    }

    // The journal is gone, and the prompt cannot be taken in that moment: its sidecar is all that tells of the payment.
    @Test(arguments: ["defaults", "reference", "list"], [true, false])
    func aPromptThatCannotBeTakenWhenTheJournalIsLost(_ trouble: String, finished: Bool) async throws {
      let texts = [
        "defaults": "cat", "reference": "---\nimages: [a.png]\n---\ncat", "list": "---\nrequire_images: true\n---\ncat",
      ]
      let text = try #require(texts[trouble])
      try await AgentFixture.with(settings: { $0.files.referenceWait = .seconds(1) }) { bench in
        try bench.place.write("root/a.png", bytes: SmallPNG.square([1, 2, 3]))
        if trouble == "list" { try bench.place.write("root/cat.images", "https://example.org/a.png\n") }
        bench.service.tasksTake(finished ? .zero : .seconds(400))
        try await bench.drop("cat", text: text)
        try await bench.until("accepted") { try await $0.state("cat") == (finished ? .done : .submitted) }
        try await bench.stop()
        switch trouble {
        case "defaults": try bench.place.write("root/.promptdrop.yaml", "modle: typo\n")
        case "reference": try bench.place.remove("root/a.png")
        default: try bench.place.remove("root/cat.images")
        }
        try await bench.start(state: "none")
        try await bench.pass(.seconds(60))
        #expect(try bench.sidecar("cat")?.attempts.count == 1, "the sidecar still tells of the submission")
        switch trouble {
        case "defaults": try bench.place.write("root/.promptdrop.yaml", "\n")
        case "reference": try bench.place.write("root/a.png", bytes: SmallPNG.square([1, 2, 3]))
        default: try bench.place.write("root/cat.images", "https://example.org/a.png\n")
        }
        try await bench.stop()
        try await bench.start()
        try await bench.until("done", within: .seconds(600)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
        #expect(try bench.hasPicture("cat"))
      }
    }

    // After the retention earlier versions forgot the attempts, and so did a sidecar that was written after that. What was
    // paid for is kept for good now.
    @Test func whatWasFinishedLongAgoWhenTheJournalIsLost() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.pass(bench.settings.retention + day)
        try await bench.stop()
        try await bench.start()
        try bench.place.write("root/.promptdrop.yaml", "aspect_ratio: 16:9\n")
        try await Self.saveAgain(bench)
        var sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.attempts.count == 1 && sidecar.state == .done && sidecar.inputsChanged)
        try await bench.stop()
        sidecar.attempts = []
        try bench.place.write("root/cat.status.json", bytes: sidecar.encoded())
        try await bench.start(state: "none")
        try await bench.pass(.seconds(60))
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.posts.count == 1)
      }
    }

    // A copy of the journal from before a decision is put in its place: the sidecar is newer.
    @Test(arguments: ["adopt", "resubmit", "retry"], [true, false])
    func whatWasDecidedSinceTheCopyOfTheJournal(_ decision: String, finished: Bool) async throws {
      try await AgentFixture.with { bench in
        if decision == "retry" {
          bench.service.onSubmit { _, _ in .refuse(ScriptedService.refused()) }
          try await bench.drop("cat")
          try await bench.until("failed") { try await $0.state("cat") == .failed }
        } else {
          try await CallbackTests.inDoubt(bench)
        }
        try bench.copyState(to: "copy")
        bench.service.onSubmit(nil)
        bench.service.tasksTake(finished ? .zero : .seconds(400))
        switch decision {
        case "adopt":
          let task = finished ? try #require(bench.service.task("cat")).id : bench.service.make("cat")
          #expect(await bench.resolve("cat", .adopt(taskID: task)).oks == [true])
        case "resubmit": #expect(await bench.resolve("cat", .resubmit).oks == [true])
        default: #expect(await bench.ask(.retry, ["cat.prompt"]).oks == [true])
        }
        try await bench.pass(.seconds(60))
        #expect(try await bench.state("cat") == (finished ? .done : .submitted))
        let posts = bench.service.posts.count
        let task = try bench.sidecar("cat")?.taskID(slot: 1)
        try await bench.stop()
        try await bench.start(state: "copy")
        try await bench.pass(.seconds(10))
        #expect(try bench.sidecar("cat")?.taskID(slot: 1) == task)
        try await bench.until("done", within: .seconds(600)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == posts)
        #expect(try bench.place.list("root").count { $0.hasSuffix(".png") } == 1)
      }
    }

    // Only pictures that were asked for are made again.
    @Test(arguments: ["retry", "resubmit"]) func aSecondTaskIsNotPaidForOnceMore(_ decision: String) async throws {
      try await CallbackTests.with { bench in
        try await CallbackTests.inDoubt(bench)
        bench.service.onSubmit(nil)
        bench.service.onQuery { _, _ in
          .report(TaskReport(phase: .failed("no cats"), status: "failed", consumed: nil))
        }
        if decision == "resubmit" { bench.service.onQuery(nil) }
        if decision == "resubmit" {
          bench.service.onFetch { _ in .unusable(JobError(code: "result-not-an-image", message: "No image.")) }
        }
        let post = bench.service.posts.first
        #expect(try await bench.callback(post, try #require(bench.service.task("cat")).id))
        try await bench.pass(.seconds(60))
        #expect(try await bench.callback(post, bench.service.make("cat")))
        try await bench.pass(.seconds(60))
        #expect(try await bench.slots("cat").count == 2)
        bench.service.onQuery(nil)
        bench.service.onFetch(nil)
        let reply =
          decision == "retry" ? await bench.ask(.retry, ["cat.prompt"]) : await bench.resolve("cat", .resubmit)
        #expect(reply.oks == [true])
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 2, "one picture was asked for")
        if decision == "retry" { #expect(try await bench.state("cat") == .done) }
      }
    }

    // Made, given up for another one, and reported late: it was paid for with its own submission.
    @Test(arguments: [true, false]) func theTaskOfAnEarlierAttemptIsReportedLate(succeeds: Bool) async throws {
      try await CallbackTests.with(settings: { $0.policy.taskDeadline = .seconds(600) }) { bench in
        bench.service.tasksTake(.seconds(5_000))
        try await bench.drop("cat")
        try await bench.until("its deadline has passed", within: .seconds(2_000)) { try await $0.state("cat") == .held }
        bench.service.tasksTake(.zero)
        let first = try #require(bench.service.tasks.first)
        #expect(await bench.resolve("cat", .resubmit).oks == [true])
        try await bench.until("done") { try await $0.state("cat") == .done }
        let spent = try await bench.process.journal.inner.charges(day: SpendBook.day(of: bench.clock.wallClock))
        if succeeds {
          try await bench.pass(.seconds(5_000))
        } else {
          bench.service.onQuery { _, _ in
            .report(TaskReport(phase: .failed("no cats"), status: "failed", consumed: nil))
          }
        }
        #expect(try await bench.callback(bench.service.posts.first, first.id))
        try await bench.pass(.seconds(60))
        #expect(try await bench.state("cat") == .done)
        #expect(try bench.place.list("root").count { $0.hasSuffix(".png") } == (succeeds ? 2 : 1))
        let after = try await bench.process.journal.inner.charges(day: SpendBook.day(of: bench.clock.wallClock))
        #expect(after.count == spent.count && bench.service.posts.count == 2)
        #expect(bench.notices.count("paid-twice") == 0)
      }
    }

    // Held for a person, and the journal is lost, or the folder is copied to another machine.
    @Test func aPictureThatWaitsForAPersonWhenTheJournalIsLost() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.drop("cat", text: "---\ncount: 2\nhold: true\n---\ncat")
        try await bench.pass(.seconds(30))
        #expect(try await bench.words("cat") == ["done", "held"])
        try await bench.stop()
        try await bench.start(state: "none")
        try await bench.pass(.seconds(60))
        #expect(try await bench.words("cat") == ["done", "held"])
        #expect(bench.service.posts.count == 1)
      }
    }

    // Two texts, the first one's picture still on its way when the journal is lost; the sidecar is the second one's.
    @Test(arguments: ["kept", "changed", "unreadable"], [true, false])
    func severalTextsWhenTheJournalIsLost(_ text: String, older: Bool) async throws {
      try await AgentFixture.with { bench in
        if older {
          bench.service.onSubmit { _, _ in .unreachable }
          try await bench.drop("cat", text: "first")
          try await bench.pass(.seconds(2))
          try bench.copyState(to: "copy")
          bench.service.onSubmit(nil)
        }
        bench.service.tasksTake(.seconds(400))
        try await bench.drop("cat", text: "first")
        try await bench.until("accepted") { !$0.service.tasks.isEmpty }
        try await bench.drop("cat", text: "second")
        try await bench.until("accepted") { $0.service.tasks.count == 2 }
        try await bench.pass(.seconds(3))
        #expect(try bench.sidecar("cat")?.attempts.count { $0.attempt.outcome == .accepted } == 2)
        try await bench.stop()
        if text == "changed" { try bench.place.write("root/cat.prompt", "third") }
        try await bench.start(state: older ? "copy" : "none")
        if text == "unreadable" {
          bench.process.files.fail { call in
            if case .readSidecar = call { .machine } else { nil }
          }
        }
        try await bench.pass(.seconds(40))
        bench.process.files.fail(nil)

        try await bench.until("all are fetched", within: .seconds(900)) { bench in
          try bench.place.list("root").count { $0.hasSuffix(".png") } == (text == "changed" ? 3 : 2)
        }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count { $0.prompt != "third" && !$0.prompt.isEmpty } == (older ? 2 : 2))
        #expect(bench.service.paidTwice == [])
        #expect(try await bench.state("cat") == .done)
        #expect(try bench.hasPicture("cat", of: text == "changed" ? "third" : "second"))
      }
    }

    // The older journal has a text that stands in the file again, with a picture of it still to be submitted.
    @Test func nothingIsSubmittedBesideASidecarThatIsKept() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(400))
        bench.service.onSubmit { _, n in n == 1 ? .accept() : .unreachable }
        try await bench.drop("cat", text: "---\ncount: 2\n---\nfirst")
        try await bench.until("one is accepted") { $0.service.tasks.count == 1 }
        try await bench.pass(.seconds(1))
        try bench.copyState(to: "copy")
        bench.service.onSubmit(nil)
        try await bench.until("both are") { $0.service.tasks.count == 2 }
        try await bench.drop("cat", text: "second")
        try await bench.until("accepted") { $0.service.tasks.count == 3 }
        try await bench.pass(.seconds(3))
        try await bench.stop()
        try bench.place.write("root/cat.prompt", "---\ncount: 2\n---\nfirst")
        try await bench.start(state: "copy")
        try await bench.pass(.seconds(900))
        print(
          "DEBUG", bench.process.ended.ending as Any, bench.service.posts, try await bench.slots("cat"),
          try bench.place.list("root"), bench.notices.codes, try bench.place.read("root/cat.status.json"))
        #expect(bench.service.posts.count == 3)
        #expect(try await bench.state("cat") == .done)
        #expect(try bench.place.list("root").count { $0.hasSuffix(".png") } == 3)
      }
    }
  }
}
