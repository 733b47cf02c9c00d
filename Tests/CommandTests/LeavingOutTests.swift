import Foundation
import ProgramKit
import TestKit
import Testing

/// What is no part of a watched folder: by a pattern, or because a system keeps it for its own ends.
@Suite(.serialized) struct LeavingOutTests {
  private struct JournalContent: Decodable {
    struct Folder: Decodable {
      let path: String, mode: String
      let message: String?, hint: String?
    }
    let folders: [Folder]
  }

  @Test(arguments: ["{a,b}", "drafts\\old", "./drafts", "a//b", "[a"])
  func aPatternThatCanNeverMatchKeepsItFromStarting(pattern: String) async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let flag = try await bench.once(["--exclude": "fine,\(pattern)"])
    #expect(flag.code == 78 && flag.log.contains("\"\(pattern)\"") && flag.log.contains("--exclude"), "\(flag)")
    try bench.home.write("config/promptdrop/promptdrop.yaml", "exclude: ['fine', '\(pattern)']\n")
    let file = try await bench.once()
    #expect(file.code == 78 && file.log.contains("\"\(pattern)\""), "\(file)")
    #expect(bench.posts.isEmpty && !bench.root.exists("cat.status.json"))
  }

  @Test func soDoesThePathOfAWatchedFolder() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let run = try await bench.once(["--exclude": "\(bench.root.path)/drafts"])
    #expect(run.code == 78 && run.log.contains("Write /drafts."), "\(run)")
    #expect(bench.posts.isEmpty)
  }

  @Test func patternsAreThoseOfGitignore() async throws {
    let bench = try await Fixture()
    let made = ["cat", "x/drafts", "a/b/c", "keep/old"]
    let left = ["drafts/cat", "x/drafts/cat", "a/c", "old"]
    for name in made + left { try bench.root.write("\(name).prompt", name) }
    let run = try await bench.once(["--exclude": "**/drafts/, a/*.prompt, old.prompt, !/keep/old.prompt"])
    #expect(run.code == 0 && Set(bench.paid) == Set(made), "\(run) \(bench.paid)")
  }

  @Test func inAFoldersFileItsPromptsWait() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write("a/.promptdrop.yaml", "exclude: ['*.{tmp,bak}']\n")
    try bench.root.write("a/dog.prompt", "a dog")
    let run = try await bench.once()
    #expect(run.code == 75 && bench.paid == ["a cat"], "\(run)")
    let sidecar = try bench.sidecar("a/dog")
    #expect(
      sidecar.state == "queued" && sidecar.message?.contains("*.{tmp,bak}") == true && sidecar.explains,
      "\(sidecar.text)")
  }

  @Test func whatIsLeftOutIsNamedInStatus() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    for folder in ["#recycle", "sub/lost+found", "Papierkorb", "@Recycle", ".git"] {
      try bench.root.write("\(folder)/dog.prompt", "a dog")
    }
    let agent = try bench.start("watch", ["--skip-folders": "Papierkorb,!@Recycle"])
    try await bench.waitFor("cat", "done")
    try await bench.waitFor("@Recycle/dog", "done")
    let status = try await bench.run("status", ["--json"]).json(JournalContent.self)
    let skipped = status.folders.filter { $0.mode == "skipped" }
    let names = ["#recycle", "Papierkorb", "sub/lost+found"]
    #expect(skipped.map(\.path) == names.map { bench.root.path($0) }, "\(status)")
    #expect(skipped.allSatisfy { $0.message?.isEmpty == false && $0.hint?.isEmpty == false })
    let text = try await bench.run("status")
    #expect(text.out.contains("takes nothing in \(bench.root.path("#recycle"))"), "\(text)")
    agent.terminate()
    try await agent.wait(within: .seconds(20))
    #expect(bench.posts.count == 2, "\(bench.paid)")
  }

  @Test func aNameThatIsNoneIsRefused() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    for value in ["a/b", "!nonesuch"] {
      let run = try await bench.once(["--skip-folders": value])
      #expect(run.code == 78 && run.log.contains("skip-folders"), "\(run)")
    }
    #expect(bench.posts.isEmpty)
  }

  @Test func aRootThatIsARecycleBinWorks() async throws {
    let bench = try await Fixture()
    try bench.root.write("#recycle/cat.prompt", "a cat")
    let run = try bench.start("once", roots: [bench.root.path("#recycle")])
    #expect(try await run.wait(within: .seconds(30)) == .exited(0), "\(run.standardError)")
    #expect(bench.paid == ["a cat"])
  }

  @Test func aConflictCopyIsApprovedByItsName() async throws {
    let name = "cat (Ann's conflicted copy 2026-11-28)"
    let bench = try await Fixture(["cat": "a cat", name: "a dog", "Romeo (Conflicts between families)": "Romeo"])
    let run = try await bench.once()
    #expect(run.code == 1 && Set(bench.paid) == ["a cat", "Romeo"], "\(run)")
    #expect(try bench.sidecar(name).reason == "conflict-copy")
    let approved = try await bench.run("approve", [bench.root.path("\(name).prompt")])
    #expect(approved.code == 0 && !approved.out.contains("nothing to decide"), "\(approved)")
    let again = try await bench.once()
    #expect(again.code == 0 && bench.paid.contains("a dog"), "\(again)")
  }
}
