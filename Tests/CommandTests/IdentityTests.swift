import Foundation
import ProgramKit
import TestKit
import Testing

/// Who an agent is comes from the state that it keeps, not from the machine.
@Suite(.serialized, .timeLimit(.minutes(3))) struct IdentityTests {
  /// A command in a container with another host name and no machine id. Nil, with a line in the output, where that is not
  /// allowed.
  private func container(_ host: String) async throws -> [String]? {
    let line =
      "hostname \"$0\" && for id in /etc/machine-id /var/lib/dbus/machine-id; do "
      + "if [ -e $id ]; then mount --bind /dev/null $id || exit 99; fi; done; exec \"$@\""
    let wrapper = ["/usr/bin/unshare", "--uts", "--mount", "/bin/sh", "-c", line, host]
    let trial = try ChildProcess(wrapper[0], Array(wrapper.dropFirst()) + ["/bin/true"], environment: [:], folder: "/")
    if case .exited(0) = try await trial.wait() { return wrapper }
    print("skipped: a container that is made anew: this machine does not allow unshare")
    return nil
  }

  private func copy(_ bench: Fixture, _ from: String, _ to: String) throws {
    try FileManager.default.copyItem(atPath: from, toPath: to)
  }

  /// A copy of a sidecar as an earlier version wrote it on a machine with this word.
  private func age(_ bench: Fixture, _ name: String, _ word: String) throws {
    let status = try bench.root.read("\(name).status.json")
      .replacing(/"owner": "[^"]*"/, with: "\"owner\": \"\(word)\"")
      .replacing(/,\n    "id": "[^"]*",\n    "run": "[^"]*"(,\n    "machine": "[^"]*")?/, with: "")
    #expect(!status.contains("\"run\""))
    try bench.root.write("\(name).status.json", status)
  }

  @Test(arguments: [nil, "nas"]) func aContainerThatIsMadeAnew(name: String?) async throws {
    guard let first = try await container("alpha"), let second = try await container("beta") else { return }
    let flags = ["--agent-name": name]
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once(flags, through: first).code == 0)
    try bench.root.write("dog.prompt", "a dog")
    let run = try await bench.once(flags, through: second)
    #expect(run.code == 0 && bench.paid == ["a cat", "a dog"], "\(run)")
    // What `own` writes is as good in the next one.
    #expect(try await bench.run("own", [bench.root.path], flags, through: second).code == 0)
    try bench.root.write("cow.prompt", "a cow")
    let next = try await bench.once(flags, through: first)
    #expect(next.code == 0 && bench.paid.count == 3, "\(next)")
    #expect(try bench.sidecar("cow").state == "done")
  }

  @Test func theIdentityIsMadeOnce() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    let file = bench.stateDir + "/identity"
    let before = try bench.home.read("state/identity")
    let rights = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(rights == 0o600)
    try bench.loseJournal()
    try bench.root.write("dog.prompt", "a dog")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.paid == ["a cat", "a dog"], "a lost journal is no other agent: \(run)")
    #expect(try bench.home.read("state/identity") == before)
    try bench.home.write("state/identity", "promptdrop identity 1\nid nonsense\n")
    let damaged = try await bench.once()
    #expect(damaged.code == 74 && damaged.log.contains("state/identity is damaged"), "\(damaged)")
  }

  @Test func twoStatesOnOneMachineAreTwoAgents() async throws {
    let bench = try await Fixture([:])
    try bench.root.write("a/cat.prompt", "a cat")
    let states = ["a", "b"].map { ["--state-dir": bench.home.path("state-\($0)")] }
    #expect(try await bench.once(states[0], roots: [bench.root.path("a")]).code == 0)
    try copy(bench, bench.root.path("a"), bench.root.path("b"))
    for folder in ["a", "b"] { try bench.root.write("\(folder)/dog.prompt", "a dog") }
    let other = try await bench.once(states[1], roots: [bench.root.path("b")])
    #expect(other.code == 75 && bench.paid == ["a cat"], "\(other)")
    #expect(other.log.contains("promptdrop own \(bench.root.path("b"))") && !bench.root.exists("b/dog.status.json"))
    let first = try await bench.once(states[0], roots: [bench.root.path("a")])
    #expect(first.code == 0 && bench.paid == ["a cat", "a dog"], "\(first)")
  }

  @Test func aLostStateWaitsForOwn() async throws {
    let bench = try await Fixture(["cat": "a cat", "bad": "bad [sandbox: task-failed=no]"], delay: .seconds(1))
    #expect(try await bench.once().code == 1)
    try bench.root.write("fly.prompt", "a fly")
    let agent = try bench.start("watch")
    try await bench.waitFor("fly", "submitted")
    agent.terminate(SIGKILL)
    _ = try await agent.wait()
    try bench.home.remove("state")
    try bench.root.write("new.prompt", "a new one")
    let names = try bench.names()
    let sidecars = try ["cat", "bad", "fly"].map { try bench.root.read("\($0).status.json") }
    let posts = bench.posts.count
    // One that failed before is named, so the code is the one that says so.
    for _ in 0..<2 {
      let run = try await bench.once()
      #expect(run.code == 1 && bench.posts.count == posts, "\(run)")
      #expect(run.log.contains("promptdrop own \(bench.root.path) --state-dir \(bench.stateDir)"), "\(run)")
      #expect(run.log.contains("failed  \(bench.root.path("bad.prompt"))"), "\(run)")
    }
    let status = try await bench.run("status")
    #expect(status.out.contains("takes nothing in \(bench.root.path)") && status.out.contains("promptdrop own"))
    // What is paid for has been fetched; nothing of it stands in a folder that is nobody's.
    let kept = try bench.home.list("state/kept")
    #expect(kept.count == 1 && kept[0].hasPrefix("fly.") && status.out.contains("kept  \(bench.stateDir)/kept/fly"))
    #expect(try bench.names() == names)
    #expect(try ["cat", "bad", "fly"].map { try bench.root.read("\($0).status.json") } == sidecars)

    #expect(try await bench.run("own", [bench.root.path]).code == 0)
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.count == posts + 1 && bench.paid.last == "a new one", "\(run)")
    #expect(try bench.sidecar("fly").files == ["fly.png"] && bench.root.exists("fly.png"), "\(run)")
    #expect(try bench.home.list("state/kept").isEmpty)
  }

  @Test func aLostStateWithNothingElseToSay() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    try bench.home.remove("state")
    let run = try await bench.once()
    #expect(run.code == 75 && bench.posts.count == 1 && run.log.contains("promptdrop own \(bench.root.path)"), "\(run)")
  }

  // Two machines with one state, or an older copy of it that was put back: the same folder stands for what a sync tool brings
  // over.
  @Test func aStateThatIsUsedTwice() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    try copy(bench, bench.stateDir, bench.home.path("copy"))
    let clone = ["--state-dir": bench.home.path("copy")]
    try bench.root.write("dog.prompt", "a dog")
    #expect(try await bench.once().code == 0)

    try bench.root.write("cow.prompt", "a cow")
    for _ in 0..<2 {
      let run = try await bench.once(clone)
      #expect(run.code == 75 && bench.paid == ["a cat", "a dog"], "\(run)")
      #expect(run.log.contains("promptdrop own \(bench.root.path)") && run.log.contains("copied"), "\(run)")
      #expect(!bench.root.exists("cow.status.json"))
    }
    let status = try await bench.run("status", [], clone)
    #expect(status.out.contains("takes nothing in \(bench.root.path)") && status.out.contains("copied"), "\(status)")
    #expect(try await bench.run("own", [bench.root.path], clone).code == 0)
    let run = try await bench.once(clone)
    #expect(run.code == 0 && bench.paid == ["a cat", "a dog", "a cow"], "\(run)")

    // The one that it was copied from learns of it, and stops.
    try bench.root.write("pig.prompt", "a pig")
    let first = try await bench.once()
    #expect(first.code == 75 && bench.paid.count == 3, "\(first)")
    let last = try await bench.once(clone)
    #expect(last.code == 0 && bench.paid.last == "a pig", "\(last)")
  }

  // The other one's sidecar comes over while this one watches.
  @Test func aStateThatIsUsedTwiceWhileItWatches() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    try copy(bench, bench.stateDir, bench.home.path("copy"))
    try copy(bench, bench.root.path, bench.home.path("there"))
    let agent = try await bench.watch()
    try bench.home.write("there/dog.prompt", "a dog")
    let flags = ["--state-dir": bench.home.path("copy")]
    _ = try await bench.once(flags, roots: [bench.home.path("there")])
    #expect(bench.paid == ["a cat", "a dog"])
    try bench.root.writeByRename("dog.status.json", try bench.home.read("there/dog.status.json"))
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      let status = try await bench.run("status")
      return status.out.contains("takes nothing in \(bench.root.path)") && status.out.contains("copied")
    }
    try bench.root.write("cow.prompt", "a cow")
    try await eventually(within: .seconds(10), "it says so: \(agent.standardError)") {
      agent.standardError.contains("promptdrop own \(bench.root.path)")
    }
    #expect(bench.paid.count == 2 && !bench.root.exists("cow.status.json"))
    #expect(try await bench.run("own", [bench.root.path]).code == 0)
    try await bench.waitFor("cow", "done")
    #expect(bench.paid == ["a cat", "a dog", "a cow"])
  }

  // An update, on a machine that had another name (or none) when the sidecars were written.
  @Test func whatAnEarlierVersionWrote() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    for file in ["identity", "identity-runs"] { try bench.home.remove("state/\(file)") }
    try age(bench, "cat", "0123456789abcdef")
    try bench.root.write("dog.prompt", "a dog")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.paid == ["a cat", "a dog"], "\(run)")
    // Of a job that this state does not know, such a sidecar is another agent's.
    try bench.root.write("pig.prompt", "a pig")
    let status = try bench.root.read("cat.status.json").replacing(
      /"job_id": "[0-9a-f]{8}/, with: "\"job_id\": \"00000000")
    try bench.root.write("pig.status.json", status)
    let other = try await bench.once()
    #expect(other.code == 75 && bench.paid.count == 2, "\(other)")
  }

  @Test func anOwnerThatAnEarlierVersionWrote() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write(".promptdrop.yaml", "owner: nas@0123456789abcdef\n")
    // By its whole name, as that version knew it by its machine's word.
    #expect(try await bench.once(["--agent-name": "nas@0123456789abcdef"]).code == 0)
    for file in ["identity", "identity-runs"] { try bench.home.remove("state/\(file)") }
    try bench.root.write("dog.prompt", "a dog")
    let run = try await bench.once(["--agent-name": "nas"])
    #expect(run.code == 0 && bench.paid == ["a cat", "a dog"], "\(run)")
    // Without the state it is only a namesake: the state was lost, or another machine has the name too.
    try bench.home.remove("state")
    try bench.root.write("cow.prompt", "a cow")
    let lost = try await bench.once(["--agent-name": "nas"])
    #expect(lost.code == 75 && lost.log.contains("promptdrop own \(bench.root.path)"), "\(lost)")
    #expect(bench.paid.count == 2)
    let another = try await bench.once(["--agent-name": "desk"])
    #expect(another.code == 0 && another.log.contains("nas@0123456789abcdef") && bench.paid.count == 2, "\(another)")
  }
}
