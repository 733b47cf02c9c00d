import Foundation
import ProgramKit
import TestKit
import Testing

extension Mounts {
  /// Too few descriptors: everything is made, or it is said that this is why it is not.
  @Suite struct DescriptorLimits {
    private func wrapper(_ count: Int) throws -> [String] {
      // Whoever may raise the soft limit later needs no right to raise the hard one.
      [try Machine.tool("prlimit"), "--nofile=\(count):1024"]
    }

    private func isExplained(_ log: String) -> Bool { log.contains("open files") || log.contains("unable to open") }

    @Test(arguments: [12, 16, 20, 24, 28, 32, 40, 56]) func oneRunNeverSaysThatAllIsDone(_ count: Int) async throws {
      let bench = try await Bench()
      let names = (0..<30).map { "f\($0)/a/x" }
      for name in names { try bench.root.write("\(name).prompt", name) }
      let run = try await bench.once(["--burst-limit": "0", "--timeout": "15s"], through: try wrapper(count))
      let made = names.count { bench.root.exists("\($0).png") }
      #expect(made == 30 ? run.code == 0 : run.code != 0 && isExplained(run.log), "\(made) made: \(run)")
      #expect(Set(bench.paid).count == bench.paid.count)
      // And what was not made is made once there are enough.
      let again = try await bench.once(["--burst-limit": "0"])
      #expect(again.code == 0 && Set(bench.paid) == Set(names), "\(again)")
      #expect(bench.paid.count == 30, "\(bench.paid)")
    }

    @Test(arguments: [32, 48, 64]) func anAgentGoesOnWhenThereAreMore(_ count: Int) async throws {
      let bench = try await Bench()
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
      try Machine.run("prlimit", ["--pid", "\(agent.processID)", "--nofile=1024:1024"])
      let later = (0..<10).map { "drop/new\($0)/x" }
      for name in later { try bench.root.write("\(name).prompt", name) }
      try await bench.waitForAll(names + later, agent)
      #expect(bench.posts.count == 70 && Set(bench.paid).count == 70, "\(bench.posts.count)")
      #expect(try Watches.descriptors(of: agent) < 100)
    }
  }
}
