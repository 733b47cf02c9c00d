import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Writes behind a mount raise no events: bindfs shows a folder that others write in directly, as they do on NFS, SMB and
  /// sshfs.
  @Suite struct Polling {
    private func mounted(_ bench: Fixture, _ name: String, for test: String = #function) throws -> Mount? {
      try Mount.make(.fuse, at: bench.root.path(name), for: test)
    }

    @Test(arguments: ["drop", "drop/below"]) func whatOthersWriteIsFound(_ place: String) async throws {
      let bench = try await Fixture()
      guard let mount = try mounted(bench, place) else { return }
      defer { mount.end() }
      let agent = try await bench.agent(["--poll-interval": "1s"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      #expect(try await bench.waitForFolder(place, "polling").interval == 1)
      let behind = mount.parts
      func within(_ what: String, _ condition: () throws -> Bool) async throws {
        // One interval, and what a slow machine needs to notice and to submit.
        try await eventually(within: .seconds(4), "\(what): \(agent.standardError.suffix(3000))") { try condition() }
      }
      try behind.write("behind/cat.prompt", "a cat")
      try await within("a file") { bench.paid == ["a cat"] }
      try behind.write("behind/a/b/dog.prompt", "a dog")
      try await within("a file in new folders") { bench.paid.last == "a dog" }
      try behind.writeByRename("behind/cow.prompt", "a cow")
      try await within("a renamed file") { bench.paid.last == "a cow" }
      for name in ["cat", "a/b/dog", "cow"] { try await bench.waitFor("\(place)/\(name)", "done") }
      try behind.write("behind/cat.prompt", "two cats")
      try await within("a change") { bench.paid.last == "two cats" }
      try await eventually(within: .seconds(10), "the change is done") {
        try bench.sidecar("\(place)/cat").revision == 2 && bench.sidecar("\(place)/cat").state == "done"
      }
      // A name goes, the job follows to the new one; a folder as well.
      try behind.rename("behind/cow.prompt", to: "behind/bull.prompt")
      try behind.rename("behind/a", to: "behind/c")
      try await bench.waitFor("\(place)/bull", "done")
      try behind.write("behind/c/b/owl.prompt", "an owl")
      try await bench.waitFor("\(place)/c/b/owl", "done")
      try behind.write("behind/held.prompt", "---\nhold: true\n---\nheld")
      try await bench.waitFor("\(place)/held", "held")
      try behind.remove("behind/held.prompt")
      try await eventually(within: .seconds(10), "a removal is noticed") {
        try await bench.reported().waiting.isEmpty
      }
      #expect(bench.paid == ["a cat", "a dog", "a cow", "two cats", "an owl"], "\(agent.standardError)")
    }

    @Test func whatIsStillBeingWrittenIsWaitedFor() async throws {
      let bench = try await Fixture()
      guard let mount = try mounted(bench, "drop") else { return }
      defer { mount.end() }
      let agent = try await bench.agent(["--settle": "2s"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      var text = ""
      for number in 0..<10 {
        text += "word \(number) "
        try mount.parts.write("behind/cat.prompt", text)
        // The writer's own slowness is what is tested.
        try await Task.sleep(for: .milliseconds(400))
      }
      try await bench.waitFor("drop/cat", "done")
      #expect(bench.posts.map(\.prompt) == [text.trimmingCharacters(in: .whitespaces)], "\(agent.standardError)")
    }

    // What the kind of the file system says can be overruled, either way.
    @Test func anOrdinaryFolderCanBePolled() async throws {
      let bench = try await Fixture()
      let agent = try await bench.agent(["--watch-mode": "poll"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      let folder = try await bench.waitForFolder("drop", "polling")
      #expect(folder.interval == 0.5 && folder.message?.isEmpty == false, "\(folder)")
      #expect(try Watches.of(agent) == 0)
      try bench.root.write("drop/a/b/cat.prompt", "a cat")
      try await bench.waitFor("drop/a/b/cat", "done")
      try bench.root.rename("drop/a", to: "drop/c")
      try bench.root.write("drop/c/b/dog.prompt", "a dog")
      try await bench.waitFor("drop/c/b/dog", "done")
      #expect(bench.paid == ["a cat", "a dog"], "\(agent.standardError)")
    }

    @Test func aMountCanBeListenedTo() async throws {
      let bench = try await Fixture()
      guard let mount = try mounted(bench, "drop") else { return }
      defer { mount.end() }
      let agent = try await bench.agent(["--watch-mode": "inotify", "--rescan": "3s"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      #expect(try await bench.waitForFolder("drop", "inotify").filesystem == "fuse")
      #expect(try Watches.of(agent) > 0 && agent.logged("polling").isEmpty, "\(agent.standardError)")
      try bench.root.write("drop/heard.prompt", "heard")
      try await bench.waitFor("drop/heard", "done")
      // It is deaf to what is written behind it: the rescan finds that.
      try mount.parts.write("behind/unheard.prompt", "unheard")
      try await bench.waitFor("drop/unheard", "done", within: .seconds(15))
      #expect(bench.paid == ["heard", "unheard"], "\(agent.standardError)")
    }
  }
}
