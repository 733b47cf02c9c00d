import Foundation
import ProgramKit
import TestKit
import Testing

/// A person decides what became of a submission whose answer was lost: with the agent running, and without.
@Suite(.serialized) struct ResolveTests {
  private static let lost = "cat [sandbox: submit-no-answer:1]"

  // A bench whose prompt is held, and the task that was made of it all the same.
  private func inDoubt(_ running: Bool) async throws -> (bench: Fixture, agent: ChildProcess?, task: String) {
    let bench = try await Fixture(["cat": Self.lost])
    let agent = try await bench.work(running: running, until: "it is held") { try bench.isIn("cat", "held") }
    return (bench, agent, try #require(bench.posts.first?.taskID))
  }

  @Test(arguments: [true, false]) func adoptingFetchesWhatIsPaidFor(running: Bool) async throws {
    let (bench, agent, task) = try await inDoubt(running)
    let hint = try #require(try bench.sidecar("cat").hint)
    for words in ["--adopt TASK_ID", "--resubmit", "--abandon"] {
      let command = "`promptdrop resolve \(bench.root.path("cat.prompt")) --state-dir \(bench.stateDir) \(words)`"
      #expect(hint.contains(command), "\(hint)")
    }
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--adopt", task])
    #expect(run.code == 0 && run.out.contains("cat.prompt"), "\(run)")
    try await bench.goOn(agent, until: "it is done") { try bench.isIn("cat", "done") }
    let sidecar = try bench.sidecar("cat")
    #expect(
      sidecar.attempts.map(\.outcome) == ["accepted"] && sidecar.attempts.map(\.taskID) == [task], "\(sidecar.text)")
    #expect(bench.posts.count == 1 && bench.root.exists("cat.png") && !sidecar.mayHaveBeenPaidTwice)
  }

  @Test(arguments: [true, false]) func aCommandOfAHintWorksAsItStands(running: Bool) async throws {
    let name = "it's a $cat"
    let bench = try await Fixture([name: Self.lost])
    let agent = try await bench.work(running: running, until: "it is held") { try bench.isIn(name, "held") }
    let hint = try #require(try bench.sidecar(name).hint)
    let command = try #require(hint.components(separatedBy: "`").first { $0.hasSuffix("--abandon") }, "\(hint)")
    let script = "program=$0; promptdrop() { \"$program\" \"$@\"; }; \(command)"
    let run = try await bench.run("resolve", through: ["/bin/sh", "-c", script])
    #expect(run.code == 0, "\(run)")
    try await bench.goOn(agent, until: "it is given up") { try bench.isIn(name, "cancelled") }
    #expect(bench.posts.count == 1)
  }

  @Test(arguments: [true, false]) func resubmittingPaysAgainAndSaysSo(running: Bool) async throws {
    let (bench, agent, _) = try await inDoubt(running)
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--resubmit"])
    #expect(run.code == 0, "\(run)")
    try await bench.goOn(agent, until: "it is done") { try bench.isIn("cat", "done") }
    let sidecar = try bench.sidecar("cat")
    #expect(
      sidecar.attempts.map(\.outcome) == ["unknown", "accepted"] && sidecar.mayHaveBeenPaidTwice, "\(sidecar.text)")
    #expect(bench.posts.count == 2)
  }

  @Test(arguments: [true, false]) func abandoningSubmitsNothing(running: Bool) async throws {
    let (bench, agent, _) = try await inDoubt(running)
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--abandon"])
    #expect(run.code == 0, "\(run)")
    try await bench.goOn(agent, until: "it is given up") { try bench.isIn("cat", "cancelled") }
    #expect(try bench.sidecar("cat").reason == "abandoned")
    agent?.terminate()
    if let agent { _ = try await bench.end(of: agent) }
    let last = try await bench.once()
    #expect(last.code == 0 && bench.posts.count == 1 && !bench.root.exists("cat.png"), "\(last)")
    // What has been decided is decided; only the task itself, should it turn up, is still taken.
    let again = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--resubmit"])
    #expect(again.code == 1 && bench.posts.count == 1, "\(again)")
    let task = try #require(bench.posts.first?.taskID)
    let found = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--adopt", task])
    #expect(found.code == 0, "\(found)")
    _ = try await bench.once()
    #expect(bench.posts.count == 1 && bench.root.exists("cat.png"))
  }

  @Test(arguments: [true, false]) func manyAreDecidedAtOnce(running: Bool) async throws {
    let bench = try await Fixture(["good": "good", "bad": "bad [sandbox: submit-status=400]"])
    for name in ["a", "sub/b", "sub/deep/c"] {
      try bench.root.write("\(name).prompt", "\(name) [sandbox: submit-garbage]")
    }
    let agent = try await bench.work(running: running, ["--max-in-flight": "1"], until: "three are held") {
      try ["a", "sub/b", "sub/deep/c"].allSatisfy { try bench.isIn($0, "held") } && bench.isIn("good", "done")
        && bench.isIn("bad", "failed")
    }
    let other = try await bench.run("resolve", ["--reason", "paid-not-fetched", "--all", "--abandon"])
    #expect(other.code == 1 && other.log.contains("nothing is held for this reason"), "\(other)")
    let folder = try await bench.run("resolve", [bench.root.path("sub"), "--abandon", "--json"])
    let reported = try folder.json([FileAnswer].self)
    #expect(
      folder.code == 0 && reported.count == 2 && reported.allSatisfy { $0.ok && $0.state == "cancelled" }, "\(folder)")
    #expect(try bench.isIn("a", "held"))
    let all = try await bench.run("resolve", ["--reason", "submission-outcome-unknown", "--all", "--abandon"])
    #expect(all.code == 0 && all.out.contains("/a.prompt") && !all.out.contains("/b.prompt"), "\(all)")
    try await bench.goOn(agent, until: "all are given up") {
      try ["a", "sub/b", "sub/deep/c"].allSatisfy { try bench.isIn($0, "cancelled") }
    }
    #expect(bench.posts.count == 5)
  }

  @Test(
    arguments: [
      ["cat.prompt"], ["cat.prompt", "--adopt", "ta1", "--abandon"], ["cat.prompt", "--resubmit", "--abandon"],
      ["--abandon"], ["--all", "--abandon"], ["cat.prompt", "--all", "--reason", "task-lost", "--abandon"],
      ["a.prompt", "b.prompt", "--adopt", "ta1"], ["--all", "--reason", "bad-weather", "--abandon"],
      ["--all", "--reason", "task-lost", "--adopt", "ta1"], ["cat.prompt", "--adopt"],
    ])
  func wrongUsageIsRefused(_ words: [String]) async throws {
    let bench = try await Fixture(["cat": Self.lost])
    _ = try await bench.once()
    let run = try await bench.run("resolve", words, folder: bench.root.path)
    #expect(run.code == 64 && !run.log.isEmpty, "\(run)")
    #expect(try bench.isIn("cat", "held"))
  }

  @Test(arguments: [true, false]) func whereNothingIsToBeDecidedItSaysSo(running: Bool) async throws {
    let bench = try await Fixture(["cat": "cat"])
    try await bench.work(running: running, until: "it is done") { try bench.isIn("cat", "done") }
    let done = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--resubmit"])
    #expect(done.code == 1 && done.log.contains("It is done"), "\(done)")
    let missing = try await bench.run("resolve", [bench.root.path("dog.prompt"), "--abandon"])
    #expect(missing.code == 1 && missing.log.contains("no prompt with this name"), "\(missing)")
    let outside = try await bench.run("resolve", [bench.home.path("cat.prompt"), "--abandon"])
    #expect(outside.code != 0 && bench.posts.count == 1, "\(outside)")
    withKnownIssue("a running agent is not asked about it", isIntermittent: true) {
      #expect(outside.code == 1 && outside.log.contains("not in a folder"), "\(outside)")
    } when: {
      running
    }
    #expect(bench.posts.count == 1)
  }

  @Test(arguments: [true, false]) func anothersTaskIsNotTaken(running: Bool) async throws {
    let bench = try await Fixture(["cat": Self.lost, "dog": "dog"])
    try await bench.work(running: running, until: "both are settled") {
      try bench.isIn("cat", "held") && bench.isIn("dog", "done")
    }
    let task = try #require(try bench.sidecar("dog").attempts.first?.taskID)
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--adopt", task])
    #expect(run.code == 1 && run.log.contains("dog.prompt"), "\(run)")
    let nonsense = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--adopt", "no task"])
    #expect(nonsense.code == 1 && nonsense.log.contains("no task"), "\(nonsense)")
    #expect(try bench.isIn("cat", "held") && bench.posts.count == 2)
  }

  @Test(arguments: [true, false]) func aTaskThatIsNoneIsFoundOutAndDecidedAgain(running: Bool) async throws {
    let flags = ["--not-found-grace": "300ms"]
    let bench = try await Fixture(["cat": Self.lost])
    let agent = try await bench.work(running: running, flags, until: "it is held") { try bench.isIn("cat", "held") }
    let task = try #require(bench.posts.first?.taskID)
    let file = bench.root.path("cat.prompt")
    let wrong = try await bench.run("resolve", [file, "--adopt", "ta00000000-1111-2222-3333-444444444444"])
    #expect(wrong.code == 0, "\(wrong)")
    try await bench.goOn(agent, flags, until: "it is found out") { try bench.sidecar("cat").reason == "task-lost" }
    let sidecar = try bench.sidecar("cat")
    #expect(
      sidecar.state == "held" && sidecar.explains && sidecar.hint?.contains("--resubmit") == true, "\(sidecar.text)")
    let right = try await bench.run("resolve", [file, "--adopt", task])
    #expect(right.code == 0, "\(right)")
    try await bench.goOn(agent, flags, until: "it is done") { try bench.isIn("cat", "done") }
    #expect(bench.posts.count == 1)
  }

  @Test(arguments: [true, false]) func aFileIsFoundByAnyPath(running: Bool) async throws {
    let bench = try await Fixture()
    for name in ["a", "sub/b", "sub/c"] { try bench.root.write("\(name).prompt", "\(name) [sandbox: submit-garbage]") }
    try await bench.work(running: running, ["--max-in-flight": "1"], until: "they are held") {
      try ["a", "sub/b", "sub/c"].allSatisfy { try bench.isIn($0, "held") }
    }
    try FileManager.default.createSymbolicLink(
      atPath: bench.home.path("link"), withDestinationPath: bench.root.path("sub"))
    let relative = try await bench.run("resolve", ["a.prompt", "--abandon"], folder: bench.root.path)
    #expect(relative.code == 0, "\(relative)")
    let linked = try await bench.run("resolve", [bench.home.path("link/b.prompt"), "--abandon"])
    #expect(linked.code == 0, "\(linked)")
    let dotted = try await bench.run("resolve", ["../sub/./c.prompt", "--abandon"], folder: bench.root.path("sub"))
    #expect(dotted.code == 0, "\(dotted)")
    #expect(try ["a", "sub/b", "sub/c"].allSatisfy { try bench.sidecar($0).reason == "abandoned" })
  }

  @Test(arguments: [true, false]) func aDeletedPromptCanBeDecided(running: Bool) async throws {
    let (bench, agent, _) = try await inDoubt(running)
    try bench.root.remove("cat.prompt")
    if agent == nil { _ = try await bench.once() }
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--abandon"])
    #expect(run.code == 0, "\(run)")
    let status = try await bench.status()
    #expect(status.counts["held"] == 0 && bench.posts.count == 1, "\(status)")
  }

  @Test(arguments: [true, false]) func oneOfTwoPicturesIsDecided(running: Bool) async throws {
    let bench = try await Fixture(["cat": "---\ncount: 2\n---\n\(Self.lost)"])
    let agent = try await bench.work(running: running, until: "one is held, one is made") {
      try bench.isIn("cat", "held") && bench.sidecar("cat").outputs.count == 1
    }
    let known = try bench.sidecar("cat").attempts.compactMap(\.taskID)
    let task = try #require(bench.posts.compactMap(\.taskID).first { !known.contains($0) })
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--adopt", task])
    #expect(run.code == 0, "\(run)")
    try await bench.goOn(agent, until: "both are made") { try bench.isIn("cat", "done") }
    #expect(try bench.sidecar("cat").outputs.count == 2 && bench.posts.count == 2)
  }

  @Test func afterAKillTheJournalIsAsked() async throws {
    let (bench, agent, task) = try await inDoubt(true)
    agent?.terminate(SIGKILL)
    try await agent?.wait()
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.runtimeDir).isEmpty == false)
    let run = try await bench.run("resolve", [bench.root.path("cat.prompt"), "--adopt", task])
    #expect(run.code == 0 && run.out.contains("when promptdrop runs"), "\(run)")
    #expect(try await bench.status().pid == nil)
    let next = try await bench.watch()
    try await bench.waitFor("cat", "done")
    #expect(try await bench.status().pid == next.processID && bench.posts.count == 1)
  }
}
