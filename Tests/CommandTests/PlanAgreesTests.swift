import Foundation
import ProgramKit
import TestKit
import Testing

/// What `plan` says is what a run does: it is one decision.
@Suite(.serialized) struct PlanAgreesTests {
  /// A folder, and what is to become of it.
  struct Folder: Sendable, CustomTestStringConvertible {
    var name: String
    /// What stands in it: names and contents.
    var files: [String: String]
    /// What the plan says of those prompts that are not simply submitted: `why`, and a part of the message.
    var reported: [String: (why: String, part: String)]
    /// The texts that are paid for.
    var paid: [String]
    var testDescription: String { name }
  }

  static let folders = [
    Folder(
      name: "same stem", files: ["cat.prompt": "cat", "cat.PROMPT": "other"],
      reported: ["cat.PROMPT": ("refused", "cat.prompt is in the same folder")], paid: ["cat"]),
    Folder(
      name: "long name", files: [String(repeating: "x", count: 240) + ".prompt": "long", "cat.prompt": "cat"],
      reported: [String(repeating: "x", count: 240) + ".prompt": ("refused", "247 bytes")], paid: ["cat"]),
    Folder(
      name: "missing reference", files: ["cat.prompt": "---\nimages: [fur.png]\n---\ncat", "dog.prompt": "dog"],
      reported: ["cat.prompt": ("waits", "fur.png")], paid: ["dog"]),
    Folder(
      name: "wrong reference",
      files: ["cat.prompt": "---\nimages: [fur.png]\n---\ncat", "fur.png": "no image", "dog.prompt": "dog"],
      reported: ["cat.prompt": ("refused", "fur.png")], paid: ["dog"]),
    Folder(
      name: "list on its way", files: ["cat.prompt": "cat", ".cat.images.Ab12Cd": "", "dog.prompt": "dog"],
      reported: ["cat.prompt": ("waits", "being written by another program")], paid: ["dog"]),
    Folder(
      name: "another's folder",
      files: ["his/cat.prompt": "cat", "his/.promptdrop.yaml": "owner: other@machine", "dog.prompt": "dog"],
      reported: [:], paid: ["dog"]),
    Folder(
      name: "too large", files: ["cat.prompt": String(repeating: "cat ", count: 20_000), "dog.prompt": "dog"],
      reported: ["cat.prompt": ("refused", "limit is 65536")], paid: ["dog"]),
    Folder(
      name: "asks first", files: ["cat.prompt": "---\nhold: true\n---\ncat", "dog.prompt": "dog"],
      reported: ["cat.prompt": ("waits", "hold: true")], paid: ["dog"]),
  ]

  // Before anything was taken, and again when the run has taken and refused what it wanted: nothing is left then.
  @Test(arguments: folders) func whatIsPlannedIsDone(folder: Folder) async throws {
    let bench = try await Fixture()
    for place in Set(folder.files.keys.map { ($0 as NSString).deletingLastPathComponent }) where !place.isEmpty {
      try bench.root.makeFolder(place)
    }
    for (name, content) in folder.files { try bench.root.write(name, content) }
    for isDone in [false, true] {
      let plan = try await bench.plan().report
      let pictures = isDone ? 0 : folder.paid.count
      #expect(plan.pictures == pictures, "\(plan)")
      let others = plan.items.filter { $0.pictures == 0 }
      #expect(Set(others.map { ($0.file as NSString).lastPathComponent }) == Set(folder.reported.keys), "\(plan)")
      for item in others {
        let reported = folder.reported[(item.file as NSString).lastPathComponent]
        #expect(item.why == reported?.why && item.message?.contains(reported?.part ?? "?") == true, "\(item)")
      }
      guard !isDone else { return }
      let run = try await bench.once(["--timeout": "3s"])
      #expect(bench.paid.sorted() == folder.paid.sorted(), "\(run)")
    }
  }

  // What is in the queue follows its file, and is no less submitted for that.
  @Test func aRenamedPromptThatWaits() async throws {
    let bench = try await Fixture(["cat": "cat"])
    _ = try await bench.once(["--daily-submissions": "0"])
    #expect(bench.posts.isEmpty)
    try bench.root.rename("cat.prompt", to: "dog.prompt")
    let plan = try await bench.plan().report
    #expect(plan.pictures == 1 && plan.item("dog")?.why == "queued", "\(plan)")
    _ = try await bench.once()
    #expect(bench.paid == ["cat"])
  }

  @Test func theLimitsOfTheDayAreReckonedWith() async throws {
    let bench = try await Fixture(["a": "a", "b": "b", "c": "---\ncount: 2\n---\nc"])
    let flags = ["--daily-submissions": "3"]
    let plan = try await bench.plan(flags).report
    #expect(plan.pictures == 4 && plan.waitsForDailyLimit == 1, "\(plan)")
    #expect(plan.dailyLimit?.contains("the limit is 3") == true, "\(plan)")
    #expect(try await bench.plan().report.waitsForDailyLimit == 0)
    _ = try await bench.once(flags)
    #expect(bench.posts.count == 3)
    let rest = try await bench.plan(flags).report
    #expect(rest.pictures == 1 && rest.waitsForDailyLimit == 1, "\(rest)")
    let text = try await bench.run("plan", [bench.root.path], ["--daily-submissions": "3"])
    #expect(text.out.contains("1 of them would wait for the next day"), "\(text)")
    // So are limits on credits.
    let credits = try await bench.plan(["--daily-credits": "0.9", "--price": "0.2"]).report
    #expect(credits.waitsForDailyLimit == 1, "\(credits)")
  }
}
