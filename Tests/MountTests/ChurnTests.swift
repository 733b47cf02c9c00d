import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Folders come and go for months: neither watches nor memory nor descriptors grow.
  @Suite struct Churn {
    /// How many folders are made and removed: `PROMPTDROP_TEST_POINTS`, 10,000 unless given.
    static let total =
      ProcessInfo.processInfo.environment["PROMPTDROP_TEST_POINTS"].flatMap(Int.init).map { max($0, 10_000) } ?? 10_000

    enum Way: String, CaseIterable, Sendable {
      case removed, movedOut, renamed

      /// Lines of shell, run in `drop`: $1 folders come and go.
      var line: String {
        let make = "for i in $(seq $1); do mkdir -p c/a$i/b; done; "
        switch self {
        case .removed: return make + "rm -r c"
        case .movedOut: return make + "mv c ../out; rm -r ../out"
        case .renamed: return make + "for i in $(seq $1); do mv c/a$i c/z$i; done; mv c d; rm -r d"
        }
      }
    }

    @Test(.timeLimit(.minutes(30)), arguments: Way.allCases)
    func nothingGrows(_ way: Way) async throws {
      let bench = try await Fixture()
      try bench.root.write("drop/stays/sub/cat.prompt", "a cat")
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      try await bench.waitFor("drop/stays/sub/cat", "done")
      let batch = 500
      func round() async throws {
        // Two folders each.
        try Machine.shell(way.line, in: bench.root.path("drop"), ["\(batch / 2)"])
        try await eventually(within: .seconds(30), "only what is there is watched: \(agent.standardError.suffix(3000))")
        {
          try Watches.of(agent) == 3
        }
      }
      // The first rounds fill what is kept for use again.
      for _ in 0..<4 { try await round() }
      let (memory, descriptors) = (try Watches.memory(of: agent), try Watches.descriptors(of: agent))
      for _ in 0..<(Self.total / Way.allCases.count / batch) { try await round() }
      let grown = try Watches.memory(of: agent) - memory
      print("\(way): memory grew by \(grown >> 10) KiB")
      #expect(grown < 8 << 20, "\(grown) bytes more than \(memory)")
      #expect(try Watches.descriptors(of: agent) <= descriptors + 4)
      try bench.root.write("drop/stays/sub/dog.prompt", "a dog")
      try bench.root.write("drop/c/a1/b/cow.prompt", "a cow")
      try await bench.waitFor("drop/stays/sub/dog", "done")
      try await bench.waitFor("drop/c/a1/b/cow", "done")
      #expect(bench.posts.count == 3, "\(agent.standardError.suffix(3000))")
    }

    // The same for a folder that cannot be watched: what a look remembers goes with the folder.
    @Test func nothingGrowsWherePolled() async throws {
      let bench = try await Fixture()
      let agent = try await bench.agent(["--watch-mode": "poll", "--poll-interval": "100ms"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      func round(_ number: Int) async throws {
        try Machine.shell(
          "mkdir r$2; for i in $(seq $1); do mkdir -p r$2/a$i/b; done", in: bench.root.path("drop"),
          ["250", "\(number)"])
        // Seen, for certain, before it goes.
        try bench.root.write("drop/r\(number)/seen.prompt", "")
        try await eventually(within: .seconds(20), "it is seen: \(agent.standardError.suffix(3000))") {
          bench.root.exists("drop/r\(number)/seen.status.json")
        }
        // The agent may be removing the sidecar at the same moment.
        try await eventually("it is removed") {
          if bench.root.exists("drop/r\(number)") { try bench.root.remove("drop/r\(number)") }
          return true
        }
      }
      for number in 0..<4 { try await round(number) }
      let memory = try Watches.memory(of: agent)
      for number in 4..<14 { try await round(number) }
      let grown = try Watches.memory(of: agent) - memory
      #expect(grown < 8 << 20, "\(grown) bytes more than \(memory)")
      #expect(try bench.root.list("drop").isEmpty && bench.posts.isEmpty)
    }
  }
}
