import Foundation
import ProgramKit
import TestKit
import Testing

/// One agent for a folder, one for a state; and no state where strangers write.
@Suite(.serialized) struct LockTests {
  @Test func aSecondAgentIsRefused() async throws {
    let bench = try await Fixture()
    try bench.root.makeFolder("sub")
    let agent = try await bench.watch()
    let other = bench.home.path("other-state")
    let sameRoot = try await bench.once(["--state-dir": other])
    #expect(sameRoot.code == 75 && sameRoot.log.contains(bench.root.path), "\(sameRoot)")
    let inner = try await bench.once(["--state-dir": other], roots: [bench.root.path("sub")])
    #expect(inner.code == 75 && inner.log.contains(bench.root.path), "\(inner)")
    let outer = try await bench.once(
      ["--state-dir": other], roots: [(bench.root.path as NSString).deletingLastPathComponent])
    #expect(outer.code == 75, "\(outer)")
    let elsewhere = try TemporaryFolder()
    let sameState = try await bench.once(roots: [elsewhere.path])
    #expect(sameState.code == 75 && sameState.log.contains(bench.stateDir), "\(sameState)")
    agent.terminate()
    #expect(try await bench.end(of: agent).code == 0)
    let after = try await bench.once(["--state-dir": other])
    #expect(after.code == 0, "\(after)")
  }

  @Test func aKilledAgentLeavesNoLock() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let agent = try await bench.watch()
    agent.terminate(SIGKILL)
    try await agent.wait()
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
  }

  @Test func otherRootsHaveOtherAgents() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let second = try await Fixture(["dog": "a dog"])
    let agent = try await bench.watch()
    let run = try await second.once()
    #expect(run.code == 0 && second.posts.count == 1, "\(run)")
    agent.terminate()
    #expect(try await bench.end(of: agent).code == 0)
  }

  @Test func severalRootsAreWorkedOffTogether() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let second = try TemporaryFolder()
    try second.write("dog.prompt", "a dog")
    let run = try await bench.once(roots: [bench.root.path, second.path])
    #expect(run.code == 0 && bench.posts.count == 2 && second.exists("dog.png"), "\(run)")
  }

  @Test func whatCannotBeARootIsRefused() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let missing = try await bench.once(roots: [bench.root.path("nowhere")])
    #expect(missing.code == 66 && missing.log.contains("nowhere"), "\(missing)")
    let file = try await bench.once(roots: [bench.root.path("cat.prompt")])
    #expect(file.code == 66, "\(file)")
    try bench.root.makeFolder("sub")
    let nested = try await bench.once(roots: [bench.root.path, bench.root.path("sub")])
    #expect(nested.code == 78, "\(nested)")
    #expect(bench.posts.isEmpty)
  }

  @Test func theStateIsNotBelowARoot() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(["--state-dir": bench.root.path(".state")])
    #expect(run.code == 78 && run.log.contains("state"), "\(run)")
    #expect(bench.posts.isEmpty && !bench.root.exists("cat.png"))
  }
}
