import Foundation
import ProgramKit
import TestKit
import Testing

/// A call on a file that fails.
struct DiskFault: CustomStringConvertible, Sendable {
  let number: Int
  /// How many calls fail, one after the other.
  let times: Int
  let error: String
  var mode: String { "fail=\(number):\(error):\(times)" }
  var description: String { mode }
}

extension Crashes {
  @Suite struct DiskFaults {
    private static let filter = "CrashTests.Crashes/DiskFaults"
    // Only time is missing, nothing can be written, or the disk fails: each of them says so and is gone on from.
    private static let codes: Set<Int32> = [0, 1, 73, 74, 75]

    /// EIO and ENOSPC at each call on a file: once, and for a stretch. The trouble is never the job's fault.
    @Test(.timeLimit(.minutes(60))) func noFailingCallCostsAnything() async throws {
      let calm = try await Fixture(["cat": "cat"])
      let (outcome, calls) = try await calm.once(shim: "count", only: Shim.files)
      #expect(outcome.code == 0, "\(outcome)")
      var points: [DiskFault] = []
      for number in 1...(calls.count + 2) {
        for times in [1, 25] {
          points += ["EIO", "ENOSPC"].map { DiskFault(number: number, times: times, error: $0) }
        }
      }
      await Points.run(Points.sample(points, Points.share(20)), Self.filter) { point, context in
        let bench = try await Fixture(["cat": "cat"])
        // What waits for the disk to get well is waited for here.
        let (run, calls) = try await bench.once(shim: point.mode, only: Shim.files, ["--timeout": "12s"])
        let failed = calls.filter { point.number..<(point.number + point.times) ~= $0.number }
        let context = "\(context)\nfailed: \(failed.prefix(5))\n\(run)"
        #expect(Self.codes.contains(run.code), "\(context)")
        #expect(run.code == 0 || !run.log.isEmpty, "\(context)")
        let oracle = bench.oracle(["cat"], context)
        try oracle.checkFinalNames()
        if run.code == 0 { #expect(bench.posts.count == 1, "\(context)") }
        let last = try await bench.once()
        // Held: only where the process had to end because of the journal or a folder, with the answer on its way.
        try oracle.checkEnd(after: last, mayBeHeld: { _ in run.code == 74 && bench.posts.count == 1 })
      }
    }

    /// A disk that fills up under a running agent and is freed later: it goes on by itself, without a restart.
    @Test(.timeLimit(.minutes(60)), arguments: ["ENOSPC", "EDQUOT"])
    func afterAFullDiskItGoesOnByItself(_ error: String) async throws {
      for seed in Points.seeds(max(1, Points.share(1) / 2)) {
        var random = SplitMix64(seed: seed)
        let names = (0..<4).map { "cat\($0)" }
        let bench = try await Fixture()
        for name in names { try bench.root.write("\(name).prompt", name) }
        // Beside the prompts only, and no sync: what the journal or a folder suffers is tried above.
        let number = Int(random.next() % 30) + 1
        let mode = "fail=\(number):\(error):\(10 + random.next() % 20)"
        let agent = try bench.start(
          "watch", environment: try Shim.environment(mode, only: "write,open", prefix: bench.root.path))
        let context = "\(Points.again(seed, Self.filter)), \(mode)"
        do {
          try await eventually(within: .seconds(30), "\(context): all is made") {
            try names.allSatisfy { try bench.oracle(names, context).sidecar($0)?.state == "done" }
          }
        } catch {
          Issue.record("\(context): \(error)\n\(agent.standardError)")
        }
        agent.terminate()
        let run = try await bench.end(of: agent)
        try bench.oracle(names, context).checkEnd(after: run, mayBeHeld: { _ in false })
      }
    }
  }
}
