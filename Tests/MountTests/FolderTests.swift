import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Folders that are made, copied, moved and removed faster than anybody can follow: nothing is missed, and nothing is
  /// looked for under a name that is no more.
  @Suite struct Folders {
    /// A way in which a tree comes; what it leaves is the prompts below `drop`, each with its own path as its text.
    enum Arrival: String, CaseIterable, Sendable {
      case madeAndWritten, many, copied, unpacked, movedIn, madeAgain, renamedTwice, exchanged, deep, movedWithin

      /// Lines of shell, run in the folder above `drop` that has `tree` with prompts in it.
      var line: String {
        switch self {
        case .madeAndWritten: "mkdir -p drop/a/b/c; echo drop/a/b/c/x > drop/a/b/c/x.prompt"
        case .many:
          "for i in $(seq 100); do mkdir -p drop/m$i/a/b; echo drop/m$i/a/b/x > drop/m$i/a/b/x.prompt & done; wait"
        case .copied: "cp -r tree drop/tree"
        case .unpacked: "tar cf t.tar tree; cd drop; tar xf ../t.tar"
        case .movedIn: "mv tree drop/tree"
        case .madeAgain:
          "for i in $(seq 30); do mkdir -p drop/same/in; echo lost > drop/same/in/.y; rm -r drop/same; done; "
            + "mkdir -p drop/same/in; echo drop/same/in/x > drop/same/in/x.prompt"
        case .renamedTwice:
          "mkdir -p drop/one/in; mv drop/one drop/two; mv drop/two drop/three; "
            + "echo drop/three/in/x > drop/three/in/x.prompt; echo drop/three/y > drop/three/y.prompt"
        case .exchanged:
          "mkdir -p drop/left drop/right; mv drop/left drop/middle; mv drop/right drop/left; mv drop/middle drop/right; "
            + "echo drop/left/x > drop/left/x.prompt; echo drop/right/y > drop/right/y.prompt"
        case .deep:
          "p=drop; for i in $(seq 40); do p=$p/d$i; mkdir $p; echo $p/x > $p/x.prompt; done"
        case .movedWithin:
          "mv tree drop/tree; mkdir drop/new; mv drop/tree/s1 drop/new/; mv drop/new drop/tree/s2/; "
            + "echo drop/tree/s2/new/s1/late > drop/tree/s2/new/s1/late.prompt"
        }
      }
    }

    @Test(arguments: Arrival.allCases) func noneIsMissed(_ arrival: Arrival) async throws {
      try await arrives(arrival, "auto")
    }

    @Test(arguments: [Arrival.many, .madeAgain, .renamedTwice, .exchanged, .movedWithin])
    func noneIsMissedWherePolled(_ arrival: Arrival) async throws { try await arrives(arrival, "poll") }

    private func arrives(_ arrival: Arrival, _ mode: String) async throws {
      let bench = try await Fixture()
      for number in 0..<40 {
        let name = "s\(number % 5)/t\(number % 3)/p\(number)"
        try bench.root.write("tree/\(name).prompt", "tree \(name)")
      }
      let agent = try await bench.agent(["--watch-mode": mode], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try Machine.shell(arrival.line, in: bench.root.path)
      let names = try Self.prompts(bench)
      #expect(!names.isEmpty)
      try await bench.waitForAll(names, agent)
      // Each of the folders goes on being heard.
      let folders = Set(names.map { ($0 as NSString).deletingLastPathComponent }).sorted()
      let later = folders.map { $0 + "/later" }
      for name in later { try bench.root.write("\(name).prompt", name) }
      try await bench.waitForAll(later, agent)
      #expect(bench.posts.count == names.count + later.count, "\(bench.paid.count) \(agent.standardError.suffix(3000))")
      // Nothing was written under a name that a folder had before.
      #expect(try Self.prompts(bench).sorted() == (names + later).sorted())
      let stale = ["one", "two", "middle", "new"].filter { bench.root.exists("drop/\($0)") }
      #expect(try stale.isEmpty && Machine.shell("find drop -type d -empty", in: bench.root.path).isEmpty, "\(stale)")
    }

    // What was waiting for its settling, or was at the service, when its folder got another name.
    @Test func whatIsUnderWayFollowsItsFolder() async throws {
      let bench = try await Fixture(delay: .seconds(2))
      let agent = try await bench.agent(["--settle": "1s"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try bench.root.write("drop/one/in/cat.prompt", "a cat")
      try await bench.waitFor("drop/one/in/cat", "submitted")
      try bench.root.write("drop/one/in/dog.prompt", "a dog")
      try bench.root.rename("drop/one", to: "drop/two")
      try bench.root.rename("drop/two", to: "drop/three")
      for name in ["cat", "dog"] { try await bench.waitFor("drop/three/in/\(name)", "done") }
      #expect(bench.paid == ["a cat", "a dog"] && bench.posts.count == 2, "\(agent.standardError)")
      #expect(try bench.root.list("drop") == ["three"])
    }

    @Test(.timeLimit(.minutes(5))) func thousandsAreWatched() async throws {
      let bench = try await Fixture { ($0.imageWidth, $0.imageHeight) = (8, 8) }
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      // The prompts lie in every twentieth folder, so that few pictures are needed to see that all are watched.
      try Machine.shell(
        "for i in $(seq 4000); do d=drop/g$((i % 40))/f$i; mkdir -p $d; "
          + "[ $((i % 20)) = 0 ] && echo $d/x > $d/x.prompt; done; true", in: bench.root.path)
      let names = try Self.prompts(bench)
      try await bench.waitForAll(names, within: .seconds(90), agent)
      try await eventually(within: .seconds(30), "each folder is watched, and none else") {
        try Watches.of(agent) == 4041
      }
      try bench.root.write("drop/g7/f47/y.prompt", "y")
      try await bench.waitFor("drop/g7/f47/y", "done")
      #expect(bench.posts.count == 201 && names.count == 200, "\(bench.posts.count)")
    }

    /// The prompts below `drop`, without their extension.
    private static func prompts(_ bench: Fixture) throws -> [String] {
      try Machine.shell("find drop -name '*.prompt'", in: bench.root.path).split(separator: "\n")
        .map { String($0.dropLast(".prompt".count)) }
    }
  }
}
