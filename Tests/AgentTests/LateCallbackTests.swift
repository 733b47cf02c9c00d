import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Callbacks that come a month after.
  @Suite struct LateCallbackTests {
    @Test(arguments: [true, false]) func forAJobThatIsHeld(restarted: Bool) async throws {
      try await CallbackTests.with { bench in
        try await CallbackTests.inDoubt(bench)
        try await bench.pass(day * 31)
        if restarted {
          try await bench.stop()
          try await bench.start()
        }
        #expect(try await bench.callback(bench.service.posts.first, try #require(bench.service.task("cat")).id))
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
        #expect(try bench.hasPicture("cat"))
      }
    }

    @Test(arguments: [true, false]) func forAJobThatIsDoneWithTheSameTask(restarted: Bool) async throws {
      try await CallbackTests.with { bench in
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.pass(day * 31)
        if restarted {
          try await bench.stop()
          try await bench.start()
          try await bench.pass(.seconds(60))
        }
        let before = try bench.place.list("root")
        #expect(try await bench.callback(bench.service.posts.first, try #require(bench.service.task("cat")).id))
        try await bench.pass(.seconds(600))
        #expect(try await bench.slots("cat").count == 1)
        #expect(try bench.place.list("root") == before)
        #expect(bench.service.fetches.count == 1)
        #expect(try bench.sidecar("cat")?.mayHaveBeenPaidTwice == false)
      }
    }

    @Test(arguments: [true, false]) func forAJobThatIsDoneWithAnotherTask(restarted: Bool) async throws {
      try await CallbackTests.with { bench in
        try await bench.drop("cat")
        try await bench.until("done") { try await $0.state("cat") == .done }
        try await bench.pass(day * 31)
        if restarted {
          try await bench.stop()
          try await bench.start()
          try await bench.pass(.seconds(60))
        }
        let first = try bench.place.bytes("root/cat.png")
        let second = bench.service.make("cat")
        #expect(try await bench.callback(bench.service.posts.first, second))
        try await bench.until("both are there") { bench in
          try await bench.slots("cat").map(\.state) == [.done, .done]
        }
        try await bench.pass(.seconds(10))
        #expect(bench.notices.count("paid-twice") == 1)
        #expect(try bench.place.bytes("root/cat.png") == first, "the first keeps its name")
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(sidecar.mayHaveBeenPaidTwice)
        #expect(sidecar.outputs.count == 2)
        for output in sidecar.outputs { #expect(bench.place.exists("root/\(output.file)")) }
        #expect(Set(sidecar.outputs.map(\.sha256)).count == 2)
        // The same once more is nothing new.
        #expect(try await bench.callback(bench.service.posts.first, second))
        try await bench.pass(.seconds(600))
        #expect(try await bench.slots("cat").count == 2)
      }
    }

    @Test func forAJobThatWasGivenUp() async throws {
      try await CallbackTests.with { bench in
        try await CallbackTests.inDoubt(bench)
        #expect(await bench.resolve("cat", .abandon).oks == [true])
        try await bench.pass(day * 20)
        #expect(try await bench.state("cat") == .cancelled)
        #expect(try await bench.callback(bench.service.posts.first, try #require(bench.service.task("cat")).id))
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(try bench.hasPicture("cat"))
      }
    }

    // A person paid again; then the first one turns out to have been accepted after all.
    @Test(arguments: [true, false]) func forAJobThatWasSubmittedAgain(whileItWaits: Bool) async throws {
      try await CallbackTests.with { bench in
        try await CallbackTests.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        bench.service.onSubmit { _, _ in
          whileItWaits ? .refuse(ScriptedService.rateLimited(.seconds(3000))) : .accept()
        }
        #expect(await bench.resolve("cat", .resubmit).oks == [true])
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 2)
        #expect(try await bench.callback(bench.service.posts.first, task))
        try await bench.pass(.seconds(60))
        bench.service.onSubmit(nil)
        try await bench.pass(.seconds(4000))
        // While it waited it is bound, and nothing is paid a second time; else both are kept.
        #expect(try await bench.state("cat") == .done)
        #expect(bench.service.tasks.count == (whileItWaits ? 1 : 2))
        #expect(bench.service.posts.count == 2)
        #expect(try bench.sidecar("cat")?.mayHaveBeenPaidTwice == !whileItWaits)
        #expect(try bench.sidecar("cat")?.outputs.count == bench.service.tasks.count)
      }
    }

    // The second one's picture is late: it is paid for too, and is not forgotten for the first one's.
    @Test func forAJobWhoseSecondPictureIsHeld() async throws {
      try await CallbackTests.with { bench in
        try await CallbackTests.inDoubt(bench)
        let first = try #require(bench.service.task("cat")).id
        bench.service.onSubmit(nil)
        bench.service.onFetch { id in
          id == first ? nil : .expired(JobError(code: "image-expired", message: "HTTP 404.", retryable: true))
        }
        #expect(await bench.resolve("cat", .resubmit).oks == [true])
        try await bench.until("held", within: .seconds(1800)) { try await $0.reason("cat") == .paidNotFetched }
        #expect(try await bench.callback(bench.service.posts.first, first))
        try await bench.until("the first is there") { bench in
          try await bench.slots("cat").map(\.state.name) == [.held, .done]
        }
        bench.service.onFetch(nil)
        try await bench.until("both are there", within: .seconds(7200)) { bench in
          try await bench.slots("cat").map(\.state) == [.done, .done]
        }
        #expect(bench.service.posts.count == 2)
        #expect(try bench.sidecar("cat")?.outputs.count == 2)
      }
    }

    @Test func afterThePromptChanged() async throws {
      try await CallbackTests.with { bench in
        try await CallbackTests.inDoubt(bench)
        let task = try #require(bench.service.task("cat")).id
        bench.service.onSubmit(nil)
        try await bench.drop("cat", text: "another cat")
        try await bench.until("the new one is done") { try await $0.state("cat") == .done }
        #expect(try await bench.callback(bench.service.posts.first, task))
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 2)
        #expect(bench.service.fetches.contains { $0.id == task }, "what was paid for is fetched")
        #expect(try bench.hasPicture("cat", of: "another cat"), "the present text keeps its name")
      }
    }
  }
}
