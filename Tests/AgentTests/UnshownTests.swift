import JobCore
import TestKit
import Testing

extension Pipelines {
  /// A process ends after it has written down what keeps a prompt, and before the sidecar says so.
  @Suite struct UnshownTests {
    @Test(arguments: [
      ("<<<<<<< ours\na cat\n=======\na dog\n>>>>>>> theirs\n", StateName.failed), ("", .queued),
      ("---\nhold: true\n---\na cat", .held),
    ])
    func theNextProcessSaysIt(text: String, state: StateName) async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat", text: text)
        try await bench.until("it is written down") { try await $0.state("cat") == state }
        try await bench.stop()
        try bench.place.remove("root/cat.status.json")
        try await bench.start()
        try await bench.until("the sidecar says so") { try $0.sidecar("cat")?.state == state }
        #expect(bench.service.posts.isEmpty)
      }
    }

    // What stands there is of an earlier text.
    @Test(arguments: [("<<<<<<< ours\na cat\n=======\na dog\n>>>>>>> theirs\n", StateName.failed), ("", .queued)])
    func theNextProcessReplacesWhatWasSaidBefore(text: String, state: StateName) async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat")
        try await bench.until("it is made") { try await $0.state("cat") == .done }
        let before = try bench.place.bytes("root/cat.status.json")
        try await bench.drop("cat", text: text)
        try await bench.until("it is written down") { try await $0.state("cat") == state }
        try await bench.stop()
        try bench.place.write("root/cat.status.json", bytes: before)
        try await bench.start()
        try await bench.until("the sidecar says so") { try $0.sidecar("cat")?.state == state }
        #expect(bench.service.posts.count == 1)
      }
    }

    // Its prompt is gone, so it is no prompt's.
    @Test func nothingIsSaidOfAPromptThatIsGone() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat", text: "---\nhold: true\n---\na cat")
        try await bench.until("it is written down") { try await $0.state("cat") == .held }
        try await bench.stop()
        for name in ["cat.prompt", "cat.status.json"] { try bench.place.remove("root/\(name)") }
        try await bench.start()
        try await bench.pass(.seconds(60))
        #expect(try bench.place.list("root").isEmpty)
      }
    }

    // Another machine's, for the same text, came while no agent ran: what it reports as paid for is not paid for again.
    @Test func anothersSidecarIsNotReplacedByWhatWaits() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.tasksTake(.seconds(60))
        try await bench.drop("cat")
        try await bench.until("it is sent") { try await $0.state("cat") == .submitted }
        try await bench.pass(.seconds(2))
        let foreign = try bench.place.bytes("root/cat.status.json")
        try await bench.kill()
        for file in ["cat.prompt", "cat.status.json"] { try bench.place.remove("root/\(file)") }
        try await bench.start(state: "none")
        try await bench.drop("first")
        try await bench.until("the first is sent") { try await $0.state("first") == .submitted }
        try await bench.drop("cat")
        try await bench.until("it waits") { try await $0.state("cat") == .queued }
        let writer = try OpenWriter(bench.place.path("root/cat.prompt"))
        try await bench.until("it waits for its writer", within: .seconds(900)) { try await $0.job("cat")?.note != nil }
        try await bench.stop()
        try bench.place.write("root/cat.status.json", bytes: foreign)
        try await bench.start()
        try await bench.pass(.seconds(5))
        #expect(try bench.place.bytes("root/cat.status.json") == foreign, "what was paid for still stands there")
        writer.close()
        try await bench.until("both are done", within: .seconds(9_000)) { try await $0.census()[.done] == 2 }
        #expect(bench.service.posts.map(\.prompt).sorted() == ["cat", "first"])
      }
    }
  }
}
