import Foundation
import ProgramKit
import TestKit
import Testing

/// What waits for a person before it is sent: too many at once, and what says so itself.
@Suite(.serialized) struct ApproveTests {
  private static let names = (0..<7).map { "p\($0)" } + (7..<10).map { "sub/p\($0)" }

  private func many() async throws -> Fixture {
    let bench = try await Fixture()
    for name in Self.names { try bench.root.write("\(name).prompt", "picture \(name)") }
    return bench
  }

  private func count(_ bench: Fixture, _ state: String) throws -> Int {
    try Self.names.count { try bench.isIn($0, state) }
  }

  @Test(arguments: [true, false]) func aBurstIsHeldAndApproved(running: Bool) async throws {
    let flags = ["--burst-limit": "3"]
    let bench = try await many()
    let agent = try await bench.work(running: running, flags, until: "three are made, seven are held") {
      // The agent that watches has taken a prompt for a sign of life before.
      try count(bench, "done") + count(bench, "held") == 10 && count(bench, "done") <= 3
    }
    let first = bench.posts.count
    #expect((2...3).contains(first))
    let held = try #require(try Self.names.first { try bench.isIn($0, "held") && !$0.contains("/") })
    let sidecar = try bench.sidecar(held)
    #expect(sidecar.reason == "burst" && sidecar.hint?.contains("promptdrop approve") == true, "\(sidecar.text)")
    let one = try await bench.run("approve", [bench.root.path("\(held).prompt")], flags)
    #expect(one.code == 0, "\(one)")
    try await bench.goOn(agent, flags, until: "one more is made") { try count(bench, "done") == first + 1 }
    let inside = try Self.names.count { try $0.hasPrefix("sub/") && bench.isIn($0, "held") }
    if inside > 0 {
      let folder = try await bench.run("approve", [bench.root.path("sub")], flags)
      #expect(folder.code == 0, "\(folder)")
      try await bench.goOn(agent, flags, until: "the folder is made") { try count(bench, "done") == first + 1 + inside }
      #expect(bench.posts.count == first + 1 + inside)
    }
    let all = try await bench.run("approve", ["--all"], flags)
    #expect(all.code == 0, "\(all)")
    try await bench.goOn(agent, flags, until: "all are made") { try count(bench, "done") == 10 }
    #expect(bench.posts.count == 10)
    let nothing = try await bench.run("approve", ["--all"], flags)
    #expect(nothing.code == 1 && nothing.log.contains("nothing waits for approval"), "\(nothing)")
  }

  @Test func withoutALimitAllGoAndWhatWasHeldIsLetGo() async throws {
    let bench = try await many()
    let first = try await bench.once(["--burst-limit": "3"])
    #expect(first.code == 1 && bench.posts.count == 3, "\(first)")
    let second = try await bench.once(["--burst-limit": "0"])
    #expect(second.code == 0 && bench.posts.count == 10, "\(second)")
    let fresh = try await many()
    let run = try await fresh.once(["--burst-limit": "0"])
    #expect(run.code == 0 && fresh.posts.count == 10, "\(run)")
  }

  @Test func tryingAgainIsNoNewPrompt() async throws {
    let bench = try await Fixture(faults: ["submit-status=400:2"])
    // The prompt that the bench itself writes is empty and counts for nothing.
    _ = try await bench.watch(["--burst-limit": "3"])
    for name in ["a", "b"] { try bench.root.write("\(name).prompt", "picture \(name)") }
    for name in ["a", "b"] { try await bench.waitFor(name, "failed") }
    #expect(try await bench.run("retry", ["--failed"]).code == 0)
    for name in ["a", "b"] { try await bench.waitFor(name, "done") }
    try bench.root.write("c.prompt", "picture c")
    try await bench.waitFor("c", "done")
    try bench.root.write("d.prompt", "picture d")
    #expect(try await bench.waitFor("d", "held").reason == "burst")
    #expect(bench.posts.count == 5)
  }

  @Test(arguments: [true, false]) func whatSaysHoldWaitsForApproval(running: Bool) async throws {
    let bench = try await Fixture(["cat": "---\nhold: true\n---\na cat", "dog": "---\nhold: true\n---\na dog"])
    let agent = try await bench.work(running: running, until: "they are held") {
      try bench.isIn("cat", "held") && bench.isIn("dog", "held")
    }
    #expect(try bench.sidecar("cat").reason == "asked" && bench.posts.isEmpty)
    let run = try await bench.run("approve", [bench.root.path("cat.prompt")])
    #expect(run.code == 0, "\(run)")
    try await bench.goOn(agent, until: "it is made") { try bench.isIn("cat", "done") }
    #expect(bench.posts.count == 1)
    try bench.root.write("dog.prompt", "a dog")
    try await bench.goOn(agent, until: "it goes without approval too") { try bench.isIn("dog", "done") }
    #expect(bench.posts.count == 2)
  }

  @Test func whatWaitsForOtherThingsIsNotApproved() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer]"])
    _ = try await bench.once()
    let run = try await bench.run("approve", [bench.root.path("cat.prompt")])
    #expect(run.code == 1 && run.log.contains("nothing to decide"), "\(run)")
    #expect(try await bench.run("approve", ["--all"]).code == 1)
    #expect(try await bench.run("approve").code == 64)
    #expect(try await bench.run("approve", [bench.root.path("cat.prompt"), "--all"]).code == 64)
    // What is held before it is sent is not for `resolve` either.
    try bench.root.write("dog.prompt", "---\nhold: true\n---\na dog")
    _ = try await bench.once()
    #expect(try await bench.run("resolve", [bench.root.path("dog.prompt"), "--resubmit"]).code == 1)
    _ = try await bench.once()
    #expect(bench.posts.count == 1)
  }
}
