import JobCore
import TestKit
import Testing

/// Callback URLs, what comes to them, and the slots of second tasks.
@Suite struct CallbackTests {
  private static let day = Duration.seconds(86_400)

  private func target(_ secret: String, attempt: String = "attempt-1", at: Timestamp = start) -> CallbackTarget {
    CallbackTarget(secretSHA: secret, slot: slotKey(cat), attemptID: attempt, madeAt: at)
  }

  @Test(arguments: JournalMaker.all) func aURLIsForOneAttempt(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    #expect(try await bench.journal.callback("aa") == nil)
    #expect(try await bench.apply(.expectCallback(target("aa"))) == .applied)
    // The same once more, and a second claim to the same secret: the first one stands.
    _ = try await bench.apply(.expectCallback(target("aa", attempt: "attempt-9")))
    #expect(try await bench.journal.callback("aa") == target("aa"))
    #expect(try await bench.journal.callback("ab") == nil)
  }

  @Test(arguments: JournalMaker.all) func evidenceIsEnteredOnce(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let first = Evidence(secretSHA: "aa", taskID: "ta-1", receivedAt: start)
    var again = first
    again.receivedAt = start + .seconds(60)
    let second = Evidence(secretSHA: "aa", taskID: "ta-2", receivedAt: start - .seconds(1))
    #expect(
      try await bench.journal.commit([.evidence(first), .evidence(again), .evidence(second)]) == [
        .applied, .stale, .applied,
      ])
    #expect(try await bench.journal.openEvidence() == [second, first], "oldest first, as it first came")
    #expect(try await bench.apply(.weighed(again)) == .applied)
    #expect(try await bench.journal.openEvidence() == [second])
    // A replay of what has been weighed is nothing new.
    #expect(try await bench.apply(.evidence(again)) == .stale)
    #expect(try await bench.journal.openEvidence() == [second])
    #expect(try await bench.apply(.weighed(Evidence(secretSHA: "bb", taskID: "ta-1", receivedAt: start))) == .stale)
  }

  /// A month late is not too late: two months after the retention it is.
  @Test(arguments: JournalMaker.all) func urlsAreForgottenAfterRetentionAndSixtyDays(_ maker: JournalMaker) async throws
  {
    let bench = try await JournalFixture(maker)
    let retention = start  // What was final before this moment loses its details.
    let edge = retention - Self.day * 60
    let old = edge - .milliseconds(1)
    let evidence = { (task: String, at: Timestamp) in Evidence(secretSHA: "ee", taskID: task, receivedAt: at) }
    _ = try await bench.journal.commit([
      .expectCallback(target("old", at: old)), .expectCallback(target("edge", at: edge)),
      .expectCallback(target("new", at: retention)),
      .evidence(evidence("weighed-old", old)), .evidence(evidence("weighed-edge", edge)),
      .evidence(evidence("open-old", old)), .weighed(evidence("weighed-old", old)),
      .weighed(evidence("weighed-edge", edge)),
    ])
    try await bench.journal.prune(finalSince: retention)
    #expect(try await bench.journal.callback("old") == nil)
    #expect(try await bench.journal.callback("edge") == target("edge", at: edge))
    #expect(try await bench.journal.callback("new") == target("new", at: retention))
    #expect(try await bench.journal.openEvidence().map(\.taskID) == ["open-old"], "what nobody weighed is kept")
    // Forgotten is what can be entered anew.
    #expect(try await bench.apply(.evidence(evidence("weighed-old", old))) == .applied)
    #expect(try await bench.apply(.evidence(evidence("weighed-edge", edge))) == .stale)
  }

  // MARK: second tasks

  private func surplus(_ taskID: String, number: Int = SlotKey.surplusBase + 1, revision: Int = 1) -> Slot {
    var attempt = Attempt(n: 1, attemptID: "attempt-1", bootID: "b", startedAt: start)
    attempt.outcome = .accepted
    attempt.taskID = taskID
    let state = SlotState.submitted(TaskRef(taskID: taskID, acceptedAt: start))
    return Slot(key: slotKey(cat, revision, number), state: state, attempts: [attempt])
  }

  @Test(arguments: JournalMaker.all) func aSecondTaskGetsASlotOfItsOwn(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"), states: [.done])
    let slot = surplus("ta-2")
    #expect(try await bench.apply(.surplus(slot)) == .applied)
    #expect(try await bench.journal.slots(task: "ta-2") == [slot.key])
    let job = try await bench.job(cat)
    #expect(job.currentSlots.map(\.key.number) == [1, slot.key.number] && job.currentSlots.last == slot)
    #expect(job.mayHaveBeenPaidTwice && job.revisions[1]?.count == 1)
    #expect(try await bench.known(bench.file("cat.prompt"))?.state == .submitted)
    #expect(try await bench.journal.underWay(roots: [bench.root]) == [slot.key])
    // The same task, the same slot, an unknown revision, an unknown job.
    #expect(try await bench.apply(.surplus(surplus("ta-2", number: SlotKey.surplusBase + 2))) == .stale)
    #expect(try await bench.apply(.surplus(surplus("ta-3"))) == .stale)
    #expect(try await bench.apply(.surplus(surplus("ta-3", revision: 2))) == .stale)
    var nobodys = surplus("ta-3")
    nobodys = Slot(
      key: SlotKey(job: dog, revision: 1, number: 1001), state: nobodys.state, attempts: nobodys.attempts)
    #expect(try await bench.apply(.surplus(nobodys)) == .stale)
    #expect(try await bench.job(cat) == job)
  }

  @Test(arguments: JournalMaker.all) func aTaskIsFoundByItsID(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"))
    var slot = Slot(key: slotKey(cat), state: .submitted(task))
    slot.attempts = surplus(task.taskID).attempts
    try await bench.apply(.move(slot, from: .queued, outputs: []))
    #expect(try await bench.journal.slots(task: task.taskID) == [slot.key])
    #expect(try await bench.journal.slots(task: "ta").isEmpty)
    slot.state = .done
    try await bench.apply(.move(slot, from: .submitted, outputs: []))
    try await bench.journal.prune(finalSince: .distantFuture)
    #expect(try await bench.journal.slots(of: cat, revision: 1).first?.attempts == slot.attempts, "it was paid for")
    #expect(try await bench.journal.slots(task: task.taskID) == [slot.key], "a late callback still finds it")
  }

  /// Evidence can tell of an attempt that is not the last one: the slot then follows its task, and has it.
  @Test(arguments: JournalMaker.all) func aTaskOfAnEarlierAttemptIsFoundToo(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"))
    var slot = Slot(key: slotKey(cat), state: .submitted(task), attempts: surplus(task.taskID).attempts)
    var second = Attempt(n: 2, attemptID: "attempt-2", bootID: "b", startedAt: start)
    second.outcome = .unknown
    slot.attempts.append(second)
    try await bench.apply(.move(slot, from: .queued, outputs: []))
    let found = try await bench.journal.slots(task: task.taskID)
    let again = try await bench.apply(.surplus(surplus(task.taskID)))
    #expect(found == [slot.key])
    #expect(again == .stale)
  }
}
