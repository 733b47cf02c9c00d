import JobCore
import JobJournal
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// The folder is the second journal.
  @Suite struct LostJournalTests {
    enum Journal: CaseIterable {
      /// Deleted.
      case gone
      /// An older copy, from before anything was taken.
      case beforeAll
      /// A copy from the middle of it.
      case older
    }

    // done, failed, at the service, in doubt, being submitted, and not sent yet, in the moment of the loss.
    static func inEveryState(_ bench: AgentFixture, copyWhen: (String) async throws -> Void) async throws {
      try await copyWhen("nothing")
      bench.service.onSubmit { post, _ in
        switch post.prompt {
        case "bad": .refuse(ScriptedService.refused())
        case "doubt": .garbled(accepted: true)
        case "sending": .hang()
        case "later": .unreachable
        default: .accept()
        }
      }
      bench.service.onQuery { _, task in
        guard task?.prompt == "flying" else { return nil }
        return .report(TaskReport(phase: .running, status: "in_progress", consumed: nil))
      }
      try await bench.drop(["done", "bad"])
      try await bench.until("final") {
        let states = (try await $0.state("done"), try await $0.state("bad"))
        return states == (.done, .failed)
      }
      try await bench.drop("doubt")
      try await bench.drop("flying")
      try await bench.drop("sending")
      try await bench.drop("later")
      try await bench.pass(.seconds(20))
      #expect(try await bench.state("flying") == .submitted)
      #expect(try await bench.state("doubt") == .held)
      #expect(try await bench.state("sending") == .submitting)
      #expect(try await bench.state("later") == .queued)
    }

    @Test(arguments: Journal.allCases) func whatTheSidecarsTellIsBelieved(_ journal: Journal) async throws {
      try await AgentFixture.with(settings: { $0.callbackBase = "https://drop.example" }) { bench in
        try await Self.inEveryState(bench) { _ in
          // Nothing can be sent yet, but everything is taken.
          if journal == .older {
            bench.service.onSubmit { _, _ in .unreachable }
            try await bench.drop(["done", "bad", "doubt", "flying", "sending", "later"])
            try await bench.pass(.seconds(2))
            #expect(try await bench.census()[.queued] == 6)
          }
          try bench.copyState(to: "copy")
          if journal == .older { try await bench.pass(.seconds(1)) }
        }
        let posts = bench.service.posts
        try await bench.kill()
        bench.service.onSubmit(nil)
        bench.service.onQuery(nil)
        try await bench.start(state: journal == .gone ? "none" : "copy")
        try await bench.pass(.seconds(120))
        #expect(try await bench.state("done") == .done)
        #expect(try await bench.state("bad") == .failed)
        #expect(try await bench.reason("doubt") == .submissionOutcomeUnknown)
        #expect(try await bench.reason("sending") == .submissionOutcomeUnknown)
        try await bench.until("the task in flight is picked up", within: .seconds(400)) {
          try await $0.state("flying") == .done
        }
        try await bench.until("what was not sent is sent", within: .seconds(1200)) {
          try await $0.state("later") == .done
        }
        #expect(bench.service.posts.count == posts.count + 1)
        #expect(bench.service.paidTwice == [])
        #expect(try bench.hasPicture("flying") && bench.hasPicture("done"))
        #expect(try bench.place.list("root").count { $0.hasSuffix(".png") } == 3)

        // Late callbacks still find their attempts: the sidecar has the hash of the secret.
        let post = try #require(posts.first { $0.prompt == "doubt" })
        #expect(await bench.process.pipeline.knows(secret: try #require(post.secret)))
        #expect(try await bench.callback(post, try #require(bench.service.task("doubt")).id))
        try await bench.until("bound") { try await $0.state("doubt") == .done }
        let lost = try #require(posts.first { $0.prompt == "sending" })
        #expect(try await bench.callback(lost, bench.service.make("sending")))
        try await bench.until("bound") { try await $0.state("sending") == .done }
        #expect(bench.service.posts.count == posts.count + 1)
      }
    }

    // The daily copy, put in the place of the journal.
    @Test func theDailyCopy() async throws {
      try await AgentFixture.with(settings: { $0.backupInterval = day }) { bench in
        try await bench.drop(names(3))
        try await bench.until("done") { try await $0.census()[.done] == 3 }
        try await bench.pass(day * 2)
        let copy = "\(bench.process.state)/\(SQLiteJournal.backupName)"
        #expect(bench.place.exists(copy))
        try await bench.drop(["new"])
        try await bench.until("done") { try await $0.census()[.done] == 4 }
        try await bench.stop()
        try bench.place.write("copy/journal.sqlite", bytes: try bench.place.bytes(copy))
        try await bench.start(state: "copy")
        try await bench.pass(.seconds(600))
        #expect(try await bench.census()[.done] == 4)
        #expect(bench.service.posts.count == 4)
      }
    }

    // The journal has the first text as done; the sidecar tells of a second one that it never heard of.
    @Test(arguments: [true, false]) func aRevisionThatOnlyTheSidecarKnows(finished: Bool) async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try bench.copyState(to: "copy")
        bench.service.tasksTake(finished ? .zero : .seconds(300))
        try await bench.drop("cat", text: "another cat")
        try await bench.pass(.seconds(60))
        #expect(try await bench.state("cat") == (finished ? .done : .submitted))
        try await bench.kill()
        try await bench.start(state: "copy")
        try await bench.until("done", within: .seconds(400)) { try $0.hasPicture("cat", of: "another cat") }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 2)
        #expect(try bench.sidecar("cat")?.revision == 2)
        // And the first text is still known: it comes back unpaid.
        try await bench.drop("cat", text: "cat")
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 2)
        #expect(try bench.hasPicture("cat"))
      }
    }

    // Several pictures of one prompt, each in another state.
    @Test(arguments: [true, false]) func severalPictures(gone: Bool) async throws {
      try await AgentFixture.with { bench in
        try bench.copyState(to: "copy")
        bench.service.onSubmit { _, n in n == 2 ? .garbled(accepted: true) : .accept() }
        try await bench.drop("cat", text: "---\ncount: 3\n---\ncat")
        try await bench.pass(.seconds(60))
        let before = try await bench.words("cat")
        #expect(before == ["done", "done", "held"])
        try await bench.kill()
        try await bench.start(state: gone ? "none" : "copy")
        try await bench.pass(.seconds(300))
        #expect(bench.service.posts.count == 3)
        #expect(try await bench.words("cat") == before)
        #expect(try bench.place.list("root").count { $0.hasSuffix(".png") } == 2)
      }
    }

    // What the sidecars tell was spent today counts against today's limit.
    @Test func theDayIsNotBegunAgain() async throws {
      try await AgentFixture.with(settings: { $0.spending.submissions = 3 }) { bench in
        try await bench.drop(names(3))
        try await bench.until("done") { try await $0.census()[.done] == 3 }
        try await bench.stop()
        try await bench.start(state: "none")
        try await bench.drop("new")
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.count == 3)
        #expect(try await bench.state("new") == .queued)
      }
    }
  }
}
