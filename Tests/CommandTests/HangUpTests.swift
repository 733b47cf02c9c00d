import Foundation
import ProgramKit
import SandboxServer
import TestKit
import Testing

/// SIGHUP, as terminals that are closed, nohup and those who want a configuration to be read again send it.
@Suite(.serialized) struct HangUpTests {
  private static let setsid = ["/usr/bin/setsid"]

  private func begunSubmission(_ bench: Fixture, _ command: String, through wrapper: [String]) async throws
    -> ChildProcess
  {
    let agent = try bench.start(command, through: wrapper)
    try await eventually(within: .seconds(30), "it is submitted: \(agent.standardError)") { bench.posts.count == 1 }
    return agent
  }

  @Test(arguments: Terminal.Place.allCases) func aTerminalThatIsClosedStopsItCarefully(_ place: Terminal.Place)
    async throws
  {
    let bench = try await Fixture(["cat": "[sandbox: submit-slow=1500] cat"], delay: .seconds(60))
    let agent = try await begunSubmission(bench, "watch", through: Terminal.command(place, in: bench.home))
    agent.terminate(SIGUSR1)
    let run = try await bench.end(of: agent)
    #expect(run.code == 0, "\(run)")
    let sidecar = try bench.sidecar("cat")
    #expect(
      sidecar.state == "submitted" && sidecar.attempts.first?.taskID == bench.posts.first?.taskID, "\(sidecar.text)")
    #expect(bench.posts.count == 1 && bench.posts.first?.taskID != nil)
  }

  @Test func nohupOutlivesTheTerminal() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let wrapper = try Terminal.command(.front, in: bench.home) + ["/usr/bin/nohup"]
    let agent = try bench.start("watch", through: wrapper)
    try await bench.waitFor("cat", "done")
    agent.terminate(SIGUSR1)
    try bench.root.write("dog.prompt", "a dog")
    try await bench.waitFor("dog", "done")
    #expect(agent.ending == nil)
    agent.terminate()
    #expect(try await bench.end(of: agent).code == 0)
  }

  @Test func withoutATerminalItGoesOnAndSaysWhatWasNotDone() async throws {
    let bench = try await Fixture(["cat": "[sandbox: submit-slow=1500] cat"])
    let agent = try await begunSubmission(bench, "watch", through: Self.setsid)
    agent.terminate(SIGHUP)
    try await eventually(within: .seconds(30), "it is said: \(agent.standardError)") {
      agent.standardError.contains("SIGHUP") && agent.standardError.contains("restart promptdrop")
    }
    try await bench.waitFor("cat", "done")
    agent.terminate(SIGHUP)
    try bench.root.write("dog.prompt", "a dog")
    try await bench.waitFor("dog", "done")
    #expect(agent.ending == nil && bench.posts.count == 2)
    // Nor does it count as the first of two signals.
    agent.terminate()
    #expect(try await bench.end(of: agent).code == 0)
  }

  @Test func onceEndsAsWithSIGTERM() async throws {
    let bench = try await Fixture(["cat": "[sandbox: submit-slow=1500] cat"], delay: .seconds(60))
    let agent = try await begunSubmission(bench, "once", through: Self.setsid)
    // A terminal that goes may send it more than once: that cuts nothing.
    agent.terminate(SIGHUP)
    agent.terminate(SIGHUP)
    let run = try await bench.end(of: agent)
    #expect(run.code == 75, "\(run)")
    #expect(try bench.sidecar("cat").state == "submitted" && bench.posts.count == 1)
  }

  @Test func theSandboxEndsAsWithSIGTERM() async throws {
    for signal in [SIGTERM, SIGHUP] {
      let sandbox = try ChildProcess(
        Self.setsid[0], [ChildProcess.builtProducts + "/promptdrop", "sandbox", "--port", "0"])
      try await eventually(within: .seconds(30), "it listens: \(sandbox.standardError)") {
        sandbox.standardOutput.contains("listening on")
      }
      sandbox.terminate(signal)
      #expect(try await sandbox.wait(within: .seconds(20)) == .exited(0))
    }
  }

  @Test func theDemoEndsAsWithSIGTERM() async throws {
    var endings: [ChildProcess.Ending] = []
    for signal in [SIGTERM, SIGHUP] {
      let place = try TemporaryFolder()
      let demo = try ChildProcess(
        Self.setsid[0], [ChildProcess.builtProducts + "/promptdrop", "demo", "--folder", place.path("demo")],
        environment: ["PROMPTDROP_RUNTIME_DIR": place.path("run")])
      try await eventually(within: .seconds(30), "it works: \(demo.standardError)") {
        let found = FileManager.default.enumerator(atPath: place.path)?.compactMap { $0 as? String } ?? []
        return found.contains { $0.hasSuffix(".status.json") }
      }
      demo.terminate(signal)
      endings.append(try await demo.wait(within: .seconds(30)))
    }
    #expect(endings[0] == endings[1] && endings[0] == .exited(1), "\(endings)")
  }
}
