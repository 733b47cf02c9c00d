import Foundation
import ProgramKit
import SandboxServer
import TestKit
import Testing

/// `promptdrop plan`: what a run would submit, found out without doing anything.
@Suite(.serialized) struct PlanTests {
  // Whatever the plan looked at: nothing was asked of the service, and nothing is there that was not there.
  private func planned(_ bench: Fixture, _ flags: [String: String?] = [:]) async throws -> (
    report: PlanAnswer, code: Int32
  ) {
    let before = (try bench.names(), bench.posts.count, bench.sandbox.counters())
    let plan = try await bench.plan(flags)
    #expect(try bench.names() == before.0 && bench.posts.count == before.1 && bench.sandbox.counters() == before.2)
    return plan
  }

  @Test func whatIsNewIsReportedAndNotTouched() async throws {
    let bench = try await Fixture(["cat": "cat", "two": "---\ncount: 2\nimage_size: 2k\n---\ntwo"])
    for _ in 0..<2 {
      let plan = try await planned(bench)
      #expect(plan.code == 2 && plan.report.schema == "promptdrop.plan/1" && plan.report.items.count == 2)
      #expect(plan.report.pictures == 3 && plan.report.unpriced == 3 && plan.report.credits == "0", "\(plan)")
      let item = try #require(plan.report.item("two"))
      #expect(item.why == "new" && item.pictures == 2 && item.size == "2k" && item.model == "google/gempix2")
    }
    let text = try await bench.run("plan", [bench.root.path])
    #expect(
      text.code == 2 && text.out.contains("3 pictures to submit") && text.out.contains("price unknown"), "\(text)")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 3, "\(run)")
    let after = try await planned(bench)
    #expect(after.code == 0 && after.report.items.isEmpty && after.report.pictures == 0, "\(after)")
  }

  @Test(arguments: [true, false]) func eachKindIsDistinguished(running: Bool) async throws {
    let bench = try await Fixture(["changed": "one", "more": "more", "same": "same"])
    let first = try await bench.once()
    #expect(first.code == 0, "\(first)")
    try bench.root.write("queued.prompt", "queued")
    let flags = ["--daily-submissions": "3"]
    let waits = try await bench.once(flags)
    #expect(waits.code == 75, "\(waits)")
    try bench.root.write("changed.prompt", "other words")
    try bench.root.write("more.prompt", "---\ncount: 3\n---\nmore")
    try bench.root.write("empty.prompt", "")
    try bench.root.write("ask.prompt", "---\nhold: true\n---\nask")
    try bench.root.write("list.prompt", "---\nrequire_images: true\n---\nlist")
    try bench.root.write("bad.prompt", "---\ncolour: red\n---\nbad")
    try bench.root.write("cat.sync-conflict-20260101-120000-ABCDEFG.prompt", "conflict")
    try bench.root.write("fresh.prompt", "fresh")
    if running {
      // What an agent has taken is queued with it; what would be paid is the same.
      _ = try await bench.watch(flags)
      try await eventually(within: .seconds(30), "the agent has taken all") {
        try bench.isIn("fresh", "queued") && bench.isIn("changed", "queued") && bench.isIn("more", "queued")
          && bench.isIn("ask", "held") && bench.isIn("bad", "failed") && bench.root.exists("list.status.json")
      }
    }
    let plan = try await planned(bench, flags)
    let why = Dictionary(uniqueKeysWithValues: plan.report.items.map { (($0.file as NSString).lastPathComponent, $0) })
    let pictures = why.mapValues(\.pictures).filter { $0.value > 0 }
    #expect(plan.code == 2 && plan.report.pictures == 5, "\(plan)")
    #expect(
      pictures == ["changed.prompt": 1, "more.prompt": 2, "queued.prompt": 1, "fresh.prompt": 1], "\(plan)")
    #expect(why["queued.prompt"]?.why == "queued" && why["same.prompt"] == nil)
    if !running {
      #expect(why["changed.prompt"]?.why == "changed" && why["more.prompt"]?.why == "more", "\(plan)")
      #expect(why["fresh.prompt"]?.why == "new")
    }
    #expect(why["empty.prompt"]?.why == "waits" && why["list.prompt"]?.why == "waits", "\(plan)")
    #expect(why["bad.prompt"]?.why == "refused" && why["bad.prompt"]?.message?.contains("colour") == true, "\(plan)")
    #expect(why.contains { $0.key.contains("conflict") && $0.value.why == "refused" }, "\(plan)")
    if !running { #expect(why["ask.prompt"]?.why == "waits", "\(plan)") }
    // It comes true.
    let before = bench.posts.count
    guard !running else { return }
    _ = try await bench.once()
    #expect(bench.posts.count == before + plan.report.pictures)
  }

  @Test func aPriceIsKnownAfterTheFirst() async throws {
    let bench = try await Fixture(["cat": "cat"])
    _ = try await bench.once()
    try bench.root.write("dog.prompt", "---\ncount: 2\n---\ndog")
    try bench.root.write("large.prompt", "---\nimage_size: 4k\n---\nlarge")
    let plan = try await planned(bench)
    #expect(Double(plan.report.item("dog")?.price ?? "") == 0.5 && plan.report.item("large")?.price == nil, "\(plan)")
    #expect(Double(plan.report.credits) == 1 && plan.report.unpriced == 1 && plan.report.pictures == 3, "\(plan)")
    let reported = try await planned(bench, ["--price": "0.7"])
    #expect(Double(reported.report.credits) == 2.1 && reported.report.unpriced == 0, "\(reported)")
  }

  @Test func theBurstLimitIsReckonedWith() async throws {
    let bench = try await Fixture()
    for number in 0..<5 { try bench.root.write("p\(number).prompt", "picture \(number)") }
    let plan = try await planned(bench, ["--burst-limit": "2"])
    #expect(plan.report.heldByBurstLimit == 3 && plan.report.pictures == 5, "\(plan)")
  }

  @Test func aFolderCanBePlannedAloneAndOneThatIsMissingCannot() async throws {
    let bench = try await Fixture(["cat": "cat"])
    try bench.root.write("sub/dog.prompt", "dog")
    let missing = try await bench.run("plan", [bench.root.path("nowhere")])
    #expect(missing.code == 66, "\(missing)")
    #expect(try await bench.run("plan").code == 64)
    let sub = try await bench.run("plan", [bench.root.path("sub"), "--json"]).json(PlanAnswer.self)
    #expect(sub.items.map(\.file) == [bench.root.path("sub/dog.prompt")], "\(sub)")
    // What was planned below is still a job of the whole folder; and so is what was made below by itself.
    let part = try await bench.once(roots: [bench.root.path("sub")])
    #expect(part.code == 0 && bench.posts.count == 1, "\(part)")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
    for folder in ["sub", "."] {
      let again = try await bench.run("plan", [bench.root.path(folder), "--json"])
      #expect(again.code == 0, "\(again)")
    }
    let redo = try await bench.run("retry", [bench.root.path("sub/dog.prompt")])
    #expect(redo.code != 75 && !redo.log.contains("overlap"), "\(redo)")
  }
}
