import Foundation
import ProgramKit
import TestKit
import Testing

/// A POST whose outcome nobody knows is held, and never sent again by itself.
@Suite(.serialized) struct LostAnswerTests {
  @Test(
    arguments: [
      "submit-no-answer", "submit-reset", "submit-reset-early", "submit-garbage", "submit-accept-500",
      "submit-status=500", "submit-status=503", "submit-html=502", "submit-hang",
    ])
  func isHeldAndSentOnce(_ fault: String) async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: \(fault)]"])
    let run = try await bench.once(["--submit-timeout": "700ms"])
    #expect(run.code == 1, "\(run)")
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.state == "held" && sidecar.reason == "submission-outcome-unknown", "\(sidecar.text)")
    #expect(sidecar.explains && sidecar.attempts.map(\.outcome) == ["unknown"], "\(sidecar.text)")
    #expect(bench.posts.count <= 1)
    let posts = bench.posts.count
    for _ in 0..<2 {
      let again = try await bench.once()
      #expect(again.code == 1 && bench.posts.count == posts, "\(again)")
    }
    // Not for a touch, not for another rescan, not without the journal.
    try bench.root.writeByRename("cat.prompt", "cat [sandbox: \(fault)]")
    try bench.loseJournal()
    let last = try await bench.once()
    #expect(last.code == 1 && bench.posts.count == posts, "\(last)")
    #expect(try bench.sidecar("cat").state == "held")
  }

  @Test func otherWordsAreAnotherMatter() async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer]"])
    _ = try await bench.once()
    try bench.root.write("cat.prompt", "cat, again")
    let run = try await bench.once()
    #expect(bench.posts.count == 2 && bench.root.exists("cat.png"), "\(run)")
    #expect(try bench.sidecar("cat").attempts.contains { $0.outcome == "unknown" })
  }

  @Test func anOutageHoldsAHandfulAndNotAll() async throws {
    let bench = try await Fixture(faults: ["submit-status=503", "query-status=503"])
    for number in 0..<30 { try bench.root.write("p\(number).prompt", "picture \(number)") }
    let agent = try bench.start("watch", ["--max-requests": "4"])
    try await eventually(within: .seconds(30), "it probes: \(agent.standardError)") {
      bench.sandbox.counters().queries >= 3
    }
    #expect(bench.posts.count <= 4)
    bench.sandbox.removeFaults()
    try await eventually(within: .seconds(40), "the rest is made") {
      let made = try bench.names().filter { $0.hasSuffix(".png") }.count
      return bench.posts.count == 30 && made == bench.paid.count
    }
    #expect(bench.posts.count == 30)
  }
}
