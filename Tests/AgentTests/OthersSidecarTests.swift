import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Another agent takes the same prompts from a folder where nothing is heard of it: what it has paid for stands in its
  /// sidecars, and nowhere else.
  @Suite struct OthersSidecarTests {
    // The prompt is sent by one agent, whose sidecar is returned. Then another agent runs that knows nothing of it.
    private static func sentByAnother(_ bench: AgentFixture, text: String) async throws -> [UInt8] {
      bench.service.tasksTake(.seconds(300))
      try await bench.drop("cat", text: text)
      try await bench.until("it is sent") { try await $0.state("cat") == .submitted }
      try await bench.pass(.seconds(2))
      let sidecar = try bench.place.bytes("root/cat.status.json")
      try await bench.kill()
      for file in ["cat.prompt", "cat.status.json"] { try bench.place.remove("root/\(file)") }
      try await bench.start(state: "none")
      return sidecar
    }

    private static func deafen(_ bench: AgentFixture) async throws {
      bench.process.watcher.stop()
      try await eventually("nothing is heard any more") { inotifyDescriptors().isEmpty }
    }

    // Before it is said that it waits, and after.
    @Test(arguments: [Duration.zero, .seconds(2)])
    func whatAnotherPaidForMeanwhileIsNotPaidAgain(after wait: Duration) async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        let sidecar = try await Self.sentByAnother(bench, text: "cat")
        try await bench.drop("first")
        try await bench.until("the first is sent") { try await $0.state("first") == .submitted }
        try await bench.drop("cat")
        #expect(try await bench.state("cat") == .queued)
        try await Self.deafen(bench)
        try await bench.pass(wait)
        try bench.place.write("root/cat.status.json", bytes: sidecar)
        try await bench.until("both are done", within: .seconds(900)) { try await $0.census()[.done] == 2 }
        #expect(bench.service.posts.map(\.prompt).sorted() == ["cat", "first"])
        #expect(try bench.hasPicture("cat"))
      }
    }

    // The last look at the sidecar is as old as the reading of the images took.
    @Test func whatAnotherPaidForWhileImagesWereReadIsNotPaidAgain() async throws {
      try await AgentFixture.with(prepare: { place, _ in
        try place.write("root/a.png", bytes: SmallPNG.square([1, 2, 3]))
      }) { bench in
        let text = "---\nimages: [a.png]\n---\ncat"
        let sidecar = try await Self.sentByAnother(bench, text: text)
        let slow = Barrier()
        bench.process.files.delay { if case .reference = $0 { slow } else { nil } }
        try await bench.drop("cat", text: text)
        try await bench.until("its image is being read") { _ in slow.arrived > 0 }
        try await Self.deafen(bench)
        try await bench.pass(.seconds(3))
        try bench.place.write("root/cat.status.json", bytes: sidecar)
        slow.open()
        try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }
  }
}
