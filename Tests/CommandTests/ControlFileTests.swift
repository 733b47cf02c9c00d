import Foundation
import ProgramKit
import TestKit
import Testing

/// Lists, defaults and front matter that are not as they should be: the program and its plan tell the same.
@Suite(.serialized) struct ControlFileCommandTests {
  private static let link = "https://example.org/1.png"

  @Test func allInCapitals() async throws {
    let bench = try await Fixture()
    try bench.root.write("CAT.PROMPT", "a cat")
    try bench.root.write("CAT.IMAGES", "REF.PNG\n")
    try bench.root.write("REF.PNG", bytes: ReferenceTests.png)
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.map(\.images) == [[ReferenceTests.uri]], "\(run)")
    let again = try await bench.once()
    #expect(again.code == 0 && bench.posts.count == 1, "\(again)")
  }

  @Test func onceWaitsForAnEmptyListNoLongerThanItSays() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write("cat.images", "")
    let run = try await bench.once(["--reference-wait": "1s"])
    #expect(run.code == 1 && bench.posts.isEmpty, "\(run)")
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.state == "held" && sidecar.reason == "control-file-empty" && sidecar.explains, "\(sidecar.text)")
    let approved = try await bench.run("approve", [bench.root.path("cat.prompt")])
    #expect(approved.code == 0, "\(approved)")
    let taken = try await bench.once()
    #expect(taken.code == 0 && bench.posts.count == 1, "\(taken)")
  }

  @Test func onceTakesAListThatArrivesMeanwhile() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write("cat.images", bytes: [0, 0, 0, 0])
    let child = try bench.start("once", ["--reference-wait": "20s"])
    let waiting = try await bench.waitFor("cat", "queued")
    #expect(waiting.reason == "control-file-empty")
    try bench.root.write("cat.images", Self.link)
    let run = try await bench.end(of: child)
    #expect(run.code == 0 && bench.posts.map(\.images) == [[Self.link]], "\(run)")
  }

  @Test(arguments: [true, false]) func thePlanTellsTheSame(running: Bool) async throws {
    let bench = try await Fixture([
      "listed": "a cat", "fence": "\u{2014}\nhold: true\n\u{2014}\na cat", "empty": "a cat",
      "wide": "---\naspect_ratio: 17:9\n---\na cat", "sub/below": "a cat", "fine": "a cat",
    ])
    try bench.root.write("listed.images.txt", Self.link)
    try bench.root.write("empty.images", "")
    try bench.root.write("sub/.promptdrop.yml", "count: 4")
    try bench.root.write("FINE.images", Self.link)
    let expected = [
      "listed": "held", "fence": "held", "empty": "queued", "wide": "failed", "sub/below": "held", "fine": "done",
    ]
    let agent = running ? try await bench.watch() : nil
    if running { for (name, state) in expected { try await bench.waitFor(name, state) } }
    let plan = try await bench.plan()
    #expect(plan.code == (running ? 0 : 2), "\(plan)")
    for (name, state) in expected where state != "done" {
      let item = try #require(plan.report.items.first { $0.file.hasSuffix("/\(name).prompt") }, "\(name): \(plan)")
      #expect(item.pictures == 0 && item.why == (state == "failed" ? "refused" : "waits"), "\(name): \(plan)")
      #expect(item.message?.isEmpty == false)
    }
    #expect(plan.report.pictures == (running ? 0 : 1), "\(plan)")
    if let agent {
      agent.terminate(SIGTERM)
      _ = try await bench.end(of: agent)
    } else {
      let run = try await bench.once(["--reference-wait": "1s"])
      #expect(run.code == 1, "\(run)")
    }
    #expect(bench.posts.map(\.images) == [[Self.link]], "what the plan counted is what was paid for")
  }
}
