import Foundation
import ProgramKit
import TestKit
import Testing

/// `promptdrop status`: how things stand, from the agent or from the journal.
@Suite(.serialized) struct StatusTests {
  @Test(arguments: [true, false]) func countsAndSpendingAreReported(running: Bool) async throws {
    let bench = try await Fixture([
      "cat": "cat", "two": "---\ncount: 2\n---\ntwo", "doubt": "doubt [sandbox: submit-garbage]",
      "bad": "bad [sandbox: submit-status=400]", "ask": "---\nhold: true\n---\nask", "empty": "",
    ])
    try bench.root.write("sub/dog.prompt", "dog")
    // With a price: else the one in doubt, where it comes first, keeps all the others waiting.
    let flags = [
      "--max-in-flight": "1", "--daily-submissions": "50", "--daily-credits": "20.5", "--price": "0.5",
    ]
    let agent = try await bench.work(running: running, flags, until: "all are settled") {
      try bench.isIn("cat", "done") && bench.isIn("two", "done") && bench.isIn("sub/dog", "done")
        && bench.isIn("doubt", "held") && bench.isIn("bad", "failed") && bench.isIn("ask", "held")
    }
    let status = try await bench.status(flags)
    #expect(status.schema == "promptdrop.agent-status/1" && status.pid == agent?.processID && !status.version.isEmpty)
    #expect(status.roots == [bench.root.path] && status.stops.isEmpty && status.inFlight.isEmpty, "\(status)")
    #expect(status.counts.filter { $0.value > 0 } == ["done": 3, "held": 2, "failed": 1, "queued": 1], "\(status)")
    let waiting = Dictionary(uniqueKeysWithValues: status.waiting.map { ($0.file, $0) })
    let reasons = waiting.mapValues(\.reason)
    #expect(reasons[bench.root.path("doubt.prompt")] == "submission-outcome-unknown", "\(reasons)")
    #expect(reasons[bench.root.path("ask.prompt")] == "asked" && reasons[bench.root.path("empty.prompt")] == "empty")
    #expect(waiting[bench.root.path("bad.prompt")]?.state == "failed" && status.waitingMore == 0)
    #expect(waiting.values.allSatisfy { $0.message?.isEmpty == false && $0.hint?.isEmpty == false }, "\(waiting)")
    // Refused: not on the bill. In doubt: on it.
    #expect(status.today.submissions == 5 && status.today.submissionLimit == 50 && status.today.creditLimit == "20.5")
    #expect(Set(status.spending.map(\.folder)) == [bench.root.path, bench.root.path("sub")], "\(status.spending)")
    #expect(status.spending.reduce(0) { $0 + $1.submissions } == 5)
    #expect(status.spending.allSatisfy { $0.model == "google/gempix2" && $0.day == status.today.day })
    let sub = try #require(status.spending.first { $0.folder.hasSuffix("/sub") })
    #expect(Double(sub.consumed ?? "") == 0.5, "\(sub)")

    let text = try await bench.run("status", [], flags)
    let start = agent.map { "runs (process \($0.processID))" } ?? "No agent runs"
    for words in [start, bench.root.path, "3 done", "1 failed", "2 held", "5 submissions of 50", "of 20.5", "resolve"] {
      #expect(text.code == 0 && text.out.contains(words), "\(words): \(text)")
    }
  }

  @Test func whatIsInFlightIsReported() async throws {
    let bench = try await Fixture(["cat": "cat"], delay: .seconds(60))
    let agent = try await bench.watch()
    try await bench.waitFor("cat", "submitted")
    let task = try #require(bench.posts.first?.taskID)
    for path in [[], [bench.root.path]] {
      let status = try await bench.run("status", path + ["--json"]).json(AgentStatus.self)
      let line = try #require(status.inFlight.first)
      #expect(line.file == bench.root.path("cat.prompt") && line.state == "submitted" && line.tasks == [task])
      #expect(status.inFlight.count == 1 && status.pid == agent.processID && status.today.submissions == 1)
    }
    let text = try await bench.run("status")
    #expect(text.out.contains("submitted  \(bench.root.path("cat.prompt")) (\(task))"), "\(text)")
    agent.terminate(SIGKILL)
    try await agent.wait()
    let after = try await bench.status()
    #expect(after.pid == nil && after.inFlight.first?.tasks == [task], "\(after)")
  }

  @Test func whatWaitsForATimeIsReportedWithTheTime() async throws {
    let bench = try await Fixture(["cat": "cat", "dog": "dog"])
    let flags = ["--daily-submissions": "1"]
    _ = try await bench.watch(flags)
    try await eventually(within: .seconds(30), "one is made, one waits") {
      try ["cat", "dog"].contains { try bench.isIn($0, "done") }
        && ["cat", "dog"].contains { try bench.isIn($0, "queued") }
    }
    let status = try await bench.status(flags)
    let line = try #require(status.waiting.first)
    #expect(line.reason == "daily-limit" && line.until?.contains("T00:00:00") == true, "\(line)")
    let stop = try #require(status.stops.first)
    #expect(stop.reason == "daily-limit" && stop.until == line.until && stop.message.contains("the limit is 1"))
    let text = try await bench.run("status", [], flags)
    #expect(text.out.contains("Nothing is submitted: ") && text.out.contains("Until "), "\(text)")
  }

  @Test func withoutAJournalThereIsNothingToTell() async throws {
    let bench = try await Fixture(["cat": "cat"])
    for words in [["status"], ["status", bench.root.path], ["approve", "--all"], ["retry", "--failed"]] {
      let run = try await bench.run(words[0], Array(words.dropFirst()))
      #expect(run.code == 66 && run.log.contains(bench.stateDir) && run.log.contains("--state-dir"), "\(run)")
    }
    #expect(!bench.home.exists("state"))
  }

  /// A service that takes nothing, and the word for it.
  struct Outage: CustomTestStringConvertible, Sendable {
    let faults: [String]
    let reason: String
    var testDescription: String { reason }
    static let all = [
      Outage(faults: ["submit-status=401", "query-status=401"], reason: "unauthorized"),
      Outage(faults: ["submit-status=402"], reason: "account"),
      Outage(faults: ["submit-status=503", "query-status=503"], reason: "down"),
    ]
  }

  @Test(arguments: Outage.all) func whileTheServiceTakesNothingTheReasonIsShown(_ outage: Outage) async throws {
    let bench = try await Fixture(["flying": "flying"], delay: .seconds(60))
    _ = try await bench.watch()
    try await bench.waitFor("flying", "submitted")
    for fault in outage.faults { try bench.fault(fault) }
    try bench.root.write("next.prompt", "next")
    var stop: AgentStatus.Stop?
    try await eventually(within: .seconds(30), "status tells why") {
      stop = try await bench.status().stops.first
      return stop != nil
    }
    let reason = try #require(stop)
    #expect(!reason.message.isEmpty, "\(reason)")
    withKnownIssue("an outage comes without a hint", isIntermittent: true) {
      #expect(reason.hint?.isEmpty == false, "\(reason)")
    } when: {
      outage.reason == "down"
    }
    let text = try await bench.run("status")
    #expect(text.out.contains("Nothing is submitted: \(reason.message)"), "\(text)")
    try await eventually(within: .seconds(30), "the sidecar in flight says the same: \(reason)") {
      try bench.sidecar("flying").code == reason.reason
    }
    #expect(try bench.isIn("flying", "submitted"))
    bench.sandbox.removeFaults()
    try await eventually(within: .seconds(30), "it is over") { try await bench.status().stops.isEmpty }
    try await eventually(within: .seconds(30), "the sidecar in flight is silent again") {
      try bench.sidecar("flying").code == nil
    }
    let next = try bench.sidecar("next")
    // What was refused goes on; what has an unknown outcome does not.
    if outage.reason == "down" {
      #expect(next.reason == "submission-outcome-unknown", "\(next.text)")
    } else {
      try await bench.waitFor("next", "submitted")
    }
  }
}
