import JobCore

// What is forgotten some time after it was of use: never what was paid for.
extension SQLiteJournal {
  // A callback may come a month late; after twice that nobody waits for it.
  private static let callbackGrace: Duration = .seconds(60 * 86_400)

  /// Forgets details of what has been final since `before` and cost nothing.
  public func prune(finalSince before: Timestamp) async throws {
    try await run { store in
      try store.transaction {
        let rows = try store.connection.all(
          "SELECT job FROM forgettable WHERE changed_at < ?", .integer(before.milliseconds)
        ) { $0.integer(0) }
        for row in rows { try store.forgetDetails(of: try store.record(row: row), before: before.milliseconds) }
        let forgotten = SQLValue.integer((before + (.zero - Self.callbackGrace)).milliseconds)
        try store.connection.run("DELETE FROM callback WHERE made_at < ?", forgotten)
        try store.connection.run("DELETE FROM evidence WHERE weighed = 1 AND received_at < ?", forgotten)
      }
    }
  }
}

extension Store {
  // The hashes stay: the file is still known for what it is, and so are its pictures.
  fileprivate func forgetDetails(of old: JobRecord, before: Int64) throws {
    var record = old
    for (place, revision) in old.revisions.enumerated() {
      if old.isForgettable(revision), revision.slots.allSatisfy({ $0.changed < before }) {
        try release(revision.text)
        record.revisions[place].revision.snapshot = Snapshot(prompt: "", model: "")
        record.revisions[place].text = .inside
      }
      for slot in revision.slots where slot.hasFreeAttempts && slot.changed < before {
        record.change(slot.slot.key) { $0.slot.attempts.removeAll { !$0.outcome.mayBePaid } }
      }
    }
    try update(record, from: old)
  }
}
