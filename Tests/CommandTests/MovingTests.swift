import Foundation
import ProgramKit
import TestKit
import Testing

/// A prompt that is renamed or moved keeps its job: nothing is paid for again, and what it has goes with it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct MovingTests {
  private func done(_ bench: Fixture, _ name: String, _ files: [String]) async throws {
    try await eventually(within: .seconds(20), "\(name) is done, with \(files)") {
      guard bench.root.exists("\(name).status.json") else { return false }
      let sidecar = try bench.sidecar(name)
      return sidecar.state == "done" && sidecar.files == files.sorted()
    }
    let folder = (name as NSString).deletingLastPathComponent
    for file in files { #expect(bench.root.exists(folder.isEmpty ? file : "\(folder)/\(file)"), "\(file)") }
  }

  @Test func toOtherFoldersOneAfterTheOther() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    _ = try await bench.watch()
    try await done(bench, "cat", ["cat.png"])
    let picture = try bench.root.bytes("cat.png")
    try bench.root.makeFolder("a/b")
    try bench.root.rename("cat.prompt", to: "a/dog.prompt")
    try await done(bench, "a/dog", ["dog.png"])
    try bench.root.rename("a/dog.prompt", to: "a/b/cow.prompt")
    try await done(bench, "a/b/cow", ["cow.png"])
    #expect(try bench.root.bytes("a/b/cow.png") == picture)
    try bench.root.rename("a", to: "c")
    try bench.root.write("c/b/marker.prompt", "a marker")
    try await done(bench, "c/b/marker", ["marker.png"])
    #expect(bench.posts.count == 2)
    #expect(try bench.names() == ["c"])
    #expect(
      try bench.root.list("c/b").filter { $0.hasPrefix("cow") } == ["cow.png", "cow.prompt", "cow.status.json"])
    #expect(try bench.root.list("c") == ["b"])
  }

  @Test(arguments: [false, true]) func whileItIsMade(isRunning: Bool) async throws {
    let bench = try await Fixture(["cat": "a cat"], delay: .seconds(6))
    var agent = try await bench.watch()
    try await bench.waitFor("cat", "submitted")
    if !isRunning {
      agent.terminate(SIGKILL)
      _ = try await agent.wait()
    }
    try bench.root.makeFolder("a")
    try bench.root.rename("cat.prompt", to: "a/dog.prompt")
    if !isRunning { agent = try await bench.watch() }
    try await done(bench, "a/dog", ["dog.png"])
    #expect(bench.posts.count == 1)
    #expect(try bench.names() == ["a"], "\(agent.standardError)")
  }

  @Test func overAnotherPrompt() async throws {
    let bench = try await Fixture(["cat": "a cat", "dog": "a dog"])
    _ = try await bench.watch()
    try await done(bench, "cat", ["cat.png"])
    try await done(bench, "dog", ["dog.png"])
    let (cat, dog) = (try bench.root.bytes("cat.png"), try bench.root.bytes("dog.png"))
    try bench.root.rename("cat.prompt", to: "dog.prompt")
    try await eventually(within: .seconds(20), "the cat's picture has the dog's name") {
      try bench.root.exists("dog.png") && bench.root.bytes("dog.png") == cat
    }
    #expect(try bench.root.bytes("dog.v1.png") == dog, "what was paid for is kept")
    try await eventually("its sidecar is gone") { !bench.root.exists("cat.status.json") }
    #expect(bench.posts.count == 2 && !bench.root.exists("cat.png"))
    try bench.root.write("rat.prompt", "a rat")
    try await done(bench, "rat", ["rat.png"])
    #expect(bench.posts.count == 3)
  }

  @Test func twoNamesForOneThatIsGone() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    #expect(link(bench.root.path("cat.prompt"), bench.root.path("dog.prompt")) == 0)
    try bench.root.rename("cat.prompt", to: "cow.prompt")
    let run = try await bench.once(["--copy-grace": "0s"])
    #expect(run.code == 0 && bench.posts.count == 2, "one of the two is a copy: \(run)")
    for name in ["dog", "cow"] { #expect(try bench.sidecar(name).state == "done" && bench.root.exists("\(name).png")) }
  }

  @Test func whileTheJournalIsLost() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    #expect(try await bench.once().code == 0)
    try bench.loseJournal()
    try bench.root.makeFolder("a")
    try bench.root.rename("cat.prompt", to: "a/dog.prompt")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    try await done(bench, "a/dog", ["dog.png"])
    #expect(try bench.names() == ["a"])
  }

  @Test func outOfTheRootAndBack() async throws {
    let bench = try await Fixture(["a/cat": "a cat"], delay: .seconds(3))
    let agent = try await bench.watch()
    try await bench.waitFor("a/cat", "submitted")
    let outside = try TemporaryFolder()
    #expect(rename(bench.root.path("a"), outside.path("a")) == 0)
    let kept = bench.stateDir + "/kept"
    try await eventually(within: .seconds(20), "its picture is kept: \(agent.standardError)") {
      try FileManager.default.fileExists(atPath: kept)
        && FileManager.default.contentsOfDirectory(atPath: kept).contains { $0.hasSuffix(".png") }
    }
    let status = try await bench.run("status")
    #expect(status.out.contains("kept  \(kept)/"), "\(status)")
    #expect(rename(outside.path("a"), bench.root.path("b")) == 0)
    try await done(bench, "b/cat", ["cat.png"])
    #expect(bench.posts.count == 1)
    try await eventually("nothing is kept any more") {
      try FileManager.default.contentsOfDirectory(atPath: kept).isEmpty
    }
  }

  // cp -r a b; mv a/mast.prompt c/; sed -i 's/count: 2/count: 3/' c/mast.prompt: one picture more, however many do so at once.
  @Test(arguments: [true, false]) func copiedThenMovedThenChanged(isRunning: Bool) async throws {
    let names = (1...4).map { "mast \($0)" }
    let bench = try await Fixture(
      Dictionary(uniqueKeysWithValues: names.map { ("a/\($0)", "---\ncount: 2\n---\n\($0)") }))
    var agent = try await bench.watch()
    for name in names { try await done(bench, "a/\(name)", ["\(name).png", "\(name)-2.png"]) }
    if !isRunning {
      agent.terminate()
      _ = try await agent.wait()
    }
    try FileManager.default.copyItem(atPath: bench.root.path("a"), toPath: bench.root.path("b"))
    try bench.root.makeFolder("c")
    for name in names {
      try bench.root.rename("a/\(name).prompt", to: "c/\(name).prompt")
      try bench.root.writeByRename("c/\(name).prompt", "---\ncount: 3\n---\n\(name)")
    }
    if !isRunning { agent = try await bench.watch() }
    for name in names {
      try await done(bench, "c/\(name)", ["\(name).png", "\(name)-2.png", "\(name)-3.png"])
      try await done(bench, "b/\(name)", ["\(name).png", "\(name)-2.png"])
    }
    #expect(bench.posts.count == 3 * names.count, "\(bench.paid) \(agent.standardError)")
    try await eventually(within: .seconds(20), "nothing is left behind") { try bench.root.list("a").isEmpty }
  }

  @Test func copiedAloneThenMoved() async throws {
    let names = (1...4).map { "sail \($0)" }
    let bench = try await Fixture(Dictionary(uniqueKeysWithValues: names.map { ("a/\($0)", $0) }))
    let agent = try await bench.watch()
    for name in names { try await done(bench, "a/\(name)", ["\(name).png"]) }
    let pictures = try names.map { try bench.root.bytes("a/\($0).png") }
    for name in ["b", "c"] { try bench.root.makeFolder(name) }
    for name in names {
      try FileManager.default.copyItem(
        atPath: bench.root.path("a/\(name).prompt"), toPath: bench.root.path("b/\(name).prompt"))
      try bench.root.rename("a/\(name).prompt", to: "c/\(name).prompt")
    }
    for name in names {
      for folder in ["b", "c"] { try await done(bench, "\(folder)/\(name)", ["\(name).png"]) }
    }
    // The copy is a job of its own; the one that was moved keeps its picture.
    #expect(bench.posts.count == 2 * names.count, "\(agent.standardError)")
    #expect(try names.map { try bench.root.bytes("c/\($0).png") } == pictures)
  }
}
