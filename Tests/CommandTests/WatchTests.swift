import Foundation
import ProgramKit
import TestKit
import Testing

/// However a file comes into the folder, it is taken once, and complete.
@Suite(.serialized) struct WatchTests {
  enum Arrival: String, CaseIterable {
    case inPlace, renamed, newFolders, movedFolder, copiedFolder, hardLink, overwritten, movedFromOutside, twoSteps

    func make(_ bench: Fixture) throws -> String {
      let (root, manager) = (bench.root, FileManager.default)
      switch self {
      case .inPlace: try root.write("cat.prompt", "a cat")
      case .renamed: try root.writeByRename("cat.prompt", "a cat")
      case .newFolders:
        try root.write("a/b/c/cat.prompt", "a cat")
        return "a/b/c/cat"
      case .movedFolder, .copiedFolder:
        try bench.home.write("outside/deep/cat.prompt", "a cat")
        if self == .movedFolder {
          try manager.moveItem(atPath: bench.home.path("outside"), toPath: root.path("in"))
        } else {
          try manager.copyItem(atPath: bench.home.path("outside"), toPath: root.path("in"))
        }
        return "in/deep/cat"
      case .hardLink:
        try bench.home.write("cat", "a cat")
        try manager.linkItem(atPath: bench.home.path("cat"), toPath: root.path("cat.prompt"))
      case .overwritten:
        try root.write("cat.prompt", "")
        try root.write("cat.prompt", "a cat")
      case .movedFromOutside:
        try bench.home.write("cat", "a cat")
        try manager.moveItem(atPath: bench.home.path("cat"), toPath: root.path("cat.prompt"))
      case .twoSteps:
        try root.write("cat.prompt", "")
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: root.path("cat.prompt")))
        try handle.write(contentsOf: Data("a ".utf8))
        try handle.write(contentsOf: Data("cat".utf8))
        try handle.close()
      }
      return "cat"
    }
  }

  @Test(arguments: Arrival.allCases) func isTakenOnceAndComplete(_ arrival: Arrival) async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch(["--settle": "300ms", "--rescan": "0s"])
    let name = try arrival.make(bench)
    try await bench.waitFor(name, "done")
    // And what comes after it in the same folder is seen too.
    let next = (name as NSString).deletingLastPathComponent + "/dog"
    try bench.root.write("\(next).prompt", "a dog")
    try await bench.waitFor(next, "done")
    #expect(bench.paid == ["a cat", "a dog"], "\(agent.standardError)")
  }

  @Test func aSlowWriterIsWaitedFor() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch(["--settle": "1s"])
    try bench.root.write("cat.prompt", "")
    let words = (0..<12).map { "word \($0) " }
    for word in words {
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: bench.root.path("cat.prompt")))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(word.utf8))
      try handle.close()
      // The writer's own slowness is what is tested.
      try await Task.sleep(for: .milliseconds(100))
    }
    try await bench.waitFor("cat", "done")
    #expect(
      bench.posts.map(\.prompt) == [words.joined().trimmingCharacters(in: .whitespaces)], "\(agent.standardError)")
  }

  @Test func aBurstOfFilesIsTakenWhole() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch()
    for number in 0..<60 {
      try bench.root.write("d\(number % 7)/e\(number % 3)/p\(number).prompt", "picture \(number)")
    }
    try await eventually(within: .seconds(40), "all are made: \(bench.paid.count) \(agent.standardError)") {
      try (0..<60).allSatisfy { number in
        bench.root.exists("d\(number % 7)/e\(number % 3)/p\(number).status.json")
          ? try bench.sidecar("d\(number % 7)/e\(number % 3)/p\(number)").state == "done" : false
      }
    }
    #expect(bench.posts.count == 60 && Set(bench.paid).count == 60)
  }

  @Test func aMovedFolderTakesItsJobsAlong() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch()
    try bench.root.write("a/cat.prompt", "a cat")
    try await bench.waitFor("a/cat", "done")
    try bench.root.rename("a", to: "b")
    try bench.root.write("b/dog.prompt", "a dog")
    try await bench.waitFor("b/dog", "done")
    try bench.root.write("b/cat.prompt", "a cat\n")
    try bench.root.write("b/cow.prompt", "a cow")
    try await bench.waitFor("b/cow", "done")
    #expect(bench.paid == ["a cat", "a dog", "a cow"], "\(agent.standardError)")
    #expect(try bench.sidecar("b/cat").state == "done")
  }

  @Test func aFolderThatIsMadeAnewUnderItsNameIsHeard() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch(["--rescan": "0s"])
    for round in 0..<3 {
      try bench.root.write("sub/p\(round).prompt", "picture \(round)")
      try await bench.waitFor("sub/p\(round)", "done")
      try bench.root.remove("sub")
    }
    #expect(bench.posts.count == 3, "\(agent.standardError)")
  }

  @Test func editorsSaveAsTheyDo() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    let agent = try await bench.watch(["--settle": "300ms"])
    try await bench.waitFor("cat", "done")
    // As vim does: the old one becomes a backup, the new one is written under the name, the backup goes.
    try bench.root.rename("cat.prompt", to: "cat.prompt~")
    try bench.root.write("cat.prompt", "a cat in a hat")
    try bench.root.remove("cat.prompt~")
    try await eventually(within: .seconds(30), "the new words are made: \(agent.standardError)") {
      let sidecar = try bench.sidecar("cat")
      return sidecar.revision == 2 && sidecar.state == "done"
    }
    #expect(bench.paid == ["a cat", "a cat in a hat"])
    #expect(try bench.names() == ["cat.png", "cat.prompt", "cat.status.json", "cat.v1.png"])
  }
}
