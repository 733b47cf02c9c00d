import JobCore

// Events that others are to hear of at least once.
extension Store {
  func announce(_ change: JournalChange, _ events: [OutboxEvent]) throws -> ChangeResult {
    guard try apply(change) == .applied else { return .stale }
    for event in events {
      try connection.run(
        "INSERT INTO event (kind, job, revision, number, at, detail) VALUES (?, ?, ?, ?, ?, ?)", .text(event.kind),
        .id(event.job), .number(event.slot?.revision), .number(event.slot?.number),
        .integer(event.at.milliseconds),
        .bytes(event.detail))
    }
    return .applied
  }

  func deliver(_ events: [Int64]) throws -> ChangeResult {
    var result = ChangeResult.stale
    for id in events where try connection.changed("DELETE FROM event WHERE id = ?", .integer(id)) { result = .applied }
    return result
  }
}

extension SQLiteJournal {
  /// Events that nobody has said to be delivered, in the order in which they were written down.
  public func pendingEvents(limit: Int) async throws -> [OutboxEvent] {
    try await lookUp { store in
      try store.connection.all(
        "SELECT id, kind, job, revision, number, at, detail FROM event ORDER BY id LIMIT ?", .number(limit)
      ) { row in
        let job = row.job(2)
        let slot = row.isNull(3) ? nil : SlotKey(job: job, revision: row.int(3), number: row.int(4))
        return OutboxEvent(
          id: row.integer(0), kind: row.text(1), job: job, slot: slot, at: Timestamp(milliseconds: row.integer(5)),
          detail: row.bytes(6))
      }
    }
  }
}
