import Foundation
import ProgramKit
import SandboxServer
import TestKit
import Testing

/// kill -9 at any point: a restart goes on where it was, and nothing is ever paid for twice.
@Suite(.serialized) struct KillTests {
  // What may be said of a prompt when the process is gone, and what has to be true at the end.
  private func check(
    _ bench: Fixture, counts: [String: Int], atKill: [String: [String]], _ context: String
  ) throws {
    let paid = bench.paid
    for (name, count) in counts {
      let reported = try bench.sidecar(name)
      let posts = paid.filter { $0.split(separator: " ").first == Substring(name) }.count
      #expect(posts <= count, "\(context): \(name) was paid \(posts) times\n\(reported.text)")
      switch reported.state {
      case "done":
        #expect(posts == count, "\(context): \(reported.text)")
        #expect(Set(reported.outputs.map(\.slot)) == Set(1...count), "\(context): \(reported.text)")
      case "held":
        #expect(reported.reason == "submission-outcome-unknown" && reported.explains, "\(context): \(reported.text)")
        // Only where a kill fell between the intent and the answer, or the answer was lost: never after it was heard.
        let before = atKill[name] ?? []
        #expect(
          before.allSatisfy { ["", "queued", "submitting", "held"].contains($0) } || counts[name] != 1,
          "\(context): \(name) was \(before)")
      default: Issue.record("\(context): \(name) ends \(reported.state)\n\(reported.text)")
      }
      for output in reported.outputs {
        let bytes = try bench.root.bytes(output.file)
        #expect(sha256(bytes) == output.sha256 && bytes.count == output.bytes, "\(context): \(output.file)")
      }
      let attempts = reported.attempts.filter { $0.outcome == "unknown" }.count
      #expect(attempts == 0 || reported.state == "held", "\(context): \(reported.text)")
    }
    let known = try counts.keys.reduce(into: Set<String>()) { names, name in
      names.formUnion(["\(name).prompt", "\(name).status.json"] + (try bench.sidecar(name).files))
    }
    // No temporary file, no picture that no sidecar knows.
    #expect(Set(try bench.names()) == known, "\(context)")
  }

  // The state that each sidecar is in now: empty where there is none.
  private func states(_ bench: Fixture, _ names: some Sequence<String>) -> [String: String] {
    Dictionary(uniqueKeysWithValues: names.map { ($0, (try? bench.sidecar($0).state) ?? "") })
  }

  @Test(arguments: SplitMix64.seeds()) func killsAtRandom(_ seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let bench = try await Fixture(delay: .milliseconds(60))
    var counts: [String: Int] = [:]
    var atKill: [String: [String]] = [:]
    var ends = 0
    for round in 0..<12 {
      for number in 0..<2 {
        let name = "r\(round)n\(number)"
        let count = random.percent(25) ? 2 : 1
        let fault = random.one(of: [
          "", "", "[sandbox: submit-slow=80]", "[sandbox: query-slow=60]", "[sandbox: image-slow=90]",
          "[sandbox: submit-retry-after=1:1]", "[sandbox: query-reset:2]", "[sandbox: image-truncated:1]",
        ])
        counts[name] = count
        try bench.root.write("\(name).prompt", (count > 1 ? "---\ncount: \(count)\n---\n" : "") + "\(name) \(fault)")
      }
      let agent = try bench.start(random.percent(50) ? "once" : "watch")
      // Half of them from the first submission on: there is more to be hit.
      if random.percent(50) {
        let before = bench.posts.count
        try await eventually(within: .seconds(20), "a submission, or the end") {
          bench.posts.count > before || agent.ending != nil || !agent.standardError.isEmpty && random.percent(2)
        }
      }
      let delay = Duration.milliseconds(Int(random.chance() * random.chance() * 400))
      let moment = ContinuousClock.now + delay
      try await eventually(within: .seconds(5), "a random moment") { ContinuousClock.now >= moment }
      agent.terminate(SIGKILL)
      if try await agent.wait() == .signalled(SIGKILL) { ends += 1 }
      for (name, state) in states(bench, counts.keys) { atKill[name, default: []].append(state) }
    }
    let last = try await bench.once()
    #expect(last.code == 0 || last.code == 1, "seed \(seed): \(last)")
    #expect(ends >= 6, "seed \(seed): only \(ends) were hit")
    try check(bench, counts: counts, atKill: atKill, "seed \(seed), PROMPTDROP_TEST_SEED=\(seed)")
    let posts = bench.posts.count
    _ = try await bench.once()
    #expect(bench.posts.count == posts, "seed \(seed)")
  }

  /// A point of a run that a fault makes last.
  struct Point: CustomTestStringConvertible, Sendable {
    let fault: String
    let count: Int
    let end: String
    let reached: @Sendable (Fixture) throws -> Bool
    var testDescription: String { fault.isEmpty ? "no fault, \(end)" : fault }
    init(_ fault: String, count: Int = 1, end: String, reached: @escaping @Sendable (Fixture) throws -> Bool) {
      (self.fault, self.count, self.end, self.reached) = (fault, count, end, reached)
    }

    static func isIn(_ state: String) -> @Sendable (Fixture) throws -> Bool {
      { bench in bench.root.exists("cat.status.json") ? try bench.sidecar("cat").state == state : false }
    }

    static let all = [
      Point("submit-slow=30000:1", end: "held") { $0.posts.count == 1 },
      Point("submit-hang:1", end: "held") { $0.posts.count == 1 },
      Point("submit-hang:1", end: "held", reached: isIn("submitting")),
      Point("submit-hang:2", count: 2, end: "held") { $0.posts.count == 2 },
      Point("submit-retry-after=1:1", end: "done") { bench in
        // Once the refusal was heard; before that nobody knows.
        bench.root.exists("cat.status.json") ? try bench.sidecar("cat").attempts.map(\.outcome) == ["refused"] : false
      },
      Point("submit-no-answer:1", end: "held", reached: isIn("held")),
      Point("query-hang:1", end: "done", reached: isIn("submitted")),
      Point("query-hang:1", end: "done") { $0.sandbox.counters().queries == 1 },
      Point("query-slow=30000:1", end: "done") { $0.sandbox.counters().queries == 1 },
      Point("query-not-found:5", end: "done") { $0.sandbox.counters().queries == 2 },
      Point("image-hang:1", end: "done", reached: isIn("fetching")),
      Point("image-hang:1", end: "done") { $0.sandbox.counters().fetches == 1 },
      Point("image-hang:2", count: 2, end: "done") { $0.sandbox.counters().fetches == 2 },
      Point("image-slow=30000:1", end: "done") { $0.sandbox.counters().fetches == 1 },
      Point("image-truncated:3", end: "done") { $0.sandbox.counters().fetches == 2 },
      Point("image-expired", end: "done") { $0.sandbox.counters().fetches == 1 },
      Point("result-data-uri", end: "done", reached: isIn("fetching")),
      Point("", end: "done") { $0.root.exists("cat.png") },
      Point("", end: "done", reached: isIn("done")),
    ]
  }

  @Test(arguments: Point.all) func killsAtAPoint(_ point: Point) async throws {
    let fault = point.fault.isEmpty ? "" : "[sandbox: \(point.fault)]"
    let bench = try await Fixture(["cat": "---\ncount: \(point.count)\n---\ncat \(fault)"])
    let agent = try bench.start("watch")
    try await eventually(within: .seconds(30), "the point: \(agent.standardError)") {
      // What is as quick as a stage may be over before it is seen.
      if try point.reached(bench) { return true }
      return try point.end == "done" && Point.isIn("done")(bench)
    }
    agent.terminate(SIGKILL)
    try await agent.wait()
    let before = states(bench, ["cat"])
    // A fault that the first process did not meet is met by the second.
    let run = try await bench.once(["--query-timeout": "2s", "--fetch-timeout": "2s", "--submit-timeout": "2s"])
    #expect(run.code == (point.end == "done" ? 0 : 1), "\(run)")
    #expect(try bench.sidecar("cat").state == point.end, "\(run)")
    try check(bench, counts: ["cat": point.count], atKill: before.mapValues { [$0] }, point.testDescription)
    let posts = bench.posts.count
    let again = try await bench.once()
    #expect(bench.posts.count == posts && again.code == run.code, "\(again)")
  }
}
