import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// What promptdrop writes comes back to it: from a sync with other times and names, from a backup, by hand. Nothing of
  /// that is paid for, and nobody answers it for ever.
  @Suite struct Loops {
    enum Echo: String, CaseIterable, Sendable {
      case copiedBack, copiedBackInPlace, touched, renamedPicture, copiedSidecar, copiedPicture, olderSidecar, restored
      case renamedSidecar, otherTimesAndOwner, everything

      /// Lines of shell, run in the folder above `drop`, of which `copy` is a copy from just before.
      var line: String {
        switch self {
        case .copiedBack: "find copy -type f -exec touch {} +; rsync -a copy/ drop"
        case .copiedBackInPlace: "find copy -type f -exec touch -d '2001-01-01' {} +; rsync -a --inplace copy/ drop"
        case .touched: "find drop -type f -exec touch {} +"
        case .renamedPicture: "mv drop/cat.png drop/other.png"
        case .copiedSidecar: "cp drop/cat.status.json drop/other.status.json; cp drop/cat.status.json drop/sub/"
        case .copiedPicture:
          "cp drop/cat.png drop/cat-2.png; cp drop/cat.png drop/dog.png; cp drop/cat.png drop/cat.v1.png"
        case .olderSidecar:
          "sed -i 's/\"done\"/\"submitted\"/' drop/cat.status.json; rsync -aI drop/ copy; rsync -aI copy/ drop"
        case .restored: "rm -r drop/*; rsync -a copy/ drop"
        case .renamedSidecar: "mv drop/cat.status.json drop/moved.status.json"
        case .otherTimesAndOwner: "find drop -type f -exec touch -d '2099-01-01' {} + -exec chmod 640 {} +"
        case .everything:
          "for i in 1 2 3; do rsync -aI copy/ drop; find drop -type f -exec touch {} +; rsync -aI drop/ copy; done"
        }
      }
    }

    @Test(arguments: Echo.allCases) func startsNothing(_ echo: Echo) async throws { try await echoed(echo, "auto") }

    @Test(arguments: [Echo.copiedBack, .restored, .everything])
    func startsNothingWherePolled(_ echo: Echo) async throws { try await echoed(echo, "poll") }

    private func echoed(_ echo: Echo, _ mode: String) async throws {
      guard try Machine.allowed("\(echo)", { try Machine.tool("rsync") }) != nil else { return }
      let bench = try await Fixture()
      for name in ["cat", "dog", "sub/cow"] { try bench.root.write("drop/\(name).prompt", name) }
      try bench.root.write("drop/two.prompt", "---\ncount: 2\n---\ntwo")
      let agent = try await bench.agent(["--watch-mode": mode], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      for name in ["cat", "dog", "sub/cow", "two"] { try await bench.waitFor("drop/\(name)", "done") }
      try Machine.shell("rsync -a drop/ copy", in: bench.root.path)
      let before = try Snapshot(bench.root.path("drop")).contents
      try Machine.shell(echo.line, in: bench.root.path)
      // No loop of rewriting; and by the marker, that all of it has been looked at.
      try await Snapshot.quiet(bench.root.path("drop"), for: .seconds(3))
      try bench.root.write("drop/marker.prompt", "marker")
      try await bench.waitFor("drop/marker", "done")
      try await Snapshot.quiet(bench.root.path("drop"), for: .seconds(1))
      #expect(bench.posts.count == 6 && bench.paid.last == "marker", "\(bench.paid) \(agent.standardError)")
      let after = try Snapshot(bench.root.path("drop")).contents
      for (name, bytes) in before where name.hasSuffix(".prompt") {
        #expect(after[name] == bytes, "\(name) is the user's")
      }
      // What was not touched is as it was, and what somebody made by copying is left alone.
      #expect(after["sub/cow.png"] == before["sub/cow.png"] && after["two-2.png"] == before["two-2.png"])
      if echo == .renamedPicture { #expect(after["other.png"] == before["cat.png"]) }
      if echo == .copiedSidecar { #expect(after["other.status.json"] == before["cat.status.json"]) }
      // And a restart starts nothing.
      agent.terminate()
      try await agent.wait(within: .seconds(20))
      let run = try await bench.once(roots: [bench.root.path("drop")])
      #expect(run.code == 0 && bench.posts.count == 6, "\(run)")
    }
  }
}
