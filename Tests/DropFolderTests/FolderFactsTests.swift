import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// What folders say is remembered while every change is heard of, and no longer.
  @Suite struct Facts {
    private func defaults(_ bench: WatcherFixture, _ path: String) async -> [String] {
      await bench.files.folderDefaults(above: bench.key(path), limit: 1000).map { defaults in
        (try? defaults.content.get()).map { String(decoding: $0, as: UTF8.self) } ?? "unreadable"
      }
    }

    @Test func whatChangesIsReadAnew() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.makeFolder("root/a/b")
        try place.write("root/.promptdrop.yaml", "root")
        try place.write("root/a/b/.promptdrop.yaml", "b")
      }) { bench in
        #expect(await defaults(bench, "a/b/cat.prompt") == ["b", "root"])
        #expect(await defaults(bench, "a/b/cat.prompt") == ["b", "root"])
        for number in 0..<100 {
          let folder = ["", "a/", "a/b/"][number % 3]
          let changed = FolderEvent.defaultsChanged(folder: bench.key(String(folder.dropLast())))
          _ = try await bench.during(until: changed) {
            switch number % 4 {
            case 0: try bench.write(folder + ".promptdrop.yaml", "\(number)")
            case 1: try bench.place.writeByRename("root/" + folder + ".promptdrop.yaml", "\(number)")
            default:
              try bench.write(folder + ".promptdrop.yaml", "x")
              try bench.remove(folder + ".promptdrop.yaml")
            }
          }
          let expected = ["a/b/", "a/", ""].compactMap { try? bench.place.read("root/" + $0 + ".promptdrop.yaml") }
          #expect(await defaults(bench, "a/b/cat.prompt") == expected, "\(number)")
        }
      }
    }

    // Events of a folder come before those of what is put into it afterwards: who has heard of a prompt has its defaults.
    @Test func whoHearsOfAPromptReadsTheDefaultsThatWereThereBefore() async throws {
      try await WatcherFixture.with(prepare: { try $0.makeFolder("root/a") }) { bench in
        for number in 0..<300 {
          _ = await defaults(bench, "a/cat.prompt")
          try bench.place.writeByRename("root/a/.promptdrop.yaml", "\(number)")
          try bench.place.writeByRename("root/a/cat-\(number).prompt", "A cat")
          let reported = FolderEvent.prompt(bench.key("a/cat-\(number).prompt"), .closed)
          try await eventually("the prompt is told of") { bench.events.contains(reported) }
          #expect(await defaults(bench, "a/cat-\(number).prompt") == ["\(number)"])
        }
      }
    }

    @Test func foldersThatMoveAreOthers() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/a/b/.promptdrop.yaml", "old") }) { bench in
        #expect(await defaults(bench, "a/b/cat.prompt") == ["old"])
        let moved = FolderEvent.folderRenamed(from: bench.key("a"), to: bench.key("c"))
        _ = try await bench.during(until: moved) {
          try bench.rename("a", to: "c")
          try bench.makeFolder("a/b")
        }
        #expect(await defaults(bench, "a/b/cat.prompt") == [])
        #expect(await defaults(bench, "c/b/cat.prompt") == ["old"])
        _ = try await bench.during(until: .promptGone(bench.key("c/b/x.prompt"))) {
          try bench.write("c/b/x.prompt")
          try bench.remove("c/b/x.prompt")
          try bench.place.remove("root/c")
          try bench.makeFolder("c/b")
        }
        #expect(await defaults(bench, "c/b/cat.prompt") == [])
      }
    }

    @Test func marksOfSyncTools() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/a/cat.prompt", "x") }) { bench in
        let cat = bench.key("a/cat.prompt")
        for _ in 0..<3 {
          _ = await defaults(bench, "a/cat.prompt")
          #expect(await !bench.files.hasSyncMark(above: cat))
          #expect(await !bench.files.hasSyncMark(above: cat))
          _ = try await bench.during(until: .syncMark(folder: bench.key("a"))) { try bench.makeFolder("a/.stfolder") }
          _ = await defaults(bench, "a/cat.prompt")
          #expect(await bench.files.hasSyncMark(above: cat))
          _ = try await bench.during(until: .syncMarkGone(folder: bench.key("a"))) { try bench.remove("a/.stfolder") }
        }
      }
    }

    @Test func whatIsPolledIsReadEachTime() async throws {
      try await WatcherFixture.with(mode: .poll, prepare: { try $0.write("root/.promptdrop.yaml", "1") }) { bench in
        #expect(await defaults(bench, "cat.prompt") == ["1"])
        try bench.write(".promptdrop.yaml", "2")
        #expect(await defaults(bench, "cat.prompt") == ["2"])
      }
    }
  }

  @Suite struct FactsMemory {
    // The change may have come after the reading and before the remembering.
    @Test func whatWasReadBeforeAChangeIsNotRemembered() {
      let facts = FolderFacts()
      let (a, b) = (DropPath("a"), DropPath("b"))
      let changes = facts.changes
      facts.remember(.init(limit: 9), of: a, since: changes)
      #expect(facts.knows(a) && facts.known(a, limit: 9) != nil && facts.known(a, limit: 8) == nil)
      facts.forget(b)
      facts.remember(.init(limit: 9), of: b, since: changes)
      #expect(!facts.knows(b))
      #expect(facts.knows(a))
      facts.remember(isMarked: true, of: a, since: changes)
      #expect(facts.isMarked(a) == nil)
      facts.remember(isMarked: true, of: a, since: facts.changes)
      #expect(facts.isMarked(a) == true)
      facts.forgetAll()
      #expect(!facts.knows(a))
    }
  }
}
