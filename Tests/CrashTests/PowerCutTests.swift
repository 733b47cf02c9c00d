import Foundation
import ProgramKit
import TestKit
import Testing

extension Crashes {
  /// The disk loses its power under a running agent. Prompts and state are on it.
  @Suite struct PowerCuts {
    private static let filter = "CrashTests.Crashes/PowerCuts"

    @Test(.timeLimit(.minutes(60)), arguments: LoopDisk.Kind.allCases)
    func whatWasCommittedIsKept(_ kind: LoopDisk.Kind) async throws {
      if let obstacle = LoopDisk.obstacle(kind) {
        // Not every machine lets a test mount a file system; that is no failure, but it is said.
        print("skipped: power cut on \(kind): \(obstacle)")
        return
      }
      await Points.run(Points.seeds(max(2, Points.share(5) / 6)), Self.filter, width: 1) { seed, context in
        try await Self.attempt(kind, seed, "\(kind), \(context)")
      }
    }

    /// The test above is worth something: what a program leaves whose syncs do nothing is gone after the cut.
    @Test(.timeLimit(.minutes(5))) func withoutSyncsItWouldBeLost() async throws {
      guard LoopDisk.obstacle(.ext4) == nil else { return print("skipped: power cut without syncs: see the other one") }
      for mode in ["count", "nosync"] {
        let disk = try LoopDisk(.ext4)
        let bench = try await Fixture()
        let root = disk.path + "/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
        try "cat".write(toFile: root + "/cat.prompt", atomically: false, encoding: .utf8)
        sync()
        let run = try await bench.once(
          ["--state-dir": disk.path + "/state"], environment: try Shim.environment(mode), roots: [root])
        #expect(run.code == 0, "\(run)")
        try disk.cutPower()
        try disk.restorePower()
        let names = try FileManager.default.contentsOfDirectory(atPath: root)
        #expect(names.contains("cat.png") == (mode == "count"), "\(mode): \(names)")
      }
    }

    // Three cuts, one after the other, then a run to the end.
    private static func attempt(
      _ kind: LoopDisk.Kind, _ seed: UInt64, _ context: String
    ) async throws {
      var random = SplitMix64(seed: seed)
      let disk = try LoopDisk(kind)
      let bench = try await Fixture(delay: .milliseconds(30))
      let (root, state) = (disk.path + "/root", disk.path + "/state")
      try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
      var names: [String] = []
      var faults: [String: SubmitFault] = [:]
      var accepted: Set<String> = []
      for round in 0..<3 {
        for number in 0..<5 {
          let name = "r\(round)n\(number)"
          let fault = random.percent(75) ? SubmitFault.none : random.one(of: SubmitFault.allCases)
          try fault.text(name).write(toFile: "\(root)/\(name).prompt", atomically: false, encoding: .utf8)
          faults[name] = fault
          names.append(name)
        }
        // The user's own files are there when the power goes.
        sync()
        let oracle = Oracle(root: root, sandbox: bench.sandbox, prompts: names, context: context)
        let agent = try bench.start("watch", ["--state-dir": state], roots: [root])
        let before = bench.posts.count
        if random.percent(80) {
          try await eventually(within: .seconds(20), "a submission: \(agent.standardError)") {
            bench.posts.count > before || agent.ending != nil
          }
        }
        let moment = ContinuousClock.now + .milliseconds(Int(random.chance() * random.chance() * 250))
        try await eventually(within: .seconds(5), "a random moment") { ContinuousClock.now >= moment }
        // What it had told before the cut was committed before the cut.
        let reported = agent.standardError
        try disk.cutPower()
        agent.terminate(SIGKILL)
        try await agent.wait()
        try disk.restorePower()
        let states = try oracle.checkFinalNames()
        for name in names {
          if reported.contains("\(name).prompt: at the service") { accepted.insert(name) }
          if reported.contains("\(name).prompt: done") {
            #expect(
              states[name] == "done", "\(context): \(name) was done and is \(states[name] ?? "lost")\n\(reported)")
          }
        }
      }
      let last = try await bench.once(["--state-dir": state], roots: [root])
      let oracle = Oracle(root: root, sandbox: bench.sandbox, prompts: names, context: context)
      try oracle.checkEnd(after: last) { !accepted.contains($0) }
      let posts = bench.posts.count
      let again = try await bench.once(["--state-dir": state], roots: [root])
      #expect(bench.posts.count == posts && again.code == last.code, "\(context): \(again)")
    }
  }
}
