import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

extension WatcherTests {
  /// Looking again tells of what is new, and of no more than there is room for.
  @Suite struct Looking {
    @Test func whatIsKnownIsNotReportedAgain() async throws {
      let names = ["a.prompt", "d/b.prompt", "d/c.prompt"]
      try await WatcherFixture.with(prepare: { place in
        for name in names { try place.write("root/\(name)", "x") }
      }) { bench in
        #expect(try await bench.look() == Set(names), "nobody has said that they are known")
        try await bench.confirm(["a.prompt", "d/b.prompt"])
        #expect(try await bench.look() == ["d/c.prompt"])
        try await bench.confirm(["d/c.prompt"])
        #expect(try await bench.look().isEmpty)
        #expect(try await bench.look().isEmpty, "and it is remembered")
        _ = try await bench.during { try bench.place.writeByRename("root/d/b.prompt", "y") }
        #expect(try await bench.look().contains("d/b.prompt"), "another file has the name")
        try await bench.confirm(["d/b.prompt"])
        _ = try await bench.during { try bench.write("d/c.images", "https://example.org/1.png") }
        #expect(try await bench.look().contains("d/c.prompt"), "its list is part of it")
        try await bench.confirm(["d/c.prompt"])
        _ = try await bench.during { try bench.write("d/.promptdrop.yaml", "model: x") }
        let anew = try await bench.look()
        #expect(anew.isSuperset(of: ["d/b.prompt", "d/c.prompt"]) && !anew.contains("a.prompt"))
        try await bench.confirm(["d/b.prompt", "d/c.prompt"], inputs: 9)
        #expect(try await bench.look().isDisjoint(with: ["d/b.prompt", "d/c.prompt"]))
      }
    }

    @Test func aRenamedFolderIsReportedAgain() async throws {
      try await WatcherFixture.with(prepare: { try $0.write("root/a/b/cat.prompt", "x") }) { bench in
        try await bench.confirm(["a/b/cat.prompt"])
        #expect(try await bench.look().isEmpty)
        let events = try await bench.during { try bench.rename("a", to: "c") }
        #expect(events.contains(.folderRenamed(from: bench.key("a"), to: bench.key("c"))))
        #expect(WatcherFixture.prompts(events) == ["c/b/cat.prompt"])
      }
    }

    @Test func noMoreThanThereIsRoomFor() async throws {
      let names = (0..<500).map { "d\($0 % 5)/\(1000 + $0).prompt" }
      try await WatcherFixture.with(
        room: 70,
        prepare: { place in for name in names { try place.write("root/\(name)", "x") } }
      ) { bench in
        var seen: Set<String> = []
        while bench.scans(RootID(1)) == 0 {
          #expect(bench.reported <= seen.count + 70, "\(bench.reported)")
          try await eventually("more is told of, or it is the end") {
            bench.reported >= seen.count + 70 || bench.scans(RootID(1)) > 0
          }
          seen = WatcherFixture.prompts(bench.events)
          bench.hasRoom(70)
        }
        #expect(WatcherFixture.prompts(bench.events) == Set(names))
        #expect(bench.reported == 500, "each once")
        // What comes while there is no room is found by looking, once there is.
        bench.hasRoom(0)
        for number in 0..<100 { try bench.write("late/\(number).prompt") }
        bench.hasRoom(1000)
        try await eventually("all are told of") {
          WatcherFixture.prompts(bench.events).count { $0.hasPrefix("late/") } == 100
        }
      }
    }

    @Test func withoutInotify() async throws {
      try await WatcherFixture.with(mode: .poll, prepare: { try $0.write("root/a/cat.prompt", "x") }) { bench in
        #expect(bench.watches == 0)
        #expect(bench.conditions.map(\.mode) == [.polling])
        #expect(bench.conditions.first?.error?.code == "polling")
        try bench.write("b/c/dog.prompt")
        try await eventually("it is found") { WatcherFixture.prompts(bench.events).contains("b/c/dog.prompt") }
        try bench.remove("a/cat.prompt")
        try await eventually("the loss is found") { bench.events.contains(.promptsVanished(bench.key("a"))) }
        try bench.remove("b/c")
        try await eventually("that of a folder too") { bench.events.contains(.folderVanished(bench.key("b/c"))) }
        try bench.place.remove("root")
        try await eventually("and that of the root") { bench.events.contains(.rootGone(RootID(1))) }
        try bench.write("again/cow.prompt")
        try await eventually("which is taken up again") {
          bench.events.contains(.rootBack(RootID(1)))
            && WatcherFixture.prompts(bench.events).contains("again/cow.prompt")
        }
      }
    }
  }
}
