import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Two machines with a copy of a folder each, which a tool keeps in step: one submission for each prompt.
  @Suite struct TwoAgents {
    enum Tool: String, CaseIterable, Sendable {
      case rsync, unison

      /// One round, in both directions.
      func sync(_ bench: Fixture) throws {
        let (a, b) = (bench.root.path("a"), bench.root.path("b"))
        switch self {
        case .rsync:
          try Machine.run("rsync", ["-a", "--update", a + "/", b])
          try Machine.run("rsync", ["-a", "--update", b + "/", a])
        case .unison:
          try Machine.run(
            "unison", [a, b, "-batch", "-auto", "-silent", "-prefer", "newer", "-times"],
            environment: ["HOME": bench.home.path])
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Tool.allCases)
    func payOnce(_ tool: Tool) async throws {
      guard try Machine.allowed("two agents", { try Machine.tool(tool.rawValue) }) != nil else { return }
      let bench = try await Fixture(delay: .milliseconds(500))
      try bench.root.write("a/.promptdrop.yaml", "owner: a\n")
      try bench.root.makeFolder("b")
      try tool.sync(bench)
      let agents = try ["a", "b"].map { name in
        try bench.start(
          "watch",
          Fixture.mountFlags.merging(
            ["--agent-name": name, "--state-dir": bench.home.path("state-\(name)"), "--settle": "500ms"]) { $1 },
          roots: [bench.root.path(name)])
      }
      defer { for agent in agents { agent.terminate(SIGKILL) } }
      func logs() -> String { agents.map(\.standardError).joined(separator: "---\n") }
      try bench.root.write("a/cat.prompt", "a cat")
      try bench.root.write("b/dog.prompt", "a dog")
      try bench.root.write("b/sub/cow.prompt", "a cow")
      try await inStep(bench, tool, ["cat", "dog", "sub/cow"], logs)
      #expect(bench.paid.sorted() == ["a cat", "a cow", "a dog"], "\(bench.paid)\n\(logs())")

      // Changed, renamed and removed on the machine that does not own it.
      try bench.root.write("b/dog.prompt", "two dogs")
      try bench.root.rename("b/sub", to: "b/moved")
      if tool == .rsync { try bench.root.remove("a/sub") }
      try await inStep(bench, tool, ["cat", "dog", "moved/cow"], logs)
      try await eventually(within: .seconds(30), "the change is made: \(logs())") {
        try tool.sync(bench)
        return try Sidecar(bench.root.bytes("b/dog.status.json")).revision == 2
      }
      try await inStep(bench, tool, ["cat", "dog", "moved/cow"], logs)
      // It comes to rest: nothing is sent to and fro any more, and nothing is paid for.
      try await eventually(within: .seconds(40), "nothing changes any more: \(logs())") {
        try tool.sync(bench)
        let before = try Snapshot(bench.root.path).contents
        try await Snapshot.quiet(bench.root.path, for: .seconds(3))
        for _ in 0..<3 { try tool.sync(bench) }
        return try Snapshot(bench.root.path).contents == before
      }
      #expect(bench.posts.count == 4 && bench.paid.count { $0 == "two dogs" } == 1, "\(bench.paid)\n\(logs())")
      #expect(agents.allSatisfy { $0.ending == nil })
    }

    /// Syncs until both copies have each prompt's picture, and the same sidecar that says so.
    private func inStep(_ bench: Fixture, _ tool: Tool, _ names: [String], _ logs: () -> String) async throws {
      try await eventually(within: .seconds(40), "both have \(names): \(logs())") {
        try tool.sync(bench)
        return try names.allSatisfy { name in
          let files = ["a", "b"].map { "\($0)/\(name)" }
          guard files.allSatisfy({ bench.root.exists("\($0).png") && bench.root.exists("\($0).status.json") }) else {
            return false
          }
          let sidecar = try files.map { try bench.root.bytes("\($0).status.json") }
          return try sidecar[0] == sidecar[1] && Sidecar(sidecar[0]).state == "done"
        }
      }
    }
  }
}
