import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A prompt that is moved into a recycle bin counts as deleted; moved back it is what it was, unpaid.
  @Suite struct RecycleBinTests {
    private static func waiting(_ settings: inout AgentSettings) { settings.spending.submissions = 1 }

    private func move(_ bench: AgentFixture, _ names: [String], to place: String, losing: [String]) async throws {
      let watcher = bench.process.watcher
      let before = losing.map { watcher.losses(bench.key($0)) }
      for name in names { try bench.place.rename("root/\(name)", to: "root/\(place)/\(name)") }
      for (name, count) in zip(losing, before) {
        try await eventually("\(name) is missed") { watcher.losses(bench.key(name)) > count }
      }
      try await bench.pass(.seconds(5))
    }

    @Test(arguments: [false, true]) func aQueuedPromptIsCancelledAndComesBack(restart: Bool) async throws {
      try await AgentFixture.with(
        settings: Self.waiting, prepare: { place, _ in try place.makeFolder("root/#recycle") }
      ) {
        bench in
        try await bench.drop("one")
        try await bench.until("one is done") { try await $0.state("one") == .done }
        try await bench.drop("two")
        try await bench.until("two waits") { try await $0.state("two") == .queued }
        try await move(bench, ["one.prompt", "two.prompt"], to: "#recycle", losing: ["one", "two"])
        try await bench.until("two is cancelled") { try await $0.state("two") == .cancelled }
        #expect(try bench.place.read("root/#recycle/two.prompt") == "two", "its file is left alone")
        #expect(try bench.place.list("root/#recycle").sorted() == ["one.prompt", "two.prompt"])
        #expect(try bench.hasPicture("one"), "the picture stays where it is")
        if restart {
          try await bench.stop()
          try await bench.start()
        }
        // A new day: nothing keeps it from being sent but that it is deleted.
        try await bench.pass(day)
        #expect(bench.service.posts.count == 1)
        for name in ["one", "two"] {
          try bench.place.rename("root/#recycle/\(name).prompt", to: "root/\(name).prompt")
        }
        try await bench.until("two is made", within: day) { try await $0.state("two") == .done }
        #expect(try await bench.state("one") == .done)
        #expect(bench.service.posts.map(\.prompt) == ["one", "two"])
      }
    }

    @Test func aFolderOfPromptsIsTheSame() async throws {
      try await AgentFixture.with(
        settings: Self.waiting,
        prepare: { place, _ in
          try place.makeFolder("root/@Recycle")
          try place.makeFolder("root/set")
        }
      ) { bench in
        try await bench.drop(["set/a", "set/b"])
        try await bench.until("one is done, one waits") { bench in
          let census = try await bench.census()
          return census[.done] == 1 && census[.queued] == 1
        }
        try bench.place.rename("root/set", to: "root/@Recycle/set")
        let set = bench.key("set/a").folder
        try await eventually("the folder is missed") { bench.process.watcher.losses(set) > 0 }
        try await bench.until("what was not sent is cancelled") { try await $0.census()[.cancelled] == 1 }
        try await bench.pass(day)
        #expect(bench.service.posts.count == 1)
        try bench.place.rename("root/@Recycle/set", to: "root/set")
        try await bench.until("both are done", within: day) { try await $0.census()[.done] == 2 }
        #expect(Set(bench.service.posts.map(\.prompt)) == ["set/a", "set/b"] && bench.service.posts.count == 2)
      }
    }

    @Test func aPictureThatIsOnItsWayDoesNotFollow() async throws {
      try await AgentFixture.with(prepare: { place, _ in try place.makeFolder("root/#recycle") }) { bench in
        bench.service.onSubmit { _, _ in .hang(sent: true) }
        try await bench.drop("cat")
        try await bench.until("it is on its way") { try await $0.state("cat") == .submitting }
        try await move(bench, ["cat.prompt"], to: "#recycle", losing: ["cat"])
        bench.service.onSubmit(nil)
        bench.service.release("cat", .accept())
        try await bench.until("the picture is there") { try $0.hasPicture("cat") }
        #expect(try bench.place.list("root/#recycle") == ["cat.prompt"])
      }
    }
  }
}
