import Foundation
import ProgramKit
import Synchronization
import TestKit
import Testing

extension Crashes {
  @Suite struct RandomKills {
    private static let filter = "CrashTests.Crashes/RandomKills"

    /// Batches of 8 jobs with faults of their own, killed again and again, then run to the end.
    @Test(.timeLimit(.minutes(600))) func nothingIsLostOrPaidTwice() async throws {
      let kills = Atomic(0)
      // A batch is about four kills.
      await Points.run(Points.seeds(Points.share(24) / 4), Self.filter) { seed, context in
        var random = SplitMix64(seed: seed)
        let bench = try await Fixture()
        let names = (0..<8).map { "cat\($0)" }
        var faults: [String: SubmitFault] = [:]
        for name in names {
          let fault = random.percent(50) ? .none : random.one(of: SubmitFault.allCases)
          faults[name] = fault
          try bench.root.write("\(name).prompt", fault.text(name))
        }
        let oracle = bench.oracle(names, context)
        var heard: Set<String> = []
        for _ in 0..<(3 + Int(random.next() % 3)) {
          // Sparse kills come late in a run, dense ones in its beginning.
          let mean = random.one(of: [60, 120, 250, 500, 1000])
          let run = try await bench.once(
            random.percent(70) ? [:] : ["--max-requests": "2"],
            environment: try Shim.environment("killrandom=\(random.next() >> 1):\(mean)"))
          if run.code == -SIGKILL { kills.add(1, ordering: .relaxed) }
          #expect(run.code == -SIGKILL || run.code == 0 || run.code == 1, "\(context): \(run)")
          for (name, state) in try oracle.checkFinalNames()
          where state == "submitted" || state == "fetching" || state == "done" {
            heard.insert(name)
          }
          if run.code == 0 { break }
        }
        let last = try await bench.once()
        try oracle.checkEnd(after: last) { faults[$0] != SubmitFault.none || !heard.contains($0) }
        let posts = bench.posts.count
        let again = try await bench.once()
        #expect(bench.posts.count == posts && again.code == last.code, "\(context): \(again)")
      }
      #expect(kills.load(ordering: .relaxed) > 0, "nothing was killed")
    }
  }
}
