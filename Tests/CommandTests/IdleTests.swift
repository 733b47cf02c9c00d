import Foundation
import ProgramKit
import TestKit
import Testing

/// An agent that has nothing to do does nothing.
@Suite struct IdleTests {
  /// How often the process's threads were woken, all together.
  private func wakeUps(of process: ChildProcess) throws -> Int {
    let tasks = "/proc/\(process.processID)/task"
    return try FileManager.default.contentsOfDirectory(atPath: tasks).reduce(0) { sum, thread in
      let status = try String(contentsOfFile: "\(tasks)/\(thread)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") })
      return sum + (try #require(Int(line.split(separator: "\t").last ?? "")))
    }
  }

  @Test(.timeLimit(.minutes(5))) func nothingWakesIt() async throws {
    let bench = try await Fixture(["waits": "", "sub/waits": "", "cat": "a cat"])
    let agent = try bench.start("watch")
    try await eventually(within: .seconds(30), "it watches: \(agent.standardError)") {
      bench.root.exists("waits.status.json") && bench.root.exists("sub/waits.status.json")
    }
    try await bench.waitFor("cat", "done")
    // What is done once, such as closing a connection that nobody used for a minute, has its time; what is done again and
    // again never ends. A thread that waits makes no system call unless it is woken.
    var (before, quietSince) = (try wakeUps(of: agent), ContinuousClock.now)
    try await eventually(within: .seconds(200), "it rests for 60 s") {
      try await Task.sleep(for: .seconds(2))
      let now = try wakeUps(of: agent)
      if now != before { (before, quietSince) = (now, .now) }
      return .now - quietSince > .seconds(60)
    }
  }
}
