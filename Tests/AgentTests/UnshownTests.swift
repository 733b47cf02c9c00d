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
  }
}
