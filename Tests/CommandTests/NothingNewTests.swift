import Foundation
import ProgramKit
import TestKit
import Testing

/// Only words, front matter and image lists start a submission. Everything else costs nothing.
@Suite(.serialized) struct NothingNewTests {
  enum Change: String, CaseIterable {
    case nothing, touch, savedAgain, savedAgainByRename, otherLineEnds, chmod, deletedOutput, deletedSidecar
    case deletedBoth, changedDefault, changedFlag, renamed, movedToSubfolder, copiedBack, lostJournal

    func make(_ bench: Fixture) throws {
      let root = bench.root
      switch self {
      case .nothing, .changedFlag: break
      case .touch:
        let past = [FileAttributeKey.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)]
        try FileManager.default.setAttributes(past, ofItemAtPath: root.path("cat.prompt"))
      case .savedAgain: try root.write("cat.prompt", "a red cat")
      case .savedAgainByRename: try root.writeByRename("cat.prompt", "a red cat")
      case .otherLineEnds: try root.write("cat.prompt", "\u{FEFF}a red cat\r\n\r\n")
      case .chmod:
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: root.path("cat.prompt"))
      case .deletedOutput: try root.remove("cat.png")
      case .deletedSidecar: try root.remove("cat.status.json")
      case .deletedBoth:
        try root.remove("cat.png")
        try root.remove("cat.status.json")
      case .changedDefault: try root.write(".promptdrop.yaml", "model: google/gemini-2.5-flash-image\n")
      case .renamed: try root.rename("cat.prompt", to: "kitten.prompt")
      case .movedToSubfolder:
        try root.makeFolder("sub")
        for name in ["cat.prompt", "cat.png", "cat.status.json"] { try root.rename(name, to: "sub/\(name)") }
      case .copiedBack:
        try root.rename("cat.prompt", to: "away")
        try FileManager.default.copyItem(atPath: root.path("away"), toPath: root.path("cat.prompt"))
      case .lostJournal: try bench.loseJournal()
      }
    }
  }

  @Test(arguments: Change.allCases) func submitsNothing(_ change: Change) async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    let first = try await bench.once()
    #expect(first.code == 0 && bench.posts.count == 1, "\(first)")
    try change.make(bench)
    let second = try await bench.once(change == .changedFlag ? ["--model": "google/nano-banana"] : [:])
    #expect(second.code == 0, "\(second)")
    #expect(bench.posts.count == 1, "\(change): \(second)")
    if change == .renamed {
      let sidecar = try bench.sidecar("kitten")
      #expect(sidecar.state == "done" && sidecar.files == ["kitten.png"])
      #expect(try bench.names() == ["kitten.png", "kitten.prompt", "kitten.status.json"])
    }
  }

  @Test(arguments: [Change.changedDefault, .changedFlag]) func changedInputsAreShown(_ change: Change) async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    _ = try await bench.once()
    try change.make(bench)
    let run = try await bench.once(change == .changedFlag ? ["--model": "google/nano-banana"] : [:])
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.state == "done" && sidecar.inputsChanged && sidecar.reason == "inputs-changed", "\(run)")
  }

  @Test(arguments: [Change.touch, .savedAgain, .savedAgainByRename, .otherLineEnds, .deletedOutput, .deletedSidecar])
  func submitsNothingWhileItWatches(_ change: Change) async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    let agent = try await bench.watch()
    try await bench.waitFor("cat", "done")
    try change.make(bench)
    // What comes after it is done after it.
    try bench.root.write("dog.prompt", "a blue dog")
    try await bench.waitFor("dog", "done")
    #expect(bench.paid == ["a red cat", "a blue dog"], "\(agent.standardError)")
  }

  @Test func aRenameWhileItWatchesTakesTheJobAlong() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    let agent = try await bench.watch()
    try await bench.waitFor("cat", "done")
    try bench.root.rename("cat.prompt", to: "kitten.prompt")
    try await bench.waitFor("kitten", "done")
    try await eventually(within: .seconds(20), "the old names are gone") {
      try bench.names() == ["kitten.png", "kitten.prompt", "kitten.status.json"]
    }
    #expect(bench.posts.count == 1, "\(agent.standardError)")
  }

  @Test func aCopyOfThePromptAloneIsANewJob() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    _ = try await bench.once()
    try bench.root.write("copy.prompt", "a red cat")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
    #expect(try bench.sidecar("copy").jobID != bench.sidecar("cat").jobID)
  }

  @Test func aFolderCopiedWithItsSidecarsIsWhatTheySay() async throws {
    let bench = try await Fixture()
    try bench.root.write("a/cat.prompt", "a red cat")
    try bench.root.write("a/wrong.prompt", "wrong [sandbox: task-failed=no]")
    try bench.root.write("a/two.prompt", "---\ncount: 2\n---\ntwo cats")
    _ = try await bench.once()
    #expect(bench.posts.count == 4)
    try FileManager.default.copyItem(atPath: bench.root.path("a"), toPath: bench.root.path("b"))
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.count == 4, "\(run)")
    #expect(try bench.sidecar("b/cat").state == "done")
    #expect(try bench.sidecar("b/wrong").state == "failed")
    // The copy is a job of its own.
    try bench.root.write("b/cat.prompt", "a green cat")
    _ = try await bench.once()
    #expect(bench.paid.last == "a green cat" && bench.posts.count == 5)
    #expect(try bench.sidecar("a/cat").revision == 1)
  }

  @Test func aLostJournalIsMadeUpForByTheSidecars() async throws {
    let bench = try await Fixture([
      "cat": "a red cat", "two": "---\ncount: 2\n---\ntwo dogs", "wrong": "[sandbox: task-failed=no] x",
      "lost": "[sandbox: submit-no-answer] y",
    ])
    _ = try await bench.once()
    let posts = bench.posts.count
    #expect(posts == 5)
    for _ in 0..<2 {
      try bench.loseJournal()
      let run = try await bench.once()
      #expect(run.code == 1, "\(run)")
    }
    #expect(bench.posts.count == posts)
    #expect(
      try ["cat", "two", "wrong", "lost"].map { try bench.sidecar($0).state } == ["done", "done", "failed", "held"])
    // And it goes on from there.
    try bench.root.write("cat.prompt", "a green cat")
    _ = try await bench.once()
    #expect(bench.posts.count == posts + 1)
    #expect(try bench.names().contains("cat.v1.png"))
  }
}
