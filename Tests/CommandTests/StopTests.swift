import Foundation
import ProgramKit
import TestKit
import Testing

/// SIGTERM and SIGINT: no new submission, one that has begun may hear its answer, all else stops at once.
@Suite(.serialized) struct StopTests {
  @Test func aBegunSubmissionHearsItsAnswer() async throws {
    let bench = try await Fixture(["cat": "[sandbox: submit-slow=1500] cat", "dog": "a dog"], delay: .seconds(60))
    let agent = try bench.start("watch", ["--max-in-flight": "1"])
    try await eventually(within: .seconds(30), "it is submitted: \(agent.standardError)") { bench.posts.count == 1 }
    let first = try #require(bench.posts.first?.prompt) == "a dog" ? "dog" : "cat"
    agent.terminate()
    let run = try await bench.end(of: agent)
    #expect(run.code == 0, "\(run)")
    let sidecar = try bench.sidecar(first)
    #expect(
      sidecar.state == "submitted" && sidecar.attempts.first?.taskID == bench.posts.first?.taskID, "\(sidecar.text)")
    #expect(bench.posts.count == 1)
  }

  @Test func anAnswerThatDoesNotComeIsNotWaitedForForEver() async throws {
    let bench = try await Fixture(["cat": "[sandbox: submit-hang] cat"])
    let agent = try bench.start("watch", ["--stop-timeout": "500ms"])
    try await eventually(within: .seconds(30), "it is submitted: \(agent.standardError)") { bench.posts.count == 1 }
    agent.terminate()
    let run = try await bench.end(of: agent, within: .seconds(15))
    #expect(run.code == 0, "\(run)")
    let later = try await bench.once()
    #expect(later.code == 1 && bench.posts.count == 1, "\(later)")
    #expect(try bench.sidecar("cat").reason == "submission-outcome-unknown")
  }

  @Test(arguments: [SIGTERM, SIGINT]) func pollingStopsAtOnce(_ signal: Int32) async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: query-hang]"], delay: .seconds(60))
    let agent = try bench.start("watch")
    try await eventually(within: .seconds(30), "it is asked for: \(agent.standardError)") {
      bench.sandbox.counters().queries > 0
    }
    let start = ContinuousClock.now
    agent.terminate(signal)
    let run = try await bench.end(of: agent)
    // Far below the query's own time-out of 30 s.
    #expect(run.code == 0 && ContinuousClock.now - start < .seconds(10), "\(run)")
    #expect(try bench.sidecar("cat").state == "submitted")
  }

  @Test func fetchingStopsAtOnceAndGoesOn() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: image-hang:1]"])
    let agent = try bench.start("watch")
    try await eventually(within: .seconds(30), "it is fetched: \(agent.standardError)") {
      bench.sandbox.counters().fetches > 0
    }
    agent.terminate()
    let run = try await bench.end(of: agent, within: .seconds(15))
    #expect(run.code == 0, "\(run)")
    let later = try await bench.once()
    #expect(later.code == 0 && bench.posts.count == 1, "\(later)")
    #expect(try bench.names() == ["cat.png", "cat.prompt", "cat.status.json"])
  }

  @Test func onceThatIsStoppedSaysThatItIsNotDone() async throws {
    let bench = try await Fixture(["cat": "cat"], delay: .seconds(60))
    let agent = try bench.start("once")
    try await bench.waitFor("cat", "submitted")
    agent.terminate()
    #expect(try await bench.end(of: agent).code == 75)
  }

  @Test func theSecondSignalCuts() async throws {
    let bench = try await Fixture(["cat": "[sandbox: submit-hang] cat"])
    let agent = try bench.start("watch", ["--stop-timeout": "60s"])
    try await eventually(within: .seconds(30), "it is submitted: \(agent.standardError)") { bench.posts.count == 1 }
    agent.terminate(SIGINT)
    try await eventually(within: .seconds(30), "it is cut: \(agent.standardError)") {
      // Two signals sent at once are one: the second is sent until it is heard.
      agent.terminate(SIGINT)
      return agent.ending != nil
    }
    #expect(agent.ending == .exited(130))
    let later = try await bench.once()
    #expect(later.code == 1 && bench.posts.count == 1, "\(later)")
  }

  @Test func nothingNewIsSubmittedAfterASignal() async throws {
    let bench = try await Fixture()
    for number in 0..<30 { try bench.root.write("p\(number).prompt", "[sandbox: submit-slow=300] \(number)") }
    let agent = try bench.start("watch", ["--max-requests": "2"])
    try await eventually(within: .seconds(30), "it submits: \(agent.standardError)") { bench.posts.count >= 2 }
    agent.terminate()
    let run = try await bench.end(of: agent)
    #expect(run.code == 0 && bench.posts.count < 10, "\(run)")
    let posts = bench.posts.count
    let states = try bench.names().filter { $0.hasSuffix(".status.json") }.map {
      try Sidecar(bench.root.bytes($0)).state
    }
    #expect(!states.contains("submitting") && !states.contains("held"), "\(states)")
    let later = try await bench.once()
    #expect(later.code == 0 && bench.posts.count == 30 && posts < 30, "\(later)")
  }
}
