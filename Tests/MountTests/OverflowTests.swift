import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// More happens than the kernel keeps: what was not heard is found by looking.
  @Suite struct Overflows {
    static let count = 5000

    // Stopped meanwhile, the agent cannot read the events one by one: that the queue overflows is certain.
    @Test(arguments: [false, true]) func everyFileIsFound(whileStopped isStopped: Bool) async throws {
      guard let queue = try Machine.allowed("overflow", { try Limits.queue(16) }) else { return }
      defer { queue.end() }
      let bench = try await Fixture { ($0.imageWidth, $0.imageHeight) = (8, 8) }
      let agent = try await bench.agent(["--max-requests": "16", "--max-in-flight": "100"], folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      // It has set up inotify: the machine's limit matters no more.
      queue.end()
      if isStopped { agent.terminate(SIGSTOP) }
      try Machine.shell(
        "for d in 0 1 2 3 4; do mkdir -p s$d/t; for i in $(seq $1); do echo \"p $d $i\" > s$d/t/p$i.prompt; done; done",
        in: bench.root.path("drop"), ["\(Self.count / 5)"])
      let dropped = ContinuousClock.now
      if isStopped { agent.terminate(SIGCONT) }
      try await eventually(within: .seconds(30), "all are found") {
        try await bench.reported().counts.filter { $0.key != "cancelled" }.values.reduce(0, +) >= Self.count
      }
      print("\(Self.count) files after an overflow: found in \(ContinuousClock.now - dropped)")
      // One of the two is followed to the end.
      guard isStopped else { return }
      try await eventually(within: .seconds(300), "all are made") {
        try (0..<5).allSatisfy { folder in
          try bench.root.list("drop/s\(folder)/t").count { $0.hasSuffix(".png") } == Self.count / 5
        }
      }
      #expect(bench.posts.count == Self.count && Set(bench.paid).count == Self.count)
    }

    // What was made, renamed and removed unheard.
    @Test func changesAreFoundToo() async throws {
      guard let queue = try Machine.allowed("overflow", { try Limits.queue(16) }) else { return }
      defer { queue.end() }
      let bench = try await Fixture()
      let agent = try await bench.agent(folders: ["drop"])
      defer { agent.terminate(SIGKILL) }
      queue.end()
      for name in ["stays/cat", "goes/dog", "moves/cow"] { try bench.root.write("drop/\(name).prompt", name) }
      for name in ["stays/cat", "goes/dog", "moves/cow"] { try await bench.waitFor("drop/\(name)", "done") }
      agent.terminate(SIGSTOP)
      for number in 0..<100 { try bench.root.write("drop/noise\(number)", "") }
      try bench.root.write("drop/stays/cat.prompt", "two cats")
      try bench.root.remove("drop/goes")
      try bench.root.rename("drop/moves", to: "drop/moved")
      try bench.root.write("drop/new/a/b/owl.prompt", "an owl")
      agent.terminate(SIGCONT)
      try await bench.waitFor("drop/new/a/b/owl", "done")
      try await eventually(within: .seconds(20), "the change is made: \(agent.standardError)") {
        bench.paid.contains("two cats")
      }
      try await bench.waitFor("drop/moved/cow", "done")
      // The folders that came are watched, the one that went and came under another name is watched under that.
      for name in ["moved/fox", "new/a/b/fox", "new/fox"] {
        try bench.root.write("drop/\(name).prompt", name)
        try await bench.waitFor("drop/\(name)", "done")
      }
      #expect(bench.posts.count == 8, "\(bench.paid) \(agent.standardError)")
      #expect(!bench.root.exists("drop/moves") && !bench.root.exists("drop/goes"))
    }
  }
}
