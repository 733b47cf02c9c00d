import FoundationEssentials
import GRDB
import JobCore

// Callback URLs, what came to them, and the slots of second tasks.
extension Database {
  func expect(_ target: CallbackTarget) throws -> ChangeResult {
    let key = target.slot
    try put(
      "INSERT OR IGNORE INTO callback VALUES (?, ?, ?, ?, ?, ?)",
      [
        target.secretSHA, key.job.text, key.revision, key.number, target.attemptID, target.madeAt.milliseconds,
      ])
    return .applied
  }

  func enter(_ evidence: Evidence) throws -> ChangeResult {
    try set(
      "INSERT OR IGNORE INTO evidence (secret_sha, task_id, received_at) VALUES (?, ?, ?)",
      [evidence.secretSHA, evidence.taskID, evidence.receivedAt.milliseconds])
  }

  func surplus(_ slot: Slot) throws -> ChangeResult {
    let key = slot.key
    let task = slot.taskID
    let taken = try Row.fetchOne(
      self, sql: "SELECT 1 FROM slot WHERE task_id = ? OR (job = ? AND revision = ? AND number = ?)",
      arguments: [task, key.job.text, key.revision, key.number])
    let root = try Int64.fetchOne(
      self, sql: "SELECT j.root FROM job j JOIN revision r ON r.job = j.id WHERE j.id = ? AND r.number = ?",
      arguments: [key.job.text, key.revision])
    guard taken == nil, let root else { return .stale }
    try insert(slot, root: RootID(root), seenAt: slot.changedAt ?? 0)
    try foldState(of: key.job)
    return .applied
  }
}

extension SQLiteJournal {
  /// The slots that have this task.
  public func slots(task: String) async throws -> [SlotKey] {
    try await run { db in
      try Row.fetchAll(
        db.cachedStatement(sql: "SELECT job, revision, number FROM slot WHERE task_id = ?"), arguments: [task]
      ).map { SlotKey(job: JobID($0["job"]), revision: $0["revision"], number: $0["number"]) }
    }
  }

  /// Which attempt a callback URL was made for.
  public func callback(_ secretSHA: String) async throws -> CallbackTarget? {
    try await run { db in
      try Row.fetchOne(
        db.cachedStatement(sql: "SELECT * FROM callback WHERE secret_sha = ?"), arguments: [secretSHA]
      ).map { row in
        CallbackTarget(
          secretSHA: secretSHA,
          slot: SlotKey(job: JobID(row["job"]), revision: row["revision"], number: row["number"]),
          attemptID: row["attempt_id"], madeAt: Timestamp(milliseconds: row["made_at"]))
      }
    }
  }

  /// What callbacks claimed and nobody has weighed yet, oldest first.
  public func openEvidence() async throws -> [Evidence] {
    try await run { db in
      try Row.fetchAll(db, sql: "SELECT * FROM evidence WHERE weighed = 0 ORDER BY received_at").map { row in
        Evidence(
          secretSHA: row["secret_sha"], taskID: row["task_id"],
          receivedAt: Timestamp(milliseconds: row["received_at"]))
      }
    }
  }
}
