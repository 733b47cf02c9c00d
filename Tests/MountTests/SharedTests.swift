import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// A folder that is kept in step with other machines is taken only by the agent that it names.
  @Suite struct Shared {
    enum Sign: String, CaseIterable, Sendable {
      case syncthing, sidecar

      /// Makes `drop` one of several copies; another machine has made a picture in it.
      func make(_ bench: Fixture) async throws {
        if self == .syncthing { return try bench.root.makeFolder("drop/.stfolder") }
        try bench.root.write("drop/theirs.prompt", "theirs")
        let run = try await bench.once(
          ["--state-dir": bench.home.path("their-state")], roots: [bench.root.path("drop")])
        try #require(run.code == 0, "\(run)")
        let status = try bench.root.read("drop/theirs.status.json")
        let other = status.replacing(/"owner": (null|"[^"]*")/, with: "\"owner\": \"deadbeefdeadbeef\"")
        try #require(other != status, "the sidecar names its owner: \(status)")
        try bench.root.write("drop/theirs.status.json", other)
      }

      var posts: Int { self == .syncthing ? 0 : 1 }
    }

    /// Starts an agent on `drop` and on a folder of its own, and returns when that has been worked off: what is in `drop` has been
    /// looked at by then.
    private func lookedAt(_ bench: Fixture, _ flags: [String: String?] = [:]) async throws -> ChildProcess {
      let agent = try await bench.agent(flags, folders: ["drop", "own"])
      let name = "own/\(bench.posts.count)"
      try bench.root.write("\(name).prompt", name)
      try await bench.waitFor(name, "done")
      return agent
    }

    @Test(arguments: Sign.allCases, [true, false])
    func isTakenOnceItIsOwned(_ sign: Sign, byARunningAgent isRunning: Bool) async throws {
      let bench = try await Fixture()
      try await sign.make(bench)
      try bench.root.write("drop/cat.prompt", "a cat")
      let first = try await lookedAt(bench, ["--agent-name": "here"])
      let drop = bench.root.path("drop")
      try await bench.waitForFolder("own", "inotify")
      let reported = try await bench.waitForFolder("drop", "foreign")
      #expect(reported.explains && reported.hint?.contains("promptdrop own \(drop)") == true, "\(reported)")
      #expect(first.logged("shared-folder").contains { $0.contains(drop) }, "\(first.standardError)")
      try bench.root.write("drop/sub/dog.prompt", "a dog")
      try bench.root.write("own/later.prompt", "later")
      try await bench.waitFor("own/later", "done")
      #expect(bench.posts.count == sign.posts + 2, "\(bench.paid) \(first.standardError)")
      #expect(!bench.root.exists("drop/.promptdrop.yaml"), "nobody decides that but a person")

      if !isRunning {
        first.terminate()
        try await first.wait(within: .seconds(20))
      }
      let run = try await bench.run("own", [drop], ["--agent-name": "here"])
      #expect(run.code == 0, "\(run)")
      #expect(try bench.root.read("drop/.promptdrop.yaml").contains(/owner: "?here"?/))
      let agent = isRunning ? first : try await lookedAt(bench, ["--agent-name": "here"])
      defer { agent.terminate(SIGKILL) }
      for name in ["drop/cat", "drop/sub/dog"] { try await bench.waitFor(name, "done") }
      try await bench.waitForFolder("drop", "inotify")
      #expect(bench.paid.count { $0 == "a cat" } == 1 && bench.paid.count { $0 == "theirs" } == sign.posts)
      #expect(bench.posts.count == sign.posts + (isRunning ? 4 : 5), "\(bench.paid) \(agent.standardError)")
    }

    // What the folder says besides stays as it is written.
    @Test func theOwnerIsAddedToWhatIsThere() async throws {
      let bench = try await Fixture()
      let rules = "# Ours.\nmodel: google/gempix2   # the cheap one\nexclude: [drafts]\n"
      try bench.root.write("drop/.promptdrop.yaml", rules)
      for _ in 0..<2 {
        let run = try await bench.run("own", [bench.root.path("drop")], ["--agent-name": "here: 1"])
        #expect(run.code == 0, "\(run)")
      }
      let text = try bench.root.read("drop/.promptdrop.yaml")
      #expect(text.contains(rules.trimmingCharacters(in: .newlines)), "\(text)")
      #expect(text.split(separator: "\n").count { $0.hasPrefix("owner:") } == 1, "\(text)")
      try bench.root.write("drop/cat.prompt", "a cat")
      try bench.root.write("drop/drafts/dog.prompt", "a dog")
      let run = try await bench.once(["--agent-name": "here: 1"], roots: [bench.root.path("drop")])
      #expect(run.code == 0 && bench.paid == ["a cat"], "\(run)")
    }

    @Test func whatAnotherAgentOwnsIsLeftToIt() async throws {
      let bench = try await Fixture()
      try bench.root.write("drop/.promptdrop.yaml", "owner: there\n")
      try bench.root.write("drop/cat.prompt", "a cat")
      let agent = try await lookedAt(bench, ["--agent-name": "here"])
      defer { agent.terminate(SIGKILL) }
      try await eventually(within: .seconds(10), "it is said: \(agent.standardError)") {
        agent.logged("other-owner").contains { $0.contains("there") }
      }
      #expect(try await bench.waitForFolder("drop", "foreign").message?.contains("there") == true)
      #expect(!bench.paid.contains("a cat") && !bench.root.exists("drop/cat.status.json"), "\(agent.standardError)")
      let run = try await bench.run("own", [bench.root.path("drop")], ["--agent-name": "here"])
      #expect(run.code == 0, "\(run)")
      try await bench.waitFor("drop/cat", "done")
      #expect(bench.paid.count { $0 == "a cat" } == 1)
    }

    // A folder that nobody shares needs no owner, whatever its names look like.
    @Test func whatIsNotSharedNeedsNoOwner() async throws {
      let bench = try await Fixture()
      try bench.root.write("drop/stfolder", "")
      try bench.root.write("drop/cat.prompt", "a cat")
      // A foreign file of that name, and one of somebody's own words.
      try bench.root.write("drop/dog.status.json", "{\"owner\": \"deadbeefdeadbeef\"}\n")
      try bench.root.write("drop/dog.prompt", "a dog")
      let agent = try await lookedAt(bench)
      defer { agent.terminate(SIGKILL) }
      try await bench.waitFor("drop/cat", "done")
      try await eventually("the dog is made") { bench.root.exists("drop/dog.png") }
      #expect(agent.logged("shared-folder").isEmpty, "\(agent.standardError)")
    }
  }
}
