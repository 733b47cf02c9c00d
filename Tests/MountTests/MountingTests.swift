import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// A disk that is plugged in and out below a root while the agent runs.
  @Suite struct Mounting {
    private static let flags: [String: String?] = ["--rescan": "2s"]

    /// Unmounts as a person does, who tries again for some seconds.
    private func unplug(_ mount: Mount) async throws {
      try await eventually(within: .seconds(10), "the agent does not keep the disk busy") {
        try mount.unplug()
        return true
      }
    }

    @Test(arguments: [Mount.Kind.ext4, .fuse]) func whatIsOnItIsFound(_ kind: Mount.Kind) async throws {
      let bench = try await Fixture()
      guard let mount = try Mount.make(kind, at: bench.root.path("drop/disk"), isPluggedIn: false) else { return }
      defer { mount.end() }
      try mount.elsewhere { try "a cat".write(toFile: $0 + "/cat.prompt", atomically: false, encoding: .utf8) }
      let agent = try await bench.agent(Self.flags, folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try mount.plugIn()
      try await bench.waitFor("drop/disk/cat", "done")
      try bench.root.write("drop/disk/new/dog.prompt", "a dog")
      try await bench.waitFor("drop/disk/new/dog", "done")
      let reported = try await bench.waitForFolder("drop/disk", kind.mode)
      #expect(reported.filesystem == kind.rawValue, "\(reported)")

      try await unplug(mount)
      // The folder that it was mounted at is a folder like others.
      try bench.root.write("drop/disk/under.prompt", "under")
      try await bench.waitFor("drop/disk/under", "done")
      try await eventually(within: .seconds(10), "the mount is not listed any more") {
        try await bench.reported().folder(bench.root.path("drop/disk"))?.filesystem != kind.rawValue
      }
      try mount.elsewhere { try "an owl".write(toFile: $0 + "/owl.prompt", atomically: false, encoding: .utf8) }
      try mount.plugIn()
      try await bench.waitFor("drop/disk/owl", "done")
      for name in ["cat", "new/dog"] {
        #expect(try bench.sidecar("drop/disk/\(name)").state == "done")
        #expect(bench.root.exists("drop/disk/\(name).png"))
      }
      try await unplug(mount)
      try await eventually(within: .seconds(10), "what was under it is there") {
        try bench.sidecar("drop/disk/under").state == "done"
      }
      #expect(bench.paid.sorted() == ["a cat", "a dog", "an owl", "under"], "\(agent.standardError)")
    }

    // What is under way, what waits for a decision, and what is in doubt: an unmount deletes none of it.
    @Test func anUnmountIsNoDeletion() async throws {
      let bench = try await Fixture(delay: .seconds(3))
      guard let mount = try Mount.make(.ext4, at: bench.root.path("drop/disk")) else { return }
      defer { mount.end() }
      try bench.root.write("drop/disk/held.prompt", "---\nhold: true\n---\nheld")
      try bench.root.write("drop/disk/doubt.prompt", "doubt [sandbox: submit-garbage]")
      let agent = try await bench.agent(Self.flags, folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try await bench.waitFor("drop/disk/held", "held")
      try await bench.waitFor("drop/disk/doubt", "held")
      try bench.root.write("drop/disk/flying.prompt", "flying")
      try await bench.waitFor("drop/disk/flying", "submitted")
      try await unplug(mount)
      // Longer than the two seconds after which a deletion counts, and than a rescan.
      try bench.root.write("drop/marker.prompt", "marker")
      try await bench.waitFor("drop/marker", "done")
      try mount.plugIn()
      try await bench.waitFor("drop/disk/flying", "done")
      #expect(try bench.sidecar("drop/disk/held").state == "held")
      #expect(try bench.sidecar("drop/disk/doubt").reason == "submission-outcome-unknown")
      for words in [["approve", "held"], ["resolve", "doubt", "--abandon"]] {
        let path = bench.root.path("drop/disk/\(words[1]).prompt")
        // It has been missing: until its return is noticed, there is nothing to decide about it.
        try await eventually(within: .seconds(15), "it can be decided about: \(agent.standardError)") {
          try await bench.run(words[0], [path] + words.dropFirst(2)).code == 0
        }
      }
      try await bench.waitFor("drop/disk/held", "done")
      #expect(bench.posts.count == 4 && Set(bench.paid).count == 4, "\(bench.paid) \(agent.standardError)")
    }

    // A server that goes away: the mount is there, and every look into it fails.
    @Test func aMountThatBreaksLosesNothing() async throws {
      let bench = try await Fixture()
      guard let mount = try Mount.make(.fuse, at: bench.root.path("drop/disk")) else { return }
      defer { mount.end() }
      try bench.root.write("drop/disk/cat.prompt", "a cat")
      try bench.root.write("drop/disk/held.prompt", "---\nhold: true\n---\nheld")
      let agent = try await bench.agent(Self.flags, folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try await bench.waitFor("drop/disk/cat", "done")
      try await bench.waitFor("drop/disk/held", "held")
      mount.breakServer()
      #expect(throws: (any Error).self) { try bench.root.list("drop/disk") }
      try bench.root.write("drop/marker.prompt", "marker")
      try await bench.waitFor("drop/marker", "done")
      try mount.tearOut()
      try mount.plugIn()
      try bench.root.write("drop/disk/dog.prompt", "a dog")
      try await bench.waitFor("drop/disk/dog", "done")
      #expect(try bench.sidecar("drop/disk/held").state == "held")
      #expect(bench.paid == ["a cat", "marker", "a dog"], "\(agent.standardError)")
    }
  }
}
