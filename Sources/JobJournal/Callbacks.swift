import JobCore

// Callback URLs, what came to them, and whose a task is.
extension Store {
  func expect(_ target: CallbackTarget) throws -> ChangeResult {
    let key = target.slot
    try connection.run(
      "INSERT OR IGNORE INTO callback VALUES (?, ?, ?, ?, ?, ?)", .hash(target.secretSHA), .id(key.job),
      .number(key.revision), .number(key.number), .id(target.attemptID), .integer(target.madeAt.milliseconds))
    return .applied
  }

  func enter(_ evidence: Evidence) throws -> ChangeResult {
    done(
      try connection.changed(
        "INSERT OR IGNORE INTO evidence (secret_sha, task_id, received_at) VALUES (?, ?, ?)",
        .hash(evidence.secretSHA), .text(evidence.taskID), .integer(evidence.receivedAt.milliseconds)))
  }

  /// The slots that have this task.
  func slots(task: String) throws -> [SlotKey] {
    // Nothing is found each time that the service names a new task.
    try steps.findTask.bind(1, JobRecord.key(task))
    guard try steps.findTask.first({ _ in true }) == true else { return [] }
    let rows = try connection.all("SELECT job FROM task WHERE key = ?", .integer(JobRecord.key(task))) { $0.integer(0) }
    return try rows.flatMap { row in
      try record(row: row).slots.filter { $0.slot.taskID == task }.map(\.slot.key)
    }
  }
}

extension SQLiteJournal {
  /// The slots that have this task.
  public func slots(task: String) async throws -> [SlotKey] {
    if !shared.tasks.areRead {
      try await run { [tasks = shared.tasks] store in
        if !tasks.areRead { tasks.enter(all: try store.connection.all("SELECT key FROM task") { $0.integer(0) }) }
      }
    }
    guard shared.tasks.mayHave(JobRecord.key(task)) else { return [] }
    return try await lookUp { try $0.slots(task: task) }
  }

  /// Which attempt a callback URL was made for.
  public func callback(_ secretSHA: String) async throws -> CallbackTarget? {
    try await lookUp { store in
      try store.connection.first(
        "SELECT job, revision, number, attempt, made_at FROM callback WHERE secret_sha = ?", .hash(secretSHA)
      ) { row in
        CallbackTarget(
          secretSHA: secretSHA, slot: SlotKey(job: row.job(0), revision: row.int(1), number: row.int(2)),
          attemptID: row.id(3), madeAt: Timestamp(milliseconds: row.integer(4)))
      }
    }
  }

  /// What callbacks claimed and nobody has weighed yet, oldest first.
  public func openEvidence() async throws -> [Evidence] {
    try await lookUp { store in
      try store.connection.all(
        "SELECT secret_sha, task_id, received_at FROM evidence WHERE weighed = 0 ORDER BY received_at"
      ) { row in
        Evidence(
          secretSHA: row.hash(0), taskID: row.text(1), receivedAt: Timestamp(milliseconds: row.integer(2)))
      }
    }
  }
}
