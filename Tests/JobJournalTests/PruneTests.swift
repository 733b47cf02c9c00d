import JobCore
import TestKit
import Testing

/// Retention: what is old and cost nothing loses its details, and stays what it is.
@Suite struct PruneTests {
  private static let day = Duration.seconds(86_400)

  private static let long = String(repeating: "A cat that sits in a window. ", count: 100)

  @Test(arguments: JournalMaker.all, [makeRevision().snapshot.prompt, long])
  func anOldRevisionStaysKnown(_ maker: JournalMaker, text: String) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file, makeRevision(1, source: "old", text: text))
    try await bench.move(slotKey(cat), to: .failed(trouble), outputs: [makeOutput(slotKey(cat), file: "cat.v1.png")])
    let second = makeRevision(2, source: "new", at: start + Self.day)
    try await bench.take(cat, file, second, expected: 1, states: [.done])
    let before = try await bench.job(cat)
    try await bench.journal.prune(finalSince: start + .seconds(60))
    #expect(try await bench.job(cat) == before, "the current revision was not final then")
    let identity = makeRevision(1, source: "old").identity
    let found = try #require(try await bench.journal.revision(of: cat, like: identity))
    #expect(found.number == 1)
    #expect(found.identity == identity)
    #expect(found.count == 1)
    #expect(found.snapshot.prompt.isEmpty, "its text is forgotten")
    #expect(try await bench.journal.slots(of: cat, revision: 1).map(\.state) == [.failed(trouble)])
    #expect(try await bench.job(cat).outputs.map(\.file) == [Array("cat.v1.png".utf8)])
  }

  // Years later somebody may ask what a line of the bill was for.
  @Test(arguments: JournalMaker.all, [makeRevision().snapshot.prompt, long])
  func whatWasPaidForIsKeptForGood(_ maker: JournalMaker, text: String) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let paid = makeRevision(1, source: "old", text: text)
    try await bench.take(cat, file, paid)
    var slot = Slot(key: slotKey(cat), state: .submitting)
    slot.attempts = (1...2).map { Attempt(n: $0, attemptID: "attempt-\($0)", bootID: "boot", startedAt: start) }
    slot.attempts[0].outcome = .refused
    let charge = Charge(
      attemptID: "attempt-2", root: bench.root, folder: .root, kind: PriceKey(model: "m", size: nil), day: 7,
      reserved: "0.500000")
    _ = try await bench.journal.commit([.move(slot, from: .queued, outputs: []), .charge(charge)])
    (slot.state, slot.attempts[1].outcome) = (.done, .accepted)
    (slot.attempts[1].taskID, slot.consumed) = ("task", "0.250000")
    var priced = charge
    priced.consumed = "0.250000"
    _ = try await bench.journal.commit([.move(slot, from: .submitting, outputs: []), .charge(priced)])
    let second = makeRevision(2, source: "new", at: start + Self.day)
    try await bench.take(cat, file, second, expected: 1, states: [.done])
    try await bench.journal.prune(finalSince: .distantFuture)
    #expect(try await bench.journal.revision(of: cat, like: paid.identity) == paid)
    slot.attempts.removeFirst()
    #expect(try await bench.journal.slots(of: cat, revision: 1) == [slot], "what was refused cost nothing")
    #expect(try await bench.journal.charges(day: 7) == [priced])
  }

  @Test(arguments: JournalMaker.all) func whatIsOpenKeepsEverything(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let states: [SlotState] = [
      .queued(Queued()), .submitting, .submitted(task), .fetching(Fetching(task: task, results: [])),
      .held(Held(reason: .paidNotFetched, error: trouble, task: task)),
    ]
    for (index, state) in states.enumerated() {
      let slots = [state, SlotState.done]
      try await bench.take(JobID("job-\(index)"), bench.file("\(index).prompt"), makeRevision(count: 2), states: slots)
    }
    let ids = states.indices.map { JobID("job-\($0)") }
    let before = try await bench.journal.jobs(ids)
    try await bench.journal.prune(finalSince: .distantFuture)
    #expect(try await bench.journal.jobs(ids) == before)
  }

  @Test(arguments: JournalMaker.all) func whatBecameFinalJustNowIsKept(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file)
    // Three days in the queue, and done a moment ago.
    let late = start + Self.day * 3
    var slot = Slot(key: slotKey(cat), state: .done)
    slot.attempts = [Attempt(n: 1, attemptID: "attempt-1", bootID: "boot", startedAt: late)]
    slot.attempts[0].outcome = .accepted
    slot.attempts[0].endedAt = late
    try await bench.apply(.move(slot, from: .queued, outputs: []))
    let before = try await bench.job(cat)
    try await bench.journal.prune(finalSince: late - .seconds(3600))
    #expect(try await bench.job(cat) == before, "final since less than an hour")
  }

  // A text that is back restores its revision; a raised count or a withdrawn picture is then sent from its snapshot.
  @Test(arguments: JournalMaker.all) func whatIsQueuedAgainHasItsText(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file, makeRevision(1, source: "old"), states: [.cancelled(.superseded)])
    try await bench.take(
      cat, file, makeRevision(2, source: "new", at: start + Self.day), expected: 1, states: [.done])
    try await bench.journal.prune(finalSince: start + .seconds(60))
    let results = try await bench.journal.commit([
      .makeCurrent(
        job: cat, revision: 1, expected: 2, count: 2, newSlots: [Slot(key: slotKey(cat, 1, 2))], stamp: makeStamp()),
      .move(Slot(key: slotKey(cat)), from: .cancelled, outputs: []),
    ])
    let startable = try await bench.journal.startable(roots: [bench.root], at: .distantFuture, limit: 9, except: [])
    let snapshot = try await bench.job(cat).revisions[1]?.snapshot
    let isSendable = snapshot == makeRevision(1, source: "old").snapshot
    #expect(isSendable || startable.isEmpty, "an empty prompt would be paid for: \(results)")
  }
}

extension Timestamp {
  static func - (a: Timestamp, b: Duration) -> Timestamp { a + (.zero - b) }
}
