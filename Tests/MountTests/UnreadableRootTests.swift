import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// A root that is there and cannot be used at present.
  @Suite struct UnreadableRoots {
    // Root may read everything unless it gives that up.
    private static func bound() throws -> [String] {
      guard geteuid() == 0 else { return [] }
      let without = "-dac_override,-dac_read_search"
      return [try Machine.tool("setpriv"), "--bounding-set=\(without)", "--inh-caps=\(without)", "--"]
    }

    private static func allow(_ path: String, _ mode: mode_t) throws { try #require(chmod(path, mode) == 0) }

    private static func expectReported(_ bench: Fixture, _ name: String, _ agent: ChildProcess) async throws {
      let folder = try await bench.waitForFolder(name, "unreadable")
      #expect(folder.explains && folder.message?.contains("Permission denied") == true, "\(folder)")
      let logged = agent.logged("root-unreadable")
      #expect(logged.contains { $0.contains("Permission denied") && $0.contains(bench.root.path(name)) }, "\(logged)")
      #expect(agent.logged("root-gone").isEmpty, "it is there")
    }

    @Test(arguments: ["auto", "poll"]) func isReportedAndTakenUpAgain(_ mode: String) async throws {
      let bench = try await Fixture()
      let agent = try await bench.agent(
        ["--rescan": "1s", "--watch-mode": mode], folders: ["drop"], through: Self.bound())
      defer { agent.terminate(SIGKILL) }
      let drop = bench.root.path("drop")
      try bench.root.write("drop/cat.prompt", "---\nhold: true\n---\na cat")
      try await bench.waitFor("drop/cat", "held")
      try Self.allow(drop, 0o000)
      defer { chmod(drop, 0o700) }
      try await Self.expectReported(bench, "drop", agent)
      let run = try await bench.run("status")
      #expect(run.out.contains("waits for \(drop)") && run.out.contains("Give the user"), "\(run)")
      try Self.allow(drop, 0o700)
      try bench.root.write("drop/dog.prompt", "a dog")
      try await bench.waitFor("drop/dog", "done")
      try await bench.waitForFolder("drop", mode == "poll" ? "polling" : "inotify")
      #expect(agent.logged("root-back").contains { $0.contains(drop) }, "\(agent.standardError)")
      #expect(try bench.sidecar("drop/cat").state == "held" && bench.paid == ["a dog"])
    }

    @Test(arguments: ["drop", "outer"]) func isWaitedForFromTheStart(_ closed: String) async throws {
      let bench = try await Fixture()
      let name = closed == "drop" ? "drop" : "outer/drop"
      try bench.root.write("\(name)/cat.prompt", "a cat")
      try bench.root.makeFolder("other")
      try Self.allow(bench.root.path(closed), 0o000)
      defer { chmod(bench.root.path(closed), 0o700) }
      let agent = try bench.begin(folders: [name, "other"], through: Self.bound())
      defer { agent.terminate(SIGKILL) }
      // The other root is not kept waiting.
      try bench.root.write("other/dog.prompt", "a dog")
      try await bench.waitFor("other/dog", "done")
      try await Self.expectReported(bench, name, agent)
      try Self.allow(bench.root.path(closed), 0o700)
      try await bench.waitFor("\(name)/cat", "done")
      #expect(bench.paid == ["a dog", "a cat"] && agent.ending == nil, "\(agent.standardError)")
    }

    @Test func oneRunDoesNotWaitForIt() async throws {
      let bench = try await Fixture(["cat": "a cat"])
      try bench.root.makeFolder("drop")
      try Self.allow(bench.root.path("drop"), 0o000)
      defer { chmod(bench.root.path("drop"), 0o700) }
      let run = try await bench.once(roots: [bench.root.path("drop")], through: Self.bound())
      #expect(run.code == 66 && run.log.contains("Permission denied") && bench.posts.isEmpty, "\(run)")
    }

    // ln -sfn: the name is replaced by one of another target.
    private static func point(_ bench: Fixture, _ link: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(
        atPath: bench.root.path("new"), withDestinationPath: bench.root.path(target))
      try bench.root.rename("new", to: link)
    }

    @Test func aLinkThatIsRepointedIsNoticed() async throws {
      let bench = try await Fixture(delay: .seconds(3))
      for folder in ["first", "second"] { try bench.root.makeFolder(folder) }
      try Self.point(bench, "link", to: "first")
      let agent = try bench.begin(folders: ["link"])
      defer { agent.terminate(SIGKILL) }
      try bench.root.write("first/cat.prompt", "a cat")
      try await bench.waitFor("first/cat", "submitted")
      try Self.point(bench, "link", to: "second")
      let reported = try await bench.waitForFolder("first", "gone")
      let words = [bench.root.path("link"), bench.root.path("second"), bench.root.path("first")]
      #expect(reported.explains && words.allSatisfy { reported.message?.contains($0) == true }, "\(reported)")
      #expect(agent.logged("root-gone").contains { line in words.allSatisfy(line.contains) }, "\(agent.standardError)")
      // What is unclear waits, in both; what was paid for is kept.
      try bench.root.write("first/stray.prompt", "a stray")
      try bench.root.write("second/dog.prompt", "a dog")
      try await eventually(within: .seconds(20), "the picture is kept") {
        try bench.home.exists("state/kept") && !bench.home.list("state/kept").isEmpty
      }
      #expect(bench.paid == ["a cat"] && !bench.root.exists("second/dog.status.json"), "\(agent.standardError)")
      // Pointed back, it goes on by itself.
      try Self.point(bench, "link", to: "first")
      try await bench.waitFor("first/cat", "done")
      try await bench.waitFor("first/stray", "done")
      #expect(bench.paid == ["a cat", "a stray"] && bench.root.exists("first/cat.png"), "\(agent.standardError)")
      // Restarted, it watches what the link leads to by then.
      try Self.point(bench, "link", to: "second")
      agent.terminate()
      #expect(try await bench.end(of: agent).code == 0)
      let run = try await bench.once(roots: [bench.root.path("link")])
      #expect(run.code == 0 && bench.paid == ["a cat", "a stray", "a dog"], "\(run)")
      #expect(bench.root.exists("second/dog.png"))
    }
  }
}
