import JobCore
import Testing

/// Decisions on one file: what is seen and known, and what comes of it.
@Suite struct FileDecisionTests {
  private func finish(_ world: inout FileWorld) {
    for (key, slot) in world.journal.job?.slots ?? [:] where slot.state.name == .queued {
      var attempt = Attempt(n: 1, attemptID: "attempt \(key)", bootID: "boot", startedAt: start)
      (attempt.outcome, attempt.taskID) = (.accepted, "ta \(key)")
      world.journal.job?.slots[key] = Slot(key: key, state: .done, attempts: [attempt])
    }
  }

  private func queued(_ world: FileWorld) -> Int { world.journal.queued.count }

  @Test func aNewTextIsTakenOnceAndItsSecondPictureLater() throws {
    var world = FileWorld(FileScene(text: 1))
    let first = try world.settle()
    #expect(first.reason.kind == .new && first.next == .whenItChanges && queued(world) == 1)
    let second = try world.settle()
    #expect(second.reason.kind == .unchanged && second.changes.isEmpty)
    finish(&world)
    world.scene.ask(1, 2)
    let more = try world.settle()
    #expect(more.reason.kind == .more && queued(world) == 1)
  }

  @Test func whatIsNotSettledIsLookedAtAgain() throws {
    var world = FileWorld(FileScene(text: 1))
    world.scene.isSettled = false
    let outcome = try world.settle()
    #expect(outcome.reason.kind == .settling && outcome.next == .whenSettled && outcome.changes.isEmpty)
  }

  // Paid for here, replaced, and back beside a sidecar of another job that tells of the same text.
  @Test func aTextThatWasPaidForHereIsNotAdoptedFromElsewhere() throws {
    var world = FileWorld(FileScene(text: 1, count: 2))
    let new = try world.settle()
    #expect(new.reason.kind == .new)
    finish(&world)
    let paid = try #require(world.journal.job)
    world.scene.ask(2)
    let changed = try world.settle()
    #expect(changed.reason.kind == .changed && queued(world) == 1)
    world.scene.ask(1, 2)
    // One of its two pictures was paid for there.
    var other = paid
    other.slots = paid.slots.filter { $0.key.number == 1 }
    var sidecar = StatusSidecar(of: other, now: start, agentVersion: "1", agentHost: "h")
    sidecar.jobID = "7f3e0000-0000-4000-8000-00000000000e"
    world.scene.sidecar = .success(sidecar)
    let restored = try world.settle()
    #expect(restored.reason.kind == .restored && queued(world) == 0)
  }

  // It was held because it said so; the line goes, and something else is in doubt.
  @Test func aDoubtHoldsWhatTheFrontMatterHeld() throws {
    var world = FileWorld(FileScene(text: 1))
    world.scene.ask(1, hold: true)
    let held = try world.settle()
    #expect(held.reason.code == .held(.asked) && queued(world) == 0)
    world.scene.ask(1, doubts: [.wrong(trouble(.empty))])
    let doubted = try world.settle()
    #expect(doubted.reason.kind == .waits && queued(world) == 0)
    world.scene.ask(1)
    _ = try world.settle()
    #expect(queued(world) == 1)
  }

  // What is expected of an outcome is what it leaves in the queue.
  @Test func theBurstLimitIsCountedAtOnce() throws {
    var world = FileWorld(FileScene(text: 1, count: 2))
    world.rules.burstLimit = 1
    world.burst = SubmissionPace(perMinute: 1)
    let first = try world.settle()
    #expect(first.burst != nil && first.expected(of: nil).queued == 2)
    world.journal = FileJournal()
    let second = try world.settle()
    #expect(second.expected(of: nil).beyondBurst == 2 && queued(world) == 0)
    #expect(second.reason.code == .held(.burst))
  }
}
