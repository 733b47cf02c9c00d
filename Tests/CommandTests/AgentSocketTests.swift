import Foundation
import ProgramKit
import TestKit
import Testing

/// How a command finds the agent that it is for, and who may ask it.
@Suite(.serialized) struct AgentSocketTests {
  private func socket(_ bench: Fixture) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: bench.runtimeDir).filter { $0.hasSuffix(".sock") }
    return bench.runtimeDir + "/" + (try #require(names.first))
  }

  private func rights(_ path: String) throws -> (mode: UInt16, group: Int) {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    let mode = try #require(attributes[.posixPermissions] as? NSNumber).uint16Value
    return (mode, try #require(attributes[.groupOwnerAccountID] as? NSNumber).intValue)
  }

  @Test func theSocketHasTheRightsConfigured() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch()
    #expect(try rights(socket(bench)).mode == 0o600)
    agent.terminate()
    #expect(try await bench.end(of: agent).code == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.runtimeDir).isEmpty, "it clears up")
    // One's own group can always be named; another one's only by root.
    let group = getuid() == 0 ? 60 : Int(getgid())
    _ = try await bench.watch(["--control-mode": "0660", "--control-group": "\(group)"])
    let found = try rights(socket(bench))
    #expect(found.mode == 0o660 && found.group == group)
  }

  @Test func whatCannotBeASocketsRightsIsSaid() async throws {
    let bench = try await Fixture(["cat": "cat"])
    let mode = try await bench.once(["--control-mode": "rw"])
    #expect(mode.code == 78 && mode.log.contains("control-mode") && bench.posts.isEmpty, "\(mode)")
    // Work goes on without commands.
    let group = try await bench.once(["--control-group": "no-such-group"])
    #expect(group.code == 0 && group.log.contains("no-such-group") && bench.posts.count == 1, "\(group)")
  }

  @Test(.enabled(if: OtherUser.isMissing == nil, "\(OtherUser.isMissing ?? "")"))
  func theGroupMayDecideAndOthersMayNot() async throws {
    let open = try OpenFolder()
    let bench = try await Fixture()
    let file = open.path + "/drops/cat.prompt"
    try Data("cat [sandbox: submit-no-answer]".utf8).write(to: URL(fileURLWithPath: file))
    let flags = ["--runtime-dir": open.path + "/run", "--control-mode": "0660", "--control-group": "60"]
    _ = try await bench.watch(flags, roots: [bench.root.path, open.path + "/drops"])
    try await eventually(within: .seconds(30), "it is held") {
      let status = try await bench.run("status", ["--json"], ["--runtime-dir": open.path + "/run"])
      return try status.json(AgentStatus.self).counts["held"] == 1
    }
    func ask(_ words: [String], group: Int) async throws -> Outcome {
      // Nobody, without a home: the state is the agent's own.
      return try await bench.run(
        words[0], Array(words.dropFirst()), ["--runtime-dir": open.path + "/run"], environment: ["HOME": open.path],
        through: OtherUser.command(group: group), folder: open.path)
    }
    let stranger = try await ask(["resolve", file, "--abandon"], group: 65534)
    #expect(stranger.code != 0 && stranger.code > 0, "\(stranger)")
    withKnownIssue("it is told that no agent runs", isIntermittent: true) {
      #expect(stranger.log.contains("Permission denied") && stranger.log.contains(".sock"), "\(stranger)")
    }
    let status = try await ask(["status", open.path + "/drops"], group: 65534)
    #expect(status.code != 0 && status.out.isEmpty, "\(status)")
    let member = try await ask(["resolve", file, "--abandon"], group: 60)
    #expect(member.code == 0 && member.out.contains("given up"), "\(member)")
    #expect(bench.posts.count == 1)
  }

  @Test func anAgentWithoutASocketIsNotBypassed() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer]"])
    _ = try await bench.watch()
    try await bench.waitFor("cat", "held")
    try FileManager.default.removeItem(atPath: try socket(bench))
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--resubmit"])
    #expect(run.code == 75 && run.log.contains(bench.stateDir), "\(run)")
    let status = try await bench.run("status")
    #expect(status.code == 75, "\(status)")
    #expect(try bench.isIn("cat", "held") && bench.posts.count == 1)
  }

  @Test func theAgentOfThePathIsAsked() async throws {
    let first = try await Fixture(["cat": "cat [sandbox: submit-garbage]"])
    let second = try await Fixture(["dog": "dog [sandbox: submit-garbage]"])
    let together = ["--runtime-dir": first.runtimeDir]
    let agents = [try await first.watch(together), try await second.watch(together)]
    try await first.waitFor("cat", "held")
    try await second.waitFor("dog", "held")
    // The state folder given is that of the first: the path counts.
    let status = try await first.run("status", [second.root.path, "--json"], together).json(AgentStatus.self)
    #expect(status.roots == [second.root.path] && status.pid == agents[1].processID)
    let one = try await first.run("resolve", [second.root.path("dog.prompt"), "--abandon"], together)
    #expect(one.code == 0, "\(one)")
    #expect(try first.isIn("cat", "held") && second.isIn("dog", "cancelled"))
    let other = try await first.run(
      "resolve", [second.root.path("dog.prompt"), first.root.path("cat.prompt"), "--resubmit"], together)
    #expect(other.code == 1 && other.out.contains("cat.prompt") && other.log.contains("dog.prompt"), "\(other)")
    try await eventually("the first one's is sent again") { first.posts.count == 2 }
    #expect(second.posts.count == 1)
  }

  @Test func aRootMayBeGivenByALink() async throws {
    let bench = try await Fixture(["cat": "---\nhold: true\n---\ncat"])
    try FileManager.default.createSymbolicLink(atPath: bench.home.path("drops"), withDestinationPath: bench.root.path)
    _ = try await bench.watch(roots: [bench.home.path("drops")])
    try await bench.waitFor("cat", "held")
    for path in [bench.home.path("drops"), bench.root.path] {
      let status = try await bench.run("status", [path, "--json"], ["--state-dir": nil]).json(AgentStatus.self)
      #expect(status.pid != nil && status.counts["held"] == 1, "\(status)")
    }
    let run = try await bench.run("approve", [bench.home.path("drops/cat.prompt")], ["--state-dir": nil])
    #expect(run.code == 0, "\(run)")
    try await bench.waitFor("cat", "done")
  }

  @Test func anEntryOfADeadAgentMisleadsNobody() async throws {
    let bench = try await Fixture(["cat": "---\nhold: true\n---\ncat"])
    let agent = try await bench.watch()
    try await bench.waitFor("cat", "held")
    agent.terminate(SIGKILL)
    try await agent.wait()
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.runtimeDir).count == 2)
    let run = try await bench.run("approve", [bench.root.path("cat.prompt")])
    #expect(run.code == 0 && run.out.contains("when promptdrop runs"), "\(run)")
    let next = try await bench.watch()
    try await bench.waitFor("cat", "done")
    #expect(try await bench.status().pid == next.processID)
    next.terminate()
    #expect(try await bench.end(of: next).code == 0)
  }
}
