import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// Which files stand for a prompt's list and its folders' defaults, where no watcher keeps their names.
@Suite(.timeLimit(.minutes(1))) struct ControlReadingTests {
  private let bench: FilesFixture

  init() throws { bench = try FilesFixture() }

  @Test func aListUnderNearlyTheRightName() async throws {
    try bench.write("a/cat.prompt", "A cat")
    try bench.write("a/CAT.IMAGES", "x.png")
    let reading = try await bench.readOne("a/cat.prompt")
    #expect(reading.listBytes == Array("x.png".utf8) && reading.listFile == bench.key("a/CAT.IMAGES"))
    #expect(reading.unclear.isEmpty)
    // The exact name is the prompt's own.
    try bench.write("a/cat.images", "y.png")
    let exact = try await bench.readOne("a/cat.prompt")
    #expect(exact.listBytes == Array("y.png".utf8) && exact.listFile == bench.key("a/cat.images"))
  }

  @Test func whatIsNotClearIsReported() async throws {
    try bench.write("cat.prompt", "A cat")
    try bench.write("cat.images.txt", "x.png")
    try bench.place.makeFolder("root/cat.images.md")
    let named = try await bench.readOne("cat.prompt")
    #expect(named.list == .missing)
    #expect(named.unclear == [UnclearControl(.list, [bench.key("cat.images.txt")], .name)])
    symbolicLink("cat.images.txt", at: bench.path("cat.images"))
    let linked = try await bench.readOne("cat.prompt")
    #expect(linked.unclear == [UnclearControl(.list, [bench.key("cat.images")], .notAFile("a symbolic link"))])
  }

  @Test func defaultsOfEachFolder() async throws {
    try bench.write("a/b/cat.prompt", "A cat")
    try bench.write("a/.PromptDrop.YAML", "model: m")
    try bench.write(".promptdrop.yml", "model: n")
    try bench.write("a/b/promptdrop.yaml", "model: o")
    let reading = try await bench.readOne("a/b/cat.prompt")
    #expect(reading.defaults.map(\.file) == [bench.key("a/.PromptDrop.YAML")])
    #expect(
      reading.unclear == [
        UnclearControl(.defaults, [bench.key("a/b/promptdrop.yaml")], .name, content: Array("model: o".utf8)),
        UnclearControl(.defaults, [bench.key(".promptdrop.yml")], .name),
      ])
    #expect(await bench.files.folderDefaults(above: bench.key("a/b/cat.prompt"), limit: 1000).count == 1)
  }

  @Test func aReferenceOfTheSameLetters() async throws {
    try bench.place.write("root/e\u{301}/cafe\u{301}.png", bytes: sample(100))
    #expect(
      await bench.files.lookalike(of: bench.key("\u{E9}/caf\u{E9}.png")) == .same(bench.key("e\u{301}/cafe\u{301}.png"))
    )
    #expect(await bench.files.lookalike(of: bench.key("\u{E9}/dog.png")) == .none)
    #expect(
      await bench.files.lookalike(of: bench.key("\u{E9}/CAF\u{C9}.png"))
        == .similar(DropPath("e\u{301}/cafe\u{301}.png")))
    let content = try await bench.files.referenceContent(
      bench.key("\u{E9}/caf\u{E9}.png"), limit: 1000, evenIfOpen: false)
    #expect(content?.bytes == sample(100))
  }
}

extension WatcherTests {
  /// Files that may be meant as control files arm the prompts that they would belong to.
  @Suite struct ControlFiles {
    @Test(arguments: ["CAT.IMAGES", "Cat.images"]) func aListUnderNearlyTheRightName(name: String) async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/d/cat.prompt", "x") }) { bench in
        try await bench.confirm(["d/cat.prompt"])
        #expect(try await bench.look().isEmpty)
        let prompt = FolderEvent.prompt(bench.key("d/cat.prompt"), .found)
        let steps: [() throws -> Void] = [
          { try bench.write("d/\(name)", "one") }, { try bench.write("d/\(name)", "others") },
          { try bench.remove("d/\(name)") },
        ]
        for step in steps {
          let events = try await bench.during(until: prompt, step)
          #expect(WatcherFixture.prompts(events).contains("d/cat.prompt"))
          try await bench.confirm(["d/cat.prompt"])
          let again = try await bench.look()
          #expect(!again.contains("d/cat.prompt"), "and once known, it is known")
        }
      }
    }

    @Test(arguments: [".PromptDrop.yaml", ".promptdrop.yml", "promptdrop.yaml"])
    func defaultsUnderNearlyTheRightName(name: String) async throws {
      try await WatcherFixture.with(prepare: { try $0.makeFolder("root/d") }) { bench in
        let changed = FolderEvent.defaultsChanged(folder: bench.key("d"))
        let steps: [() throws -> Void] = [
          { try bench.write("d/\(name)", "model: m") }, { try bench.remove("d/\(name)") },
        ]
        for step in steps {
          let events = try await bench.during(until: changed, step)
          #expect(events.contains(changed))
        }
      }
    }

    @Test func aPolledFolderToo() async throws {
      try await WatcherFixture.with(mode: .poll, prepare: { try $0.write("root/cat.prompt", "x") }) { bench in
        try await bench.confirm(["cat.prompt"])
        _ = try await bench.look()
        let before = bench.events.count
        try bench.write("CAT.images", "one")
        try await eventually("the prompt is told of") {
          WatcherFixture.prompts(Array(bench.events[before...])).contains("cat.prompt")
        }
        try await bench.confirm(["cat.prompt"])
      }
    }

    @Test func listsInCrowdsCostNoLooks() async throws {
      try await WatcherFixture.with { bench in
        let events = try await bench.during {
          for number in 0..<500 {
            try bench.write("p\(number).images", "one")
            try bench.write("p\(number).prompt", "x")
          }
        }
        #expect(WatcherFixture.prompts(events).count == 500)
        let found = events.filter { if case .prompt(_, .found) = $0 { true } else { false } }
        #expect(found.count < 2000, "\(found.count)")
      }
    }

    @Test func anAwaitedFileOfTheSameLettersIsReported() async throws {
      try await WatcherFixture.with { bench in
        bench.await(["caf\u{E9}.png"])
        let reported = FolderEvent.awaited(bench.key("caf\u{E9}.png"))
        let events = try await bench.during(until: reported) { try bench.write("cafe\u{301}.png", "x") }
        #expect(events.contains(reported))
      }
    }
  }
}
