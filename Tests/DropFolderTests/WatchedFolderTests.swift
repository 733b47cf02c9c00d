import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// Folders that come, go and are renamed.
  @Suite struct Folders {
    @Test func foldersMadeAndFilledAtOnce() async throws {
      try await WatcherFixture.with { bench in
        for round in 1...20 {
          let folder = "r\(round)/b/c"
          let events = try await bench.during {
            try await bench.run("/bin/sh", "-c", "mkdir -p \(folder) && echo x > \(folder)/x.prompt")
          }
          #expect(
            WatcherFixture.prompts(events) == ["\(folder)/x.prompt"], "the inner events are lost, the file is not")
          let later = try await bench.during { try bench.write("\(folder)/later.prompt") }
          #expect(WatcherFixture.prompts(later).contains("\(folder)/later.prompt"))
        }
      }
    }

    @Test func copiesAndArchives() async throws {
      try await WatcherFixture.with(prepare: { place in
        for number in 0..<30 { try place.write("root/set/d\(number % 5)/e/\(number).prompt", "\(number)") }
      }) { bench in
        func names(_ folder: String) -> Set<String> { Set((0..<30).map { "\(folder)/d\($0 % 5)/e/\($0).prompt" }) }
        let copied = try await bench.during { try await bench.run("/bin/cp", "-r", "set", "copy") }
        #expect(WatcherFixture.prompts(copied) == names("copy"))
        let linked = try await bench.during { try await bench.run("/bin/cp", "-rl", "set", "linked") }
        #expect(WatcherFixture.prompts(linked) == names("linked"))
        try await bench.run("/bin/tar", "cf", "set.tar", "set")
        try await bench.run("/bin/rm", "-r", "set", "copy", "linked")
        let unpacked = try await bench.during { try await bench.run("/bin/tar", "xf", "set.tar") }
        #expect(WatcherFixture.prompts(unpacked) == names("set"))
        let again = try await bench.during { try await bench.run("/bin/tar", "xf", "set.tar") }
        #expect(WatcherFixture.prompts(again) == names("set"))
        #expect(WatcherFixture.gone(again).isSubset(of: names("set")))
      }
    }

    @Test func aFolderMovedInside() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.write("root/a/b/cat.prompt", "x")
        try place.makeFolder("root/z")
      }) { bench in
        let moved = try await bench.during { try bench.rename("a", to: "z/y") }
        #expect(WatcherFixture.prompts(moved) == ["z/y/b/cat.prompt"])
        let after = try await bench.during {
          try bench.write("z/y/b/dog.prompt")
          try bench.write("z/y/b/cat.prompt")
        }
        #expect(WatcherFixture.prompts(after) == ["z/y/b/dog.prompt", "z/y/b/cat.prompt"])
        #expect(bench.watches == 4)
      }
    }

    @Test func aFolderRenamedOverAndOver() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/n0/in/cat.prompt", "x") }) { bench in
        let events = try await bench.during {
          for number in 0..<50 { try bench.rename("n\(number)", to: "n\(number + 1)") }
          try bench.write("n50/in/dog.prompt")
        }
        #expect(WatcherFixture.prompts(events).contains("n50/in/dog.prompt"))
        #expect(!WatcherFixture.prompts(events).contains { $0.hasSuffix("dog.prompt") && !$0.hasPrefix("n50/") })
        #expect(bench.events.contains(.prompt(bench.key("n50/in/cat.prompt"), .found)))
        #expect(bench.watches == 3)
      }
    }

    @Test func foldersThatChangePlaces() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.write("root/a/one.prompt", "x")
        try place.write("root/b/two.prompt", "x")
      }) { bench in
        let events = try await bench.during {
          try bench.rename("a", to: "t")
          try bench.rename("b", to: "a")
          try bench.rename("t", to: "b")
          try bench.write("a/new-a.prompt")
          try bench.write("b/new-b.prompt")
        }
        #expect(
          WatcherFixture.prompts(events).isSuperset(of: [
            "a/two.prompt", "b/one.prompt", "a/new-a.prompt", "b/new-b.prompt",
          ]))
        // And one into the other, inside out.
        let turned = try await bench.during {
          try bench.rename("a", to: "b/a")
          try bench.rename("b/a", to: "c")
          try bench.rename("b", to: "c/b")
          try bench.write("c/b/last.prompt")
        }
        #expect(WatcherFixture.prompts(turned).contains("c/b/last.prompt"))
        #expect(bench.watches == 3)
      }
    }

    @Test func aFolderMovedIn() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("outside/b/cat.prompt", "x") }) { bench in
        let moved = try await bench.during { try bench.place.rename("outside", to: "root/in") }
        #expect(WatcherFixture.prompts(moved) == ["in/b/cat.prompt"])
        let after = try await bench.during { try bench.write("in/b/dog.prompt") }
        #expect(WatcherFixture.prompts(after) == ["in/b/dog.prompt"])
      }
    }

    @Test func aFolderMovedOutIsLetGo() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/a/b/cat.prompt", "x") }) { bench in
        #expect(bench.watches == 3)
        try bench.place.rename("root/a", to: "outside")
        try await eventually("its watches are dropped") { bench.watches == 1 }
        let events = try await bench.during {
          try bench.place.write("outside/b/dog.prompt", "x")
          try bench.place.remove("outside/b/cat.prompt")
        }
        #expect(events.isEmpty, "what is outside is nobody's business")
        let back = try await bench.during { try bench.place.rename("outside", to: "root/back") }
        #expect(WatcherFixture.prompts(back) == ["back/b/dog.prompt"])
        let after = try await bench.during { try bench.write("back/b/cat.prompt") }
        #expect(WatcherFixture.prompts(after) == ["back/b/cat.prompt"])
      }
    }

    @Test func aFolderMovedOutIsLetGoWhileTheRootIsBusy() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/a/b/cat.prompt", "x") }) { bench in
        let writer = Busy { _ = try? bench.write("busy.txt", "x") }
        defer { writer.stop() }
        try bench.place.rename("root/a", to: "outside")
        try await eventually(within: .seconds(2), "its watches are dropped, busy or not") { bench.watches == 1 }
      }
    }

    @Test func aFolderMovedToAHiddenPlace() async throws {
      try await WatcherFixture.with(prepare: { place in
        try place.write("root/a/b/cat.prompt", "x")
        try place.makeFolder("root/.trash")
      }) { bench in
        try bench.rename("a", to: ".trash/a")
        try await eventually("its watches are dropped") { bench.watches == 1 }
        try bench.makeFolder("c")
        try bench.rename("c", to: ".c")
        try await eventually("its watch is dropped") { bench.watches == 1 }
        #expect(try await bench.during { try bench.write(".c/x.prompt") }.isEmpty)
        let back = try await bench.during { try bench.rename(".c", to: "c") }
        #expect(WatcherFixture.prompts(back) == ["c/x.prompt"])
      }
    }

    @Test func aFolderDeletedAndMadeAnew() async throws {
      try await WatcherFixture.with { bench in
        for round in 1...30 {
          let events = try await bench.during {
            try bench.write("a/b/\(round).prompt")
            try bench.remove("a")
            try bench.write("a/b/again-\(round).prompt")
          }
          #expect(WatcherFixture.prompts(events).contains("a/b/again-\(round).prompt"))
          let after = try await bench.during { try bench.write("a/b/after-\(round).prompt") }
          #expect(WatcherFixture.prompts(after).contains("a/b/after-\(round).prompt"))
          try bench.remove("a")
        }
        try await eventually("no watch is left over") { bench.watches == 1 }
      }
    }

    @Test func twoThousandFolders() async throws {
      try await WatcherFixture.with(prepare: { place in
        for number in 0..<1000 { try place.write("root/old/\(number % 10)/\(number)/x.prompt", "") }
      }) { bench in
        #expect(WatcherFixture.prompts(bench.events).count == 1000)
        let events = try await bench.during {
          for number in 0..<1000 { try bench.write("new/\(number % 10)/\(number)/x.prompt", "") }
        }
        #expect(WatcherFixture.prompts(events).count == 1000)
        try bench.rename("old", to: "new/old")
        try await eventually("all of them are told of in their new place") {
          WatcherFixture.prompts(bench.events).count { $0.hasPrefix("new/old/") } == 1000
        }
        #expect(bench.events.contains(.folderRenamed(from: bench.key("old"), to: bench.key("new/old"))))
        #expect(bench.watches == 2023, "root, new, old, ten in each, and a thousand in each")
        let one = try await bench.during { try bench.write("new/old/7/7/y.prompt") }
        #expect(WatcherFixture.prompts(one) == ["new/old/7/7/y.prompt"])
      }
    }

    @Test func aFolderOnItsWayToAnotherRoot() async throws {
      try await WatcherFixture.with(
        roots: ["root", "second"], prepare: { try $0.write("root/a/b/cat.prompt", "x") }
      ) { bench in
        try bench.place.rename("root/a", to: "second/a")
        let found = FolderEvent.prompt(bench.key("a/b/cat.prompt", root: 2), .found)
        try await eventually("it is found in the second root") { bench.events.contains(found) }
        let events = try await bench.during { try bench.place.write("second/a/b/dog.prompt", "x") }
        #expect(events.contains(.prompt(bench.key("a/b/dog.prompt", root: 2), .touched)))
        #expect(bench.watches == 4)
      }
    }

    @Test func aRootThatIsRenamed() async throws {
      try await WatcherFixture.with(roots: ["root", "second"]) { bench in
        try bench.place.rename("second", to: "elsewhere")
        try await eventually("it is told") { bench.events.contains(.rootGone(RootID(2))) }
        #expect(!bench.events.contains(.rootGone(RootID(1))))
      }
    }

    @Test func aRootThatIsGoneIsReportedForAsLongAsItIs() async throws {
      try await WatcherFixture.with(roots: ["root", "second"], reminder: .milliseconds(100)) { bench in
        @Sendable func reminders() -> Int {
          bench.events.count { event in
            if case .trouble(let error) = event { error.code == "root-gone" } else { false }
          }
        }
        try bench.place.rename("second", to: "elsewhere")
        try await eventually("it is told again and again") { reminders() > 2 }
        #expect(bench.events.count { $0 == .rootGone(RootID(2)) } == 1)
        try bench.place.rename("elsewhere", to: "second")
        try await eventually("it is taken up again") { bench.events.contains(.rootBack(RootID(2))) }
        let before = reminders()
        _ = try await bench.during {}
        #expect(reminders() == before)
      }
    }

    @Test func aRootThatIsDeletedAndMadeAnew() async throws {
      try await WatcherFixture.with(roots: ["root", "second"]) { bench in
        try bench.place.remove("second")
        try bench.place.write("second/cat.prompt", "x")
        bench.rescan()
        try await eventually("a second look") { bench.scans(RootID(1)) == 2 }
        _ = try await bench.during {}
        let gone = FolderEvent.rootGone(RootID(2))
        #expect(
          bench.events.contains(gone), "the folder that is open and locked is not the one with that name any more")
      }
    }

    @Test func aRootWhoseParentIsRenamed() async throws {
      try await WatcherFixture.with(roots: ["root", "up/second"]) { bench in
        try bench.place.rename("up", to: "down")
        try bench.place.write("down/second/sub/cat.prompt", "x")
        _ = try await bench.during {}
        try bench.place.write("down/second/sub/dog.prompt", "x")
        try await eventually(within: .seconds(2), "the new folder is watched, or the root is said to be gone") {
          bench.events.contains(.prompt(bench.key("sub/dog.prompt", root: 2), .closed))
            || bench.events.contains(.rootGone(RootID(2)))
        }
      }
    }
  }
}
