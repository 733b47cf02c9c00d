import FoundationEssentials
import GRDB
import JobCore

// What the agent asks the journal about pictures that are late.
extension SQLiteJournal {
  /// Slots that are held and whose pictures are still tried, and when next.
  public func stillTried(roots: [RootID]) async throws -> [(SlotKey, next: Timestamp)] {
    try await run { db in
      try Row.fetchAll(db, sql: "SELECT * FROM slot WHERE state = 'held' AND task_id IS NOT NULL").compactMap { row in
        guard roots.contains(RootID(row["root"])) else { return nil }
        let slot = try Slot(row: row)
        return slot.state.nextLateTry.map { (slot.key, next: $0) }
      }
    }
  }

  /// Slots with a picture that is late, the one first whose submission was answered first, since a task was last finished
  /// with a picture.
  public func lateInARow(roots: [RootID]) async throws -> [SlotKey] {
    try await run { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT * FROM slot WHERE task_id IS NOT NULL AND state IN ('submitted', 'fetching', 'held')
            AND root IN (\(roots.sql)) ORDER BY changed_at
          """)
      let late = try rows.map { try Slot(row: $0) }.filter { $0.state.isLate }
      // Looked for only where it matters: finished slots are many.
      guard !late.isEmpty else { return [] }
      let lastDone =
        try Int64.fetchOne(
          db, sql: "SELECT max(changed_at) FROM slot WHERE state = 'done' AND root IN (\(roots.sql))") ?? .min
      return late.filter { ($0.attempts.last?.endedAt?.milliseconds ?? .max) > lastDone }.map(\.key)
    }
  }
}
