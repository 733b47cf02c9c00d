import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Each kind of file system, as the root and below one: followed in the way that it allows, and `status` says which.
  @Suite struct Kinds {
    @Test(arguments: Mount.Kind.allCases, ["", "below"])
    func isFollowedAsItAllows(_ kind: Mount.Kind, _ place: String) async throws {
      let bench = try await Fixture()
      let folder = place.isEmpty ? "drop" : "drop/\(place)"
      guard let mount = try Mount.make(kind, at: bench.root.path(folder)) else { return }
      defer { mount.end() }
      try bench.root.write("\(folder)/first/cat.prompt", "a cat")
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      let reported = try await bench.waitForFolder(folder, kind.mode)
      #expect(reported.filesystem == kind.rawValue, "\(reported)")
      if kind.mode == "polling" {
        #expect(reported.interval == 0.5 && reported.message?.isEmpty == false, "\(reported)")
        #expect(agent.logged("polling").contains { $0.contains(bench.root.path(folder)) }, "\(agent.standardError)")
      } else {
        #expect(reported.interval == nil, "\(reported)")
        #expect(agent.logged("polling").isEmpty, "\(agent.standardError)")
      }
      try await bench.waitFor("\(folder)/first/cat", "done")
      // A new folder, a file that is renamed into place, a change, a removal.
      try bench.root.write("\(folder)/a/b/dog.prompt", "a dog")
      try bench.root.writeByRename("\(folder)/cow.prompt", "a cow")
      try await bench.waitFor("\(folder)/a/b/dog", "done")
      try await bench.waitFor("\(folder)/cow", "done")
      try bench.root.write("\(folder)/cow.prompt", "two cows")
      try await eventually(within: .seconds(20), "the change is made: \(agent.standardError)") {
        try bench.sidecar("\(folder)/cow").revision == 2 && bench.sidecar("\(folder)/cow").state == "done"
      }
      try bench.root.rename("\(folder)/a", to: "\(folder)/z")
      try bench.root.write("\(folder)/z/b/owl.prompt", "an owl")
      try await bench.waitFor("\(folder)/z/b/owl", "done")
      #expect(bench.paid.sorted() == ["a cat", "a cow", "a dog", "an owl", "two cows"], "\(agent.standardError)")
      #expect(try bench.root.list("\(folder)/z/b").contains("dog.png"))
      #expect(!bench.root.exists("\(folder)/a"), "nothing is written under the old name")
    }

    // The same file system by another way: what is written by either is heard.
    @Test func aBindMountIsHeard() async throws {
      let bench = try await Fixture()
      for name in ["drop/below", "origin"] { try bench.root.makeFolder(name) }
      let (origin, place) = (bench.root.path("origin"), bench.root.path("drop/below"))
      let isBound = try Machine.allowed("a bind mount") {
        _ = try Machine.run("mount", ["--bind", origin, place])
        return try Undo("umount -l \"$1\"", [place])
      }
      guard let isBound else { return }
      defer { isBound.end() }
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try bench.root.write("origin/cat.prompt", "a cat")
      try bench.root.write("drop/below/dog.prompt", "a dog")
      try await bench.waitFor("drop/below/cat", "done")
      try await bench.waitFor("drop/below/dog", "done")
      #expect(bench.paid.count == 2 && agent.logged("polling").isEmpty, "\(agent.standardError)")
    }

    // Containers have their configuration so. Who changes the file does it under its other name, which is not heard of here.
    @Test func defaultsThatAreAMountAreReadEachTime() async throws {
      let bench = try await Fixture()
      try bench.root.write("origin/defaults.yaml", "model: a/first\n")
      try bench.root.write("drop/below/.promptdrop.yaml", "")
      let (origin, place) = (bench.root.path("origin/defaults.yaml"), bench.root.path("drop/below/.promptdrop.yaml"))
      let bound = try Machine.allowed("a bind mount of a file") {
        _ = try Machine.run("mount", ["--bind", origin, place])
        return try Undo("umount -l \"$1\"", [place])
      }
      guard let bound else { return }
      defer { bound.end() }
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      for (name, model) in [("cat", "a/first"), ("dog", "a/second"), ("cow", "a/third")] {
        try bench.root.write("origin/defaults.yaml", "model: \(model)\n")
        try bench.root.write("drop/below/\(name).prompt", name)
        try await bench.waitFor("drop/below/\(name)", "done")
        #expect(bench.posts.last?.model == model, "\(agent.standardError)")
      }
    }

    // Its files have two names then; the first is theirs.
    @Test func aFolderMountedBelowItselfIsNoLoop() async throws {
      let bench = try await Fixture()
      for name in ["drop/in", "drop/a/in"] { try bench.root.makeFolder(name) }
      var mounts: [Undo] = []
      defer { for mount in mounts.reversed() { mount.end() } }
      for folder in ["drop", "drop/a"].map(bench.root.path) {
        let bound = try Machine.allowed("a bind mount") {
          _ = try Machine.run("mount", ["--bind", folder, folder + "/in"])
          return try Undo("umount -l \"$1\"", [folder + "/in"])
        }
        guard let bound else { return }
        mounts.append(bound)
      }
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      for name in ["drop/cat", "drop/a/dog"] {
        try bench.root.write("\(name).prompt", name)
        try await bench.waitFor(name, "done")
      }
      #expect(bench.posts.count == 2, "\(agent.standardError)")
    }

    // What is put into a layer of an overlay is not heard; the periodic rescan finds it.
    @Test func whatIsWrittenBelowAnOverlayIsFoundByTheRescan() async throws {
      let bench = try await Fixture()
      guard let mount = try Mount.make(.overlay, at: bench.root.path("drop"), isPluggedIn: false) else { return }
      defer { mount.end() }
      try mount.parts.makeFolder("lower/sub")
      try mount.plugIn()
      let agent = try await bench.agent(["--rescan": "2s"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try mount.parts.write("lower/sub/cat.prompt", "a cat")
      try await bench.waitFor("drop/sub/cat", "done", within: .seconds(15))
      #expect(bench.paid == ["a cat"], "\(agent.standardError)")
    }
  }
}
