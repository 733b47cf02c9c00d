import Foundation
import ProgramKit
import TestKit
import Testing

/// `promptdrop retry`: what failed is paid anew, what is paid for is fetched again, what is in doubt is not touched.
@Suite(.serialized) struct RetryTests {
  @Test(arguments: [true, false], ["submit-status=400:1", "task-failed=too blue:1"])
  func whatFailedIsSubmittedAgain(running: Bool, _ fault: String) async throws {
    let bench = try await Fixture(["cat": "cat", "dog": "dog"], faults: [fault])
    let agent = try await bench.work(running: running, until: "one fails") {
      try ["cat", "dog"].contains { try bench.isIn($0, "failed") }
        && ["cat", "dog"].contains { try bench.isIn($0, "done") }
    }
    let failed = try bench.isIn("cat", "failed") ? "cat" : "dog"
    let run = try await bench.run("retry", [bench.root.path("\(failed).prompt")])
    #expect(run.code == 0 && run.out.contains("\(failed).prompt"), "\(run)")
    try await bench.goOn(agent, until: "it is made") { try bench.isIn(failed, "done") }
    #expect(bench.posts.count == 3)
    let nothing = try await bench.run("retry", ["--failed"])
    #expect(nothing.code == 1 && nothing.log.contains("nothing has failed"), "\(nothing)")
  }

  @Test func allThatFailedIsTriedAgainAndOnlyThat() async throws {
    let bench = try await Fixture(
      ["cat": "cat", "doubt": "doubt [sandbox: submit-no-answer]", "poor": "poor [sandbox: image-expired-always]"])
    try bench.root.write("sub/a.prompt", "a [sandbox: submit-status=400]")
    try bench.root.write("b.prompt", "b [sandbox: submit-status=400]")
    _ = try await bench.once(["--max-in-flight": "1"])
    #expect(bench.posts.count == 5)
    let run = try await bench.run("retry", ["--failed", "--json"])
    let reported = try run.json([FileAnswer].self)
    #expect(run.code == 0 && reported.allSatisfy(\.ok), "\(run)")
    #expect(Set(reported.map { ($0.file as NSString).lastPathComponent }) == ["a.prompt", "b.prompt"], "\(run)")
    _ = try await bench.once(["--max-in-flight": "1"])
    #expect(bench.posts.count == 7)
    #expect(try bench.isIn("doubt", "held") && bench.isIn("poor", "held"))
  }

  @Test(arguments: [true, false]) func whatIsPaidForIsFetchedAgainForNothing(running: Bool) async throws {
    let bench = try await Fixture(["cat": "cat"], faults: ["image-status=403"])
    let agent = try await bench.work(running: running, until: "it is held") { try bench.isIn("cat", "held") }
    let sidecar = try bench.sidecar("cat")
    #expect(
      sidecar.reason == "paid-not-fetched" && sidecar.hint?.contains("promptdrop retry") == true, "\(sidecar.text)")
    bench.sandbox.removeFaults()
    let run = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(run.code == 0 && run.out.contains("costs nothing"), "\(run)")
    try await bench.goOn(agent, until: "it is fetched") { try bench.isIn("cat", "done") }
    #expect(bench.posts.count == 1 && bench.root.exists("cat.png"))
  }

  @Test(arguments: [true, false]) func whatIsInDoubtIsRefused(running: Bool) async throws {
    let bench = try await Fixture(["cat": "cat [sandbox: submit-no-answer:1]"])
    let agent = try await bench.work(running: running, until: "it is held") { try bench.isIn("cat", "held") }
    let run = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(run.code == 1 && run.log.contains("promptdrop resolve \(bench.root.path("cat.prompt")) "), "\(run)")
    agent?.terminate()
    if let agent { _ = try await bench.end(of: agent) }
    _ = try await bench.once()
    #expect(try bench.isIn("cat", "held") && bench.posts.count == 1)
  }

  @Test func changedInputsMakeItAnew() async throws {
    let bench = try await Fixture(["cat": "---\nimages: [ref.png]\n---\na cat"])
    let picture = try await Fixture(["x": "x", "y": "y"])
    _ = try await picture.once()
    try bench.root.write("ref.png", bytes: try picture.root.bytes("x.png"))
    _ = try await bench.once()
    #expect(try bench.isIn("cat", "done"))
    try bench.root.write("ref.png", bytes: try picture.root.bytes("y.png"))
    let looked = try await bench.once()
    #expect(looked.code == 0 && bench.posts.count == 1, "\(looked)")
    #expect(try bench.sidecar("cat").inputsChanged)
    let offline = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(offline.code == 1 && offline.log.contains("running agent"), "\(offline)")
    // Not of itself, and not with all that failed.
    _ = try await bench.watch()
    #expect(try await bench.run("retry", ["--failed"]).code == 1)
    #expect(bench.posts.count == 1)
    let run = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(run.code == 0 && run.out.contains("made again"), "\(run)")
    try await eventually(within: .seconds(30), "the second revision is made") {
      try bench.isIn("cat", "done") && bench.sidecar("cat").revision == 2
    }
    #expect(try bench.posts.count == 2 && !bench.sidecar("cat").inputsChanged && bench.root.exists("cat.v1.png"))
  }

  @Test func aFileThatCouldNotBeTakenIsLookedAtAgain() async throws {
    let bench = try await Fixture(["cat": "---\ncolour: red\n---\na cat"])
    _ = try await bench.watch()
    try await bench.waitFor("cat", "failed")
    let run = try await bench.run("retry", [bench.root.path("cat.prompt")])
    #expect(run.code == 0 && run.out.contains("looked at again"), "\(run)")
    #expect(try await bench.run("retry").code == 64)
    #expect(try await bench.run("retry", [bench.root.path("cat.prompt"), "--failed"]).code == 64)
    #expect(bench.posts.isEmpty)
  }
}
