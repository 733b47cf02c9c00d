import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// Recycle bins and the like: nothing in them is heard of, and it is said where they are.
  @Suite struct LeavingOut {
    private func named(_ bench: WatcherFixture) -> [String] {
      let root = bench.path("")
      return bench.conditions.filter { $0.mode == .skipped }.map {
        String(String(decoding: $0.path, as: UTF8.self).dropFirst(root.count))
      }
    }

    @Test(arguments: [FolderWatcher.Options.Mode.auto, .poll])
    func nothingInsideIsWatchedOrFound(_ mode: FolderWatcher.Options.Mode) async throws {
      try await WatcherFixture.with(
        mode: mode,
        prepare: { place in
          for folder in ["#recycle", "a/@Recycle/b", "lost+found", ".git"] {
            try place.write("root/\(folder)/cat.prompt", "x")
          }
          try place.write("root/a/dog.prompt", "x")
        }
      ) { bench in
        #expect(WatcherFixture.prompts(bench.events) == ["a/dog.prompt"])
        #expect(mode == .poll || bench.watches == 2, "the root and the folder a")
        try await eventually("they are named") { named(bench) == ["#recycle", "a/@Recycle", "lost+found"] }
        try bench.write("#recycle/new.prompt")
        #expect(try await !bench.look().contains("#recycle/new.prompt"))
        try bench.makeFolder("a/$RECYCLE.BIN")
        try bench.remove("lost+found")
        _ = try await bench.look()
        try await eventually("what came is named, and what went is not") {
          named(bench) == ["#recycle", "a/$RECYCLE.BIN", "a/@Recycle"]
        }
      }
    }

    @Test func whatIsMovedThereIsGone() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.write("root/cat.prompt", "x")
        try place.write("root/set/deep/dog.prompt", "x")
        try place.makeFolder("root/#recycle")
      }) { bench in
        let file = try await bench.during(until: .promptGone(bench.key("cat.prompt"))) {
          try bench.rename("cat.prompt", to: "#recycle/cat.prompt")
        }
        #expect(!file.contains { if case .promptRenamed = $0 { true } else { false } })
        let folder = try await bench.during(until: .folderVanished(bench.key("set"))) {
          try bench.rename("set", to: "#recycle/set")
        }
        #expect(!folder.contains { if case .folderRenamed = $0 { true } else { false } })
        try await eventually("the folder is let go") { bench.watches == 1 }
        let back = try await bench.during {
          try bench.rename("#recycle/set", to: "set")
          try bench.rename("#recycle/cat.prompt", to: "cat.prompt")
        }
        #expect(WatcherFixture.prompts(back) == ["set/deep/dog.prompt", "cat.prompt"])
      }
    }

    @Test func aFolderThatTakesSuchANameIsGone() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/set/dog.prompt", "x") }) { bench in
        _ = try await bench.during(until: .folderVanished(bench.key("set"))) { try bench.rename("set", to: "@Recycle") }
        try await eventually("it is named") { named(bench) == ["@Recycle"] }
        let back = try await bench.during { try bench.rename("@Recycle", to: "set") }
        #expect(WatcherFixture.prompts(back) == ["set/dog.prompt"])
        try await eventually("it is not named any more") { named(bench).isEmpty }
      }
    }

    @Test func aRootThatIsSuchAFolderIsWatched() async throws {
      try await WatcherFixture.with(
        roots: ["root/#recycle"], prepare: { try $0.write("root/#recycle/cat.prompt", "x") }
      ) {
        bench in
        #expect(WatcherFixture.prompts(bench.events) == ["cat.prompt"])
        #expect(named(bench).isEmpty)
      }
    }
  }
}

/// Who looks at a prompt in a recycle bin finds none.
@Suite struct LeftOutFilesTests {
  @Test func aPromptInABinIsNotThere() async throws {
    let bench = try FilesFixture()
    try bench.write("#recycle/cat.prompt", "a cat")
    try bench.write("a/.Trash-1000/files/cat.prompt", "a cat")
    try bench.write("a/cat.prompt", "a cat")
    for path in ["#recycle/cat.prompt", "a/.Trash-1000/files/cat.prompt"] {
      #expect(await bench.files.look(bench.key(path)) == .missing)
      let last = await bench.files.lookBeforeSending(bench.key(path), list: bench.key(path))
      #expect(last.prompt == .missing, "what waits in the queue is not sent from there")
      let reading = try await bench.readOne(path)
      #expect(reading.prompt == .missing && reading.promptBytes == nil)
      #expect(await !bench.files.hasPlace(beside: bench.key(path), device: nil))
    }
    #expect(try await bench.files.prompts(below: bench.key("")).prompts.map(\.path.display) == ["a/cat.prompt"])
    #expect(try await bench.files.prompts(below: bench.key("#recycle")).prompts.isEmpty)
    // A file that a prompt names may lie anywhere.
    try bench.place.write("root/#recycle/ref.png", bytes: sample(100))
    guard case .image = await bench.files.readReference(bench.key("#recycle/ref.png"), limit: 1000, evenIfOpen: false)
    else {
      Issue.record("the reference image is not found")
      return
    }
  }
}
