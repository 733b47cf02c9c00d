import JobCore
import TestKit
import Testing

/// Events are there exactly when the change that they tell of is, until somebody says that they were delivered.
@Suite struct OutboxTests {
  private func event(_ kind: String, _ slot: SlotKey? = nil) -> OutboxEvent {
    OutboxEvent(kind: kind, job: cat, slot: slot, at: start, detail: Array("{}".utf8))
  }

  @Test(arguments: JournalMaker.all) func anEventIsDurableWithItsChange(_ maker: JournalMaker) async throws {
    let place = try TemporaryFolder()
    do {
      let bench = try await JournalFixture(maker, in: place)
      try await bench.take(cat, bench.file("cat.prompt"), states: [.submitted(task)])
      let done = JournalChange.move(Slot(key: slotKey(cat), state: .done), from: .submitted, outputs: [])
      #expect(try await bench.apply(.announced(done, [event("done", slotKey(cat)), event("file-done")])) == .applied)
      #expect(try await bench.apply(.announced(done, [event("again")])) == .stale, "it was moved already")
    }
    let bench = try await JournalFixture(maker, in: place)
    let events = try await bench.journal.pendingEvents(limit: 9)
    #expect(events.map(\.kind) == ["done", "file-done"] && events.map(\.slot) == [slotKey(cat), nil])
    #expect(events.allSatisfy { $0.job == cat && $0.at == start && $0.detail == Array("{}".utf8) })
    #expect(try await bench.journal.pendingEvents(limit: 1) == [events[0]])
  }

  @Test(arguments: JournalMaker.all) func whatIsDeliveredIsGoneAndItsNumberToo(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"))
    let seen = JournalChange.seen(job: cat, stamp: makeStamp(), inputsChanged: false)
    try await bench.apply(.announced(seen, [event("a"), event("b")]))
    let events = try await bench.journal.pendingEvents(limit: 9)
    #expect(try await bench.apply(.delivered(events.map(\.id))) == .applied)
    #expect(try await bench.apply(.delivered(events.map(\.id))) == .stale)
    #expect(try await bench.journal.pendingEvents(limit: 9).isEmpty)
    try await bench.apply(.announced(seen, [event("c")]))
    let next = try #require(try await bench.journal.pendingEvents(limit: 9).first)
    #expect(next.kind == "c" && events.allSatisfy { $0.id < next.id }, "no number is given out twice")
  }

  /// What is stale in a batch tells nothing, and the others do.
  @Test(arguments: JournalMaker.all) func eventsComeInTheOrderOfTheirChanges(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let results = try await bench.journal.commit([
      .announced(.take(makeTake(cat, bench.file("cat.prompt"))), [event("taken")]),
      .announced(.move(Slot(key: slotKey(cat), state: .submitting), from: .queued, outputs: []), [event("submitting")]),
      .announced(.move(Slot(key: slotKey(cat), state: .done), from: .queued, outputs: []), [event("never")]),
    ])
    #expect(results == [.applied, .applied, .stale])
    #expect(try await bench.journal.pendingEvents(limit: 9).map(\.kind) == ["taken", "submitting"])
  }
}
