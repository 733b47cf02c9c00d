import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// A root that goes, and comes again.
  @Suite struct Roots {
    enum Loss: String, CaseIterable, Sendable { case deleted, moved, replaced, parentMoved }

    @Test(arguments: Loss.allCases, ["auto", "poll"])
    func isNoticedAndTakenUpAgain(_ loss: Loss, _ mode: String) async throws {
      let bench = try await Fixture()
      try bench.root.makeFolder("outer/drop")
      let agent = try await bench.agent(["--watch-mode": mode, "--rescan": "2s"], folders: ["outer/drop"])
      defer { agent.terminate(SIGKILL) }
      try bench.root.write("outer/drop/cat.prompt", "a cat")
      try bench.root.write("outer/drop/sub/held.prompt", "---\nhold: true\n---\nheld")
      try await bench.waitFor("outer/drop/cat", "done")
      try await bench.waitFor("outer/drop/sub/held", "held")
      let drop = bench.root.path("outer/drop")
      // Where its files are while it is away.
      var away: String?
      switch loss {
      case .deleted: try bench.root.remove("outer/drop")
      case .moved, .replaced:
        try bench.root.rename("outer/drop", to: "outer/away")
        away = "outer/away"
        if loss == .replaced { try bench.root.write("outer/drop/dog.prompt", "a dog") }
      case .parentMoved:
        try bench.root.rename("outer", to: "elsewhere")
        away = "elsewhere/drop"
      }
      try await eventually(within: .seconds(15), "it is said that it is gone: \(agent.standardError)") {
        agent.logged("root-gone").contains { $0.contains(drop) }
      }
      if loss != .replaced {
        #expect(try await bench.waitForFolder("outer/drop", "gone").explains)
        // What has no path any more is nobody's: nothing is made or written there.
        if let away { try bench.root.write("\(away)/stray.prompt", "a stray") }
        if loss == .deleted { try bench.root.makeFolder("outer/drop") }
        if loss == .moved { try bench.root.rename("outer/away", to: "outer/drop") }
        if loss == .parentMoved { try bench.root.rename("elsewhere", to: "outer") }
        try bench.root.write("outer/drop/dog.prompt", "a dog")
      }
      try await bench.waitFor("outer/drop/dog", "done")
      #expect(agent.logged("root-back").contains { $0.contains(drop) }, "\(agent.standardError)")
      try await bench.waitForFolder("outer/drop", mode == "poll" ? "polling" : "inotify")
      try bench.root.write("outer/drop/a/b/cow.prompt", "a cow")
      try await bench.waitFor("outer/drop/a/b/cow", "done")
      var wanted: Set = ["a cat", "a dog", "a cow"]
      if loss == .moved || loss == .parentMoved {
        try await bench.waitFor("outer/drop/stray", "done")
        wanted.insert("a stray")
        #expect(try bench.sidecar("outer/drop/sub/held").state == "held")
        let run = try await bench.run("approve", ["\(drop)/sub/held.prompt"])
        #expect(run.code == 0, "\(run)")
        try await bench.waitFor("outer/drop/sub/held", "done")
        wanted.insert("held")
      }
      #expect(Set(bench.paid) == wanted && bench.posts.count == wanted.count, "\(bench.paid) \(agent.standardError)")
    }

    // The disk that is the root is pulled out: the empty folder below it is not what is left of it.
    @Test(arguments: [Mount.Kind.ext4, .fuse]) func anUnmountedRootLosesNothing(_ kind: Mount.Kind) async throws {
      let bench = try await Fixture()
      guard let mount = try Mount.make(kind, at: bench.root.path("drop")) else { return }
      defer { mount.end() }
      let agent = try await bench.agent(["--rescan": "2s"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try bench.root.write("drop/cat.prompt", "a cat")
      try bench.root.write("drop/held.prompt", "---\nhold: true\n---\nheld")
      try await bench.waitFor("drop/cat", "done")
      try await bench.waitFor("drop/held", "held")
      try mount.tearOut()
      try await eventually(within: .seconds(15), "it is said that it is gone: \(agent.standardError)") {
        agent.logged("root-gone").contains { $0.contains(mount.path) }
      }
      try mount.plugIn()
      try bench.root.write("drop/dog.prompt", "a dog")
      try await bench.waitFor("drop/dog", "done")
      #expect(agent.logged("root-back").contains { $0.contains(mount.path) }, "\(agent.standardError)")
      #expect(try await bench.waitForFolder("drop", kind.mode).filesystem == kind.rawValue)
      #expect(try bench.sidecar("drop/held").state == "held" && bench.sidecar("drop/cat").state == "done")
      let run = try await bench.run("approve", [bench.root.path("drop/held.prompt")])
      #expect(run.code == 0, "\(run)")
      try await bench.waitFor("drop/held", "done")
      #expect(bench.paid == ["a cat", "a dog", "held"], "\(bench.paid) \(agent.standardError)")
    }

    @Test func aRootThatIsNotThereIsWaitedFor() async throws {
      let bench = try await Fixture()
      try bench.root.makeFolder("drop")
      let agent = try bench.begin(folders: ["later/drop", "drop"])
      defer { agent.terminate(SIGKILL) }
      // The other root is not kept waiting.
      try bench.root.write("drop/cat.prompt", "a cat")
      try await bench.waitFor("drop/cat", "done")
      #expect(try await bench.waitForFolder("later/drop", "gone").explains)
      try bench.root.write("later/drop/sub/dog.prompt", "a dog")
      try await bench.waitFor("later/drop/sub/dog", "done")
      try await bench.waitForFolder("later/drop", "inotify")
      #expect(agent.logged("root-back").contains { $0.contains(bench.root.path("later/drop")) })
      #expect(bench.paid == ["a cat", "a dog"] && agent.ending == nil, "\(agent.standardError)")
    }

    @Test func oneRunDoesNotWaitForARoot() async throws {
      let bench = try await Fixture()
      let run = try await bench.once(roots: [bench.root.path("drop")])
      #expect(run.code == 66 && run.log.contains(bench.root.path("drop")) && bench.posts.isEmpty, "\(run)")
    }
  }
}
