import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// What single files raise.
  @Suite struct Files {
    @Test func waysToWriteAPrompt() async throws {
      try await WatcherFixture.with { bench in
        let cat = bench.key("cat.prompt")
        let written = try await bench.during(until: .prompt(cat, .closed)) { try bench.write("cat.prompt") }
        #expect(written.first == .prompt(cat, .touched))
        #expect(written.last == .prompt(cat, .closed))
        let renamed = try await bench.during { try bench.place.writeByRename("root/cat.prompt", "A dog") }
        #expect(Set(renamed) == [.prompt(cat, .closed)], "the temporary name raises nothing")
        let linked = try await bench.during { #expect(link(bench.path("cat.prompt"), bench.path("dog.prompt")) == 0) }
        #expect(linked.contains(.prompt(bench.key("dog.prompt"), .touched)))
        #expect(!linked.contains(.prompt(bench.key("dog.prompt"), .closed)), "a hard link is never closed")
        let touched = try await bench.during { #expect(utimes(bench.path("dog.prompt"), nil) == 0) }
        #expect(Set(touched) == [.prompt(bench.key("dog.prompt"), .touched)])
        let symbolic = try await bench.during { symbolicLink("cat.prompt", at: bench.path("link.prompt")) }
        #expect(WatcherFixture.prompts(symbolic) == ["link.prompt"], "somebody has to say what is wrong with it")
      }
    }

    // What decides where the kernel does not tell whether a file is open.
    @Test func filesThatAreWrittenUntilTheyAreClosed() async throws {
      try await WatcherFixture.with { bench in
        func written(_ name: String) -> Bool { bench.writers.isWritten(bench.key(name)) }
        // It is watched once something in it was told of.
        let first = FolderEvent.prompt(bench.key("a/first.prompt"), .closed)
        try bench.makeFolder("a")
        try await eventually("the folder is watched") {
          try bench.write("a/first.prompt")
          return bench.events.contains(first)
        }
        for name in ["a/cat.prompt", "a/cat.images", "a/ref.png"] {
          let writer = try OpenWriter(bench.path(name))
          try writer.write("half")
          try await eventually("\(name) is written") { written(name) }
          writer.close()
          try await eventually("\(name) is closed") { !written(name) }
        }
        // Made and never written to, it may be a link to a complete file.
        _ = try await bench.during { #expect(link(bench.path("a/cat.prompt"), bench.path("dog.prompt")) == 0) }
        #expect(!written("dog.prompt"))
        let writer = try OpenWriter(bench.path("a/cat.prompt"))
        for change in ["remove", "rename", "renameFolder"] {
          let again = try OpenWriter(bench.path("a/\(change).prompt"))
          try again.write("half")
          try await eventually("\(change) is written") { written("a/\(change).prompt") }
          switch change {
          case "remove": try bench.remove("a/remove.prompt")
          case "rename": try bench.rename("a/rename.prompt", to: "other.prompt")
          default: try bench.rename("a", to: "b")
          }
          try await eventually("nobody writes to a name that is gone") { !written("a/\(change).prompt") }
        }
        writer.close()
      }
    }

    @Test func promptsThatGo() async throws {
      try await WatcherFixture.with(prepare: { place in
        for name in ["a", "b", "c"] { try place.write("root/\(name).prompt", "x") }
      }) { bench in
        let events = try await bench.during {
          try bench.remove("a.prompt")
          try bench.rename("b.prompt", to: "d.prompt")
          try bench.place.rename("root/c.prompt", to: "outside.prompt")
        }
        #expect(
          events == [
            .promptGone(bench.key("a.prompt")), .promptGone(bench.key("b.prompt")),
            .promptRenamed(from: bench.key("b.prompt"), to: bench.key("d.prompt")),
            .prompt(bench.key("d.prompt"), .closed), .promptGone(bench.key("c.prompt")),
          ])
      }
    }

    @Test func listsSpeakForTheirPrompt() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("outside", "y.png") }) { bench in
        let cat = bench.key("a/cat.prompt")
        try bench.makeFolder("a")
        let written = try await bench.during(until: .prompt(cat, .closed)) { try bench.write("a/cat.images", "x.png") }
        #expect(written.last == .prompt(cat, .closed))
        #expect(WatcherFixture.prompts(written) == ["a/cat.prompt"])
        let temporary = "a/.cat.images.Xy12Zz"
        let onItsWay = try await bench.during { try bench.place.rename("outside", to: "root/\(temporary)") }
        let name = Array(".cat.images.Xy12Zz".utf8)
        #expect(onItsWay == [.listOnItsWay(prompt: cat, temporary: name, present: true)])
        let arrived = try await bench.during { try bench.rename(temporary, to: "a/cat.images") }
        #expect(arrived == [.listOnItsWay(prompt: cat, temporary: name, present: false), .prompt(cat, .closed)])
        let gone = try await bench.during { try bench.remove("a/cat.images") }
        #expect(gone == [.prompt(cat, .found)], "what waits for its list goes on without it")
      }
    }

    @Test func defaultsThatChange() async throws {
      try await WatcherFixture.with { bench in
        try bench.makeFolder("a")
        let folder = FolderEvent.defaultsChanged(folder: bench.key("a"))
        #expect(Set(try await bench.during { try bench.write("a/.promptdrop.yaml", "model: x") }) == [folder])
        #expect(
          Set(try await bench.during { try bench.place.writeByRename("root/a/.promptdrop.yaml", "") }) == [folder])
        #expect(Set(try await bench.during { try bench.remove("a/.promptdrop.yaml") }) == [folder])
        let root = try await bench.during { try bench.write(".promptdrop.yaml", "model: x") }
        #expect(Set(root) == [.defaultsChanged(folder: bench.key(""))])
      }
    }

    @Test func sidecarsOfOthers() async throws {
      try await WatcherFixture.with { bench in
        let arrived = FolderEvent.sidecarArrived(prompt: bench.key("a/cat.prompt"))
        try bench.makeFolder("a")
        #expect(Set(try await bench.during { try bench.write("a/cat.status.json", "x") }) == [arrived])
        #expect(
          Set(try await bench.during { try bench.place.writeByRename("root/a/cat.promptdrop.status.json", "x") })
            == [arrived])
        #expect(
          Set(
            try await bench.during {
              try bench.write("a/.promptdrop-run-2.tmp", "x")
              try bench.rename("a/.promptdrop-run-2.tmp", to: "a/cat.status.json")
            }) == [arrived], "a name says nothing about who gave it")
      }
    }

    @Test func whatRaisesNothing() async throws {
      try await WatcherFixture.with { bench in
        let events = try await bench.during {
          for name in [
            "cat.png", "cat-2.png", ".promptdrop-run-1.tmp",
            "notes.txt",
            ".cat.prompt.swp", "cat.prompt~", ".hidden.prompt", ".git/x.prompt", "@eaDir/x.prompt",
          ] {
            try bench.write(name, "x")
            try bench.place.writeByRename("root/\(name)", "y")
            try bench.remove(name)
          }
        }
        #expect(events.isEmpty)
        #expect(bench.watches == 1, "hidden folders are not watched")
      }
    }

    @Test func awaitedFiles() async throws {
      try await WatcherFixture.with { bench in
        try bench.makeFolder("pics")
        bench.await(["pics/ref.png", "late/ref.png", "cat.images"])
        let awaited = FolderEvent.awaited(bench.key("pics/ref.png"))
        let events = try await bench.during {
          try bench.write("pics/ref.png", "x")
          try bench.write("pics/other.png", "x")
        }
        #expect(Set(events) == [awaited])
        let late = try await bench.during {
          try bench.place.write("outside/ref.png", "x")
          try bench.place.rename("outside", to: "root/late")
        }
        #expect(late.contains(.awaited(bench.key("late/ref.png"))), "it came with its folder")
        let list = try await bench.during { try bench.write("cat.images", "x") }
        #expect(list.contains(.awaited(bench.key("cat.images"))))
        bench.await([])
        #expect(try await bench.during { try bench.write("pics/ref.png", "y") }.isEmpty)
      }
    }

    @Test func theFirstScanFindsEverything() async throws {
      try await WatcherFixture.with(prepare: { place in
        for name in [
          "cat.prompt", "a/b/c/deep.prompt", "a/list.images", ".hid/x.prompt", ".promptdrop-old-1.tmp", "x.png",
        ] {
          try place.write("root/\(name)", "x")
        }
        try place.makeFolder("root/folder.prompt")
        symbolicLink("..", at: place.path("root/loop"))
      }) { bench in
        let found = bench.events.filter { if case .leftover = $0 { false } else { $0 != .scanned(RootID(1)) } }
        let names = ["cat.prompt", "a/b/c/deep.prompt", "folder.prompt"]
        #expect(Set(found) == Set(names.map { .prompt(bench.key($0), .found) }))
        #expect(found.count == 3, "each once, and no list without its prompt")
        #expect(bench.events.contains(.leftover(bench.key(".promptdrop-old-1.tmp"))))
        #expect(bench.events.last == .scanned(RootID(1)))
        #expect(bench.watches == 5)
        bench.rescan()
        try await eventually("the second scan") { bench.scans(RootID(1)) == 2 }
        #expect(bench.events.filter { $0 == .prompt(bench.key("a/b/c/deep.prompt"), .found) }.count == 2)
        #expect(bench.watches == 5)
      }
    }

    @Test func aRescanComesByItself() async throws {
      try await WatcherFixture.with(interval: .milliseconds(50)) { bench in
        try await eventually("three scans") { bench.scans(RootID(1)) >= 3 }
      }
    }

    @Test func anotherInotifyOfTheProcessIsNotMistaken() async throws {
      try await WatcherFixture.with(decoys: true) { bench in
        let events = try await bench.during(within: .seconds(3)) { try bench.write("cat.prompt") }
        #expect(WatcherFixture.prompts(events) == ["cat.prompt"])
      }
    }
  }
}
