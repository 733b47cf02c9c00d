import JobCore
import JobJournal
import TestKit
import Testing

@testable import Agent
@testable import JobJournal

extension Pipelines {
  /// What an earlier version refused because it compared names byte by byte.
  @Suite struct FormerNamesTests {
    /// What solves it under today's rules.
    enum Case: CaseIterable { case image, list }

    // The prompt is refused, or waits; then comes an update, with the file under another spelling of its name.
    private func update(_ bench: AgentFixture, _ what: Case) async throws {
      if what == .image { try bench.place.write("root/cat.images", "caf\u{E9}.png") }
      try await bench.drop("cat", text: what == .list ? "---\nrequire_images: true\n---\na cat" : "a cat")
      try await bench.pass(.seconds(700))
      #expect(try await bench.state("cat") == (what == .image ? .failed : .queued))
      try await bench.stop()
      try bench.copyState(to: "old")
      do {
        let journal = try SQLiteJournal(try StateFolder(bench.place.path("old")))
        try await journal.run { try $0.execute(sql: "UPDATE job SET note = json_remove(note, '$.names')") }
      }
      try bench.place.remove("old/lock")
      try await eventually("the journal is closed") { !bench.place.exists("old/journal.sqlite-shm") }
      switch what {
      case .image: try bench.place.write("root/cafe\u{301}.png", bytes: SmallPNG.square([1, 2, 3]))
      case .list: try bench.place.write("root/CAT.IMAGES", "https://example.org/1.png")
      }
      try await bench.start(state: "old")
      try await bench.pass(.seconds(60))
    }

    @Test(arguments: Case.allCases, [false, true])
    func anUpdatePaysForNothing(what: Case, restart: Bool) async throws {
      try await AgentFixture.with { bench in
        try await update(bench, what)
        if restart {
          try await bench.stop()
          try await bench.start()
        }
        bench.process.watcher.rescan()
        try await bench.pass(.seconds(900))
        #expect(bench.service.posts.isEmpty)
        #expect(try await bench.state("cat") == (what == .image ? .failed : .queued))
        let command = "`promptdrop retry \(bench.place.path("root/cat.prompt"))`"
        #expect(try bench.sidecar("cat")?.error?.hint?.contains(command) == true)
        #expect(await bench.answer(CommandRequest(.plan)).plan?.pictures == 0)
        #expect(await bench.ask(.retry, ["cat.prompt"]).oks == [true])
        try await bench.until("a person's word makes it") { try await $0.state("cat") == .done }
      }
    }

    @Test(arguments: Case.allCases) func aChangeIsAWishAnew(what: Case) async throws {
      try await AgentFixture.with { bench in
        try await update(bench, what)
        switch what {
        case .image: try bench.place.write("root/cafe\u{301}.png", bytes: SmallPNG.square([3, 2, 1]))
        case .list: try bench.place.write("root/CAT.IMAGES", "https://example.org/2.png")
        }
        bench.process.watcher.rescan()
        try await bench.until("it is made") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }
  }
}
