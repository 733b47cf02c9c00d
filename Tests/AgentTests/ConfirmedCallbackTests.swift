import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A confirmed callback proves that submissions are heard.
  @Suite struct ConfirmedCallbackTests {
    // Each third answer is lost, and each task is called back as soon as it is made.
    @Test(arguments: SplitMix64.seeds(4)) func lostAnswersDoNotStopTheQueue(seed: UInt64) async throws {
      try await CallbackTests.with { bench in
        bench.service.onSubmit { post, _ in
          post.prompt.utf8.last.map { $0 % 3 == 0 } == true ? .lost(accepted: true) : .accept()
        }
        let start = bench.clock.monotonic
        try await bench.drop(names(60))
        var reported: Set<String> = []
        try await bench.until("all are done", within: .seconds(60)) { bench in
          for task in bench.service.tasks where reported.insert(task.id).inserted {
            guard let post = bench.service.posts(task.prompt).first else { continue }
            #expect(try await bench.callback(post, task.id))
          }
          return try await bench.census()[.done] == 60
        }
        #expect(bench.clock.monotonic - start <= .seconds(10))
        #expect(bench.service.posts.count == 60)
      }
    }

    @Test func aCallbackIsAskedForWhileNothingElseIs() async throws {
      try await CallbackTests.with(settings: { $0.policy = $0.policy.besideCallbacks }) { bench in
        bench.service.tasksTake(.seconds(100))
        try await bench.drop(["flying", "other"])
        try await bench.until("accepted") { try await $0.census()[.submitted] == 2 }
        bench.service.onSubmit { _, _ in .lost(accepted: true) }
        bench.service.onQuery { _, _ in .failed(ScriptedService.serverError) }
        try await bench.drop(["lost", "next"])
        try await bench.pass(.seconds(110))
        #expect(await bench.ask(.status).stopReasons != [])
        let task = try #require(bench.service.task("flying")).id
        let asked = bench.service.queries.count
        // Asked for at once, and once: the service is still down.
        #expect(try await bench.callback(bench.service.posts("flying").first, task))
        try await bench.pass(.milliseconds(500))
        #expect(bench.service.queries(task) >= 1 && bench.service.queries.count == asked + 1)
        // The same for one whose outcome nobody knows.
        let lost = try #require(bench.service.task("lost") ?? bench.service.task("next"))
        #expect(try await bench.callback(bench.service.posts(lost.prompt).first, lost.id))
        try await bench.pass(.milliseconds(500))
        #expect(bench.service.queries(lost.id) == 1 && bench.service.queries.count == asked + 2)
        bench.service.onQuery(nil)
        try await bench.until("it is bound", within: .seconds(120)) { try await $0.state(lost.prompt) == .done }
      }
    }

    // The queue stands for minutes after two trials that were lost; the callback for the second ends that at once.
    @Test func theCallbackForTheTrialLetsAllGo() async throws {
      try await CallbackTests.with(settings: { $0.maxRequests = 1 }) { bench in
        bench.service.onSubmit { post, _ in
          ["p000", "p001", "p002"].contains(post.prompt) ? .lost(accepted: true) : .accept()
        }
        // One that answers queries.
        bench.service.onQuery { _, task in
          task == nil ? .notFound : nil
        }
        for name in names(8) { try await bench.drop(name) }
        try await bench.pass(.seconds(20))
        let posts = bench.service.posts.count
        #expect((2...3).contains(posts), "\(posts)")
        try await bench.pass(.seconds(10))
        #expect(bench.service.posts.count == posts)
        let trial = try #require(bench.service.posts.last)
        #expect(try await bench.callback(trial, try #require(bench.service.task(trial.prompt)).id))
        try await bench.pass(.seconds(1))
        #expect(bench.service.posts.count > posts)
      }
    }

    @Test func oneFromBeforeChangesNothing() async throws {
      try await CallbackTests.with(settings: { $0.maxRequests = 1 }) { bench in
        try await CallbackTests.inDoubt(bench, "old")
        bench.service.onSubmit { _, _ in .lost(accepted: false) }
        for name in names(4) { try await bench.drop(name) }
        try await bench.pass(.seconds(20))
        let posts = bench.service.posts.count
        #expect(try await bench.callback(bench.service.posts("old").first, try #require(bench.service.task("old")).id))
        try await bench.until("it is bound", within: .seconds(5)) { try await $0.state("old") == .done }
        try await bench.pass(.seconds(10))
        #expect(bench.service.posts.count == posts, "the others wait as before")
      }
    }
  }
}
