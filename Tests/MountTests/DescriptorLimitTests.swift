import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Too few descriptors: everything is made, or it is said that this is why it is not.
  @Suite struct DescriptorLimits {
    private func wrapper(_ soft: Int, _ hard: Int? = nil) throws -> [String] {
      [try Machine.tool("prlimit"), "--nofile=\(soft):\(hard ?? soft)"]
    }

    private func isExplained(_ log: String) -> Bool { log.contains("open files") || log.contains("unable to open") }

    @Test(arguments: [12, 16, 20, 32, 63]) func withFarTooFewItDoesNotStart(_ count: Int) async throws {
      let bench = try await Fixture(["cat": "a cat"])
      let run = try await bench.once(through: try wrapper(count))
      #expect(run.code == 71 && run.log.contains("LimitNOFILE="), "\(run)")
      #expect(bench.posts.isEmpty)
    }

    @Test func aLowSoftLimitIsRaised() async throws {
      let bench = try await Fixture(["cat": "a cat"])
      let run = try await bench.once(through: try wrapper(20, 1024))
      #expect(run.code == 0 && bench.paid == ["a cat"], "\(run)")
    }

    @Test(arguments: [64, 72]) func oneRunNeverSaysThatAllIsDone(_ count: Int) async throws {
      let bench = try await Fixture()
      let names = (0..<60).map { "f\($0)/a/x" }
      for name in names { try bench.root.write("\(name).prompt", name) }
      let run = try await bench.once(["--burst-limit": "0", "--timeout": "15s"], through: try wrapper(count))
      let made = names.count { bench.root.exists("\($0).png") }
      #expect(made == names.count ? run.code == 0 : run.code != 0 && isExplained(run.log), "\(made) made: \(run)")
      #expect(Set(bench.paid).count == bench.paid.count)
      // And what was not made is made once there are enough.
      let again = try await bench.once(["--burst-limit": "0"])
      #expect(again.code == 0 && Set(bench.paid) == Set(names), "\(run) \(again)")
      #expect(bench.paid.count == names.count, "\(bench.paid)")
    }

    @Test(arguments: [64, 72]) func anAgentGoesOnWhenThereAreMore(_ count: Int) async throws {
      let bench = try await Fixture()
      let names = (0..<60).map { "drop/f\($0 / 2)/\($0)" }
      for name in names { try bench.root.write("\(name).prompt", name) }
      let agent = try bench.begin(["--rescan": "3s"], folders: ["drop"], through: try wrapper(count))
      defer { agent.terminate(SIGKILL) }
      let end = ContinuousClock.now + .seconds(20)
      func made() -> Int { names.count { bench.root.exists("\($0).png") } }
      try await eventually(within: .seconds(25), "all is made, or time has passed") {
        made() == names.count || agent.ending != nil || ContinuousClock.now > end
      }
      if agent.ending != nil {
        #expect(isExplained(agent.standardError), "\(agent.standardError)")
        return
      }
      #expect(made() == names.count || isExplained(agent.standardError), "\(agent.standardError.suffix(3000))")
      let raised = try Machine.allowed("more descriptors") {
        try Machine.run("prlimit", ["--pid", "\(agent.processID)", "--nofile=1024:1024"])
      }
      guard raised != nil else { return }
      let later = (0..<10).map { "drop/new\($0)/x" }
      for name in later { try bench.root.write("\(name).prompt", name) }
      try await bench.waitForAll(names + later, agent)
      #expect(bench.posts.count == 70 && Set(bench.paid).count == 70, "\(bench.posts.count)")
      #expect(try Watches.descriptors(of: agent) < 100)
    }
  }
}
