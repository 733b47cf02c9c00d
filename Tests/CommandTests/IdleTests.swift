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

  @Test(.timeLimit(.minutes(2))) func nothingWakesIt() async throws {
    let bench = try await Bench(["waits": "", "sub/waits": ""])
    let agent = try bench.start("watch")
    try await eventually(within: .seconds(30), "it watches: \(agent.standardError)") {
      bench.root.exists("waits.status.json") && bench.root.exists("sub/waits.status.json")
    }
    // What is done once, some seconds after the start, has its time; what is done again and again never ends.
    try await eventually(within: .seconds(60), "it rests") {
      let before = try wakeUps(of: agent)
      try await Task.sleep(for: .seconds(5))
      return try wakeUps(of: agent) == before
    }
  }
}
