import JobCore
import JobJournal
import TestKit
import Testing

@testable import Agent
@testable import JobJournal

extension Pipelines {
  /// Names that a person could have written, and prompts that the rules of exclude patterns let in since an update.
  @Suite struct HoldingFilesTests {
    @Test(arguments: ["fox (conflict)", "fox.Conflict", "fox [conflicted]"])
    func besideItsOriginalItIsACopy(name: String) async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("fox")
        try await bench.until("fox is done") { try await $0.state("fox") == .done }
        try await bench.drop(name)
        try await bench.until("the copy is held") { try await $0.state(name) == .held }
        #expect(try bench.sidecar(name)?.reason == HeldReason.conflictCopy.rawValue)
        let plan = await bench.answer(CommandRequest(.plan))
        #expect(plan.plan?.items.first { $0.file.contains(name) }?.why == "refused")
        #expect(await bench.ask(.approve, ["\(name).prompt"]).oks == [true])
        try await bench.until("a person's word takes it") { try await $0.state(name) == .done }
        #expect(bench.service.posts.count == 2)
      }
    }

    @Test func aJobThatTheJournalKnowsIsEnough() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("fox")
        try await bench.until("fox is done") { try await $0.state("fox") == .done }
        try await bench.delete("fox")
        try await bench.drop("fox (conflict 1)")
        try await bench.until("the copy is held") { try await $0.state("fox (conflict 1)") == .held }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func aloneItIsAPrompt() async throws {
      try await AgentFixture.with { bench in
        let names = [
          "fox (conflict)", "fox.Conflict", "Romeo and Juliet", "Romeo and Juliet (Conflicts between families)", "wolf",
          "wolf (1)", "wolf 2", "wolf-word",
        ]
        try await bench.drop(names)
        try await bench.until("all are made") { try await $0.census()[.done] == names.count }
        // What is taken stays a prompt, whatever comes beside it.
        try await bench.drop("fox")
        try await bench.drop("fox (conflict)", text: "another text")
        try await bench.until("both are made") { $0.service.posts.count == names.count + 2 }
      }
    }

    // Held under other rules of names: a touch, or a changed default, is no word of a person's.
    @Test func whatWasHeldStaysHeldUntilItChanges() async throws {
      let name = "Romeo (Conflicts between families)"
      try await AgentFixture.with { bench in
        try await bench.drop("other")
        try await bench.until("other is done") { try await $0.state("other") == .done }
        try bench.place.write("root/.promptdrop.yaml", "exclude: ['Romeo*']\n")
        try bench.place.write("root/\(name).prompt", "text")
        try await bench.pass(.seconds(5))
        #expect(try await bench.state(name) == nil)
        guard case .file(let stamp, _) = await bench.process.files.look(bench.key(name)) else {
          Issue.record("it is not there")
          return
        }
        let note = FileNote(
          state: .held, error: JobError(code: .held(.conflictCopy), message: "held before"),
          since: bench.clock.surroundings(seed: 1, bootID: "").wallClock())
        _ = try await bench.process.journal.inner.commit([
          .note(
            job: JobID("former"), file: bench.key(name), note,
            stamp: TakenStamp(prompt: stamp, list: nil, inputs: 7), at: note.since)
        ])
        try bench.place.write("root/.promptdrop.yaml", "count: 1\n")
        try await bench.pass(.seconds(60))
        #expect(try await bench.state(name) == .held)
        #expect(bench.service.posts.count == 1)
        try await bench.drop(name, text: "a new text")
        try await bench.until("it is made") { try await $0.state(name) == .done }
      }
    }

    // MARK: exclude patterns

    /// The next process runs on a state that an earlier version wrote, as far as exclude patterns go.
    private func update(_ bench: AgentFixture) async throws {
      try await bench.stop()
      try bench.copyState(to: "old")
      do {
        let journal = try SQLiteJournal(try StateFolder(bench.place.path("old")))
        try await journal.run { try $0.execute(sql: "UPDATE root SET exclude_rules = 1") }
      }
      try bench.place.remove("old/lock")
      try await bench.start(state: "old")
    }

    @Test func whatAFormerPatternLeftOutIsHeldForApproval() async throws {
      try await AgentFixture.with(prepare: { place, _ in
        try place.write("root/.promptdrop.yaml", "exclude: ['old/*.prompt', '!kept.prompt', 'out']\n")
      }) { bench in
        try await bench.drop("taken")
        try await bench.until("taken is done") { try await $0.state("taken") == .done }
        try await update(bench)
        try bench.place.makeFolder("root/old/deep")
        try bench.place.makeFolder("root/out")
        let held = ["old/deep/cat", "!kept"]
        for name in held + ["out/x", "old/y", "plain"] { try bench.place.write("root/\(name).prompt", name) }
        try await bench.until("all are looked at") { bench in
          let census = try await bench.census()
          return census[.done] == 2 && census[.held] == 2
        }
        #expect(bench.service.posts.map(\.prompt) == ["taken", "plain"])
        for name in held { #expect(try bench.sidecar(name)?.reason == HeldReason.excludeChanged.rawValue, "\(name)") }
        let plan = await bench.answer(CommandRequest(.plan))
        #expect(plan.plan?.items.first { $0.file.hasSuffix("deep/cat.prompt") }?.why == "waits")
        for name in ["out/x", "old/y"] { #expect(try await bench.state(name) == nil, "\(name)") }
        #expect(await bench.ask(.approve, ["old/deep/cat.prompt"]).oks == [true])
        try await bench.until("a person's word takes it") { try await $0.state("old/deep/cat") == .done }
        // Once taken it is never asked for again.
        try await bench.drop("old/deep/cat", text: "a new text")
        try await bench.until("the new text is made") { $0.service.posts.contains { $0.prompt == "a new text" } }
      }
    }

    @Test func aFolderThatIsNewIsNotAskedFor() async throws {
      try await AgentFixture.with(prepare: { place, _ in
        try place.write("root/.promptdrop.yaml", "exclude: ['*.prompt', '!keep.prompt', 'old/*.prompt']\n")
        try place.makeFolder("root/old/deep")
      }) { bench in
        try bench.place.write("root/old/deep/other.prompt", "other")
        try await bench.drop("keep")
        try await bench.until("it is made") { try await $0.state("keep") == .done }
        #expect(bench.service.posts.map(\.prompt) == ["keep"])
      }
    }

    @Test func aPatternThatCanNeverMatchKeepsItsFoldersPrompts() async throws {
      try await AgentFixture.with(prepare: { place, _ in
        try place.write("root/a/.promptdrop.yaml", "exclude: ['drafts\\old']\n")
      }) { bench in
        try await bench.drop(["a/cat", "dog"])
        try await bench.until("the others go on") { try await $0.state("dog") == .done }
        #expect(try await bench.state("a/cat") == .queued)
        let sidecar = try #require(try bench.sidecar("a/cat"))
        #expect(sidecar.error?.code == ErrorCode.badExclude && sidecar.error?.message.contains("drafts\\old") == true)
        try bench.place.write("root/a/.promptdrop.yaml", "exclude: [drafts/old]\n")
        try await bench.until("once mended it goes on") { try await $0.state("a/cat") == .done }
      }
    }
  }
}
