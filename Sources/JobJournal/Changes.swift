import FoundationEssentials
import GRDB
import JobCore

// Guarded changes, each in whole or not at all: every guard is checked before the first write of its change.
extension Database {
  func apply(_ change: JournalChange) throws -> ChangeResult {
    switch change {
    case .take(let take): try self.take(take)
    case .move(let slot, let from, let outputs): try move(slot, from: from, outputs: outputs)
    case .makeCurrent(let job, let revision, let expected, let count, let slots, let stamp):
      try makeCurrent(job, revision, expected: expected, count: count, slots, stamp)
    case .note(let job, let file, let note, let stamp, let at): try self.note(job, file, note, stamp, at)
    case .seen(let job, let stamp, let inputsChanged):
      try set("UPDATE job SET stamp = ?, inputs_changed = ? WHERE id = ?", [stamp.blob, inputsChanged, job.text])
    case .refresh(let job, let revision):
      try set(
        """
        UPDATE revision SET snapshot = ?, request_sha = ? WHERE job = ? AND number = ? AND NOT EXISTS (SELECT 1 FROM slot s
          WHERE s.job = revision.job AND s.revision = revision.number AND s.state != 'queued'
            AND NOT (s.state = 'held' AND s.detail LIKE '{"reason":"asked"%' OR s.detail LIKE '{"reason":"burst"%')
            AND revision.snapshot != ?)
        """,
        [
          try encode(revision.snapshot), revision.identity.request, job.text, revision.number,
          SQLiteJournal.forgottenSnapshot,
        ])
    case .forget(let job): try set("DELETE FROM job WHERE id = ? AND current = 0", [job.text])
    case .outputs(let outputs): try write(outputs)
    case .renamed(let job, let from, let to, let displaced): try rename(job, from: from, to: to, displaced)
    case .arrived(let job):
      try set("UPDATE job SET former_root = NULL, former_path = NULL WHERE id = ?", [job.text])
    case .renamedFolder(let from, let to): try renameFolder(from, to: to)
    case .shared(let root, let owner):
      try set("UPDATE root SET shared = ? WHERE id = ?", [owner, root.number])
    case .surplus(let slot): try surplus(slot)
    case .charge(let charge): try enter(charge, isTold: false)
    case .chargeTold(let charge): try enter(charge, isTold: true)
    case .release(let attemptID): try set("DELETE FROM charge WHERE attempt_id = ?", [attemptID])
    case .expectCallback(let target): try expect(target)
    case .evidence(let evidence): try enter(evidence)
    case .weighed(let evidence):
      try set(
        "UPDATE evidence SET weighed = 1 WHERE secret_sha = ? AND task_id = ?", [evidence.secretSHA, evidence.taskID])
    case .clockSet(let jump, let moment):
      try set(
        "UPDATE slot SET due_at = due_at + ? WHERE state = 'queued' AND due_at > ?",
        [jump.milliseconds, moment.milliseconds])
    case .undelay(let code, let moment, let now):
      try set(
        """
        UPDATE slot SET due_at = min(due_at, changed_at, ?)
        WHERE state = 'queued' AND (due_at > ? OR json_extract(detail, '$.error.code') = ?)
        """, [now.milliseconds, moment.milliseconds, code.rawValue])
    }
  }

  func set(_ sql: String, _ arguments: StatementArguments) throws -> ChangeResult {
    try cachedStatement(sql: sql).execute(arguments: arguments)
    return changesCount > 0 ? .applied : .stale
  }

  func put(_ sql: String, _ arguments: StatementArguments) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }

  private func take(_ take: JournalChange.Take) throws -> ChangeResult {
    let (file, revision) = (take.file, take.revision)
    let path = Data(file.path.bytes)
    let known = try Row.fetchOne(
      cachedStatement(sql: "SELECT id, current FROM job WHERE root = ? AND path = ?"),
      arguments: [file.root.number, path])
    if let known {
      guard known["id"] == take.job.text, known["current"] == take.expected else { return .stale }
    } else {
      let isElsewhere = try Row.fetchOne(
        cachedStatement(sql: "SELECT 1 FROM job WHERE id = ?"), arguments: [take.job.text])
      guard take.expected == nil, isElsewhere == nil else { return .stale }
    }
    let isThere = try Row.fetchOne(
      cachedStatement(sql: "SELECT 1 FROM revision WHERE job = ? AND number = ?"),
      arguments: [take.job.text, revision.number])
    guard isThere == nil else { return .stale }
    let state = Job.fold(take.slots.map { ($0.key.number, $0.state.name) }).rawValue
    let at = revision.takenAt.milliseconds
    if known == nil {
      try put(
        """
        INSERT INTO job (id, root, path, current, state, stamp, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """, [take.job.text, file.root.number, path, revision.number, state, take.stamp.blob, at, at])
    } else {
      try put(
        """
        UPDATE job SET current = ?, state = ?, stamp = ?, note = NULL, note_code = NULL, inputs_changed = 0, updated_at = ?
        WHERE id = ?
        """, [revision.number, state, take.stamp.blob, at, take.job.text])
    }
    try put(
      "INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        take.job.text, revision.number, revision.identity.prompt, revision.identity.source, revision.identity.list,
        revision.identity.request, try encode(revision.snapshot), revision.count, at,
      ])
    for slot in take.slots { try insert(slot, root: file.root, seenAt: take.seenAt.milliseconds) }
    _ = try write(take.outputs)
    return .applied
  }

  /// `seenAt`: the moment, in milliseconds since 1970, that gives the slot its place in the queue.
  func insert(_ slot: Slot, root: RootID, seenAt: Int64) throws {
    try put(
      "INSERT INTO slot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        slot.key.job.text, slot.key.revision, slot.key.number, root.number, slot.state.name.rawValue,
        slot.dueAt ?? seenAt, slot.changedAt ?? seenAt, slot.failures, slot.serviceStatus, slot.consumed, slot.detail,
        slot.attemptsJSON, slot.taskID, seenAt,
      ])
  }

  private func move(_ slot: Slot, from: StateName, outputs: [Output]) throws -> ChangeResult {
    let key = slot.key
    try put(
      """
      UPDATE slot SET state = ?, due_at = coalesce(?, min(due_at, changed_at)), changed_at = max(changed_at, ?), failures = ?, service_status = ?, consumed = ?, detail = ?,
        attempts = ?, task_id = ? WHERE job = ? AND revision = ? AND number = ? AND state = ?
      """,
      [
        slot.state.name.rawValue, slot.dueAt, slot.changedAt ?? 0, slot.failures, slot.serviceStatus, slot.consumed,
        slot.detail,
        slot.attemptsJSON, slot.taskID, key.job.text, key.revision, key.number, from.rawValue,
      ])
    guard changesCount > 0 else { return .stale }
    if !outputs.isEmpty { _ = try write(outputs) }
    if slot.state.name != from { try foldState(of: key.job) }
    return .applied
  }

  /// The file's state follows its slots, unless a note speaks for it.
  func foldState(of job: JobID) throws {
    let rows = try Row.fetchAll(
      cachedStatement(
        sql: "SELECT s.number, s.state FROM slot s JOIN job j ON j.id = s.job AND j.current = s.revision WHERE j.id = ?"
      ),
      arguments: [job.text])
    let slots = rows.compactMap { row in
      StateName(rawValue: row["state"]).map { (number: row["number"] as Int, state: $0) }
    }
    try put("UPDATE job SET state = ? WHERE id = ? AND note_code IS NULL", [Job.fold(slots).rawValue, job.text])
  }

  private func makeCurrent(
    _ job: JobID, _ revision: Int, expected: Int, count: Int, _ slots: [Slot], _ stamp: TakenStamp?
  ) throws -> ChangeResult {
    guard
      let root = try Int64.fetchOne(
        self, sql: "SELECT root FROM job WHERE id = ? AND current = ?", arguments: [job.text, expected])
    else { return .stale }
    let exists = try Row.fetchOne(
      self, sql: "SELECT 1 FROM revision WHERE job = ? AND number = ?", arguments: [job.text, revision])
    guard exists != nil else { return .stale }
    try put(
      """
      UPDATE job SET current = ?, stamp = ?, note = NULL, note_code = NULL, inputs_changed = 0 WHERE id = ?
      """, [revision, stamp?.blob, job.text])
    try put(
      "UPDATE revision SET count = max(count, ?) WHERE job = ? AND number = ?", [count, job.text, revision])
    let now = try Int64.fetchOne(
      self, sql: "SELECT taken_at FROM revision WHERE job = ? AND number = ?", arguments: [job.text, revision])
    for slot in slots { try insert(slot, root: RootID(root), seenAt: now ?? 0) }
    try foldState(of: job)
    return .applied
  }

  private func note(
    _ job: JobID, _ file: FileKey, _ note: FileNote?, _ stamp: TakenStamp?, _ at: Timestamp
  ) throws -> ChangeResult {
    guard let note else {
      let result = try set(
        "UPDATE job SET note = NULL, note_code = NULL, stamp = ? WHERE id = ?", [stamp?.blob, job.text])
      try foldState(of: job)
      return result
    }
    try put(
      """
      INSERT INTO job (id, root, path, current, state, note, note_code, stamp, created_at, updated_at)
      VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, note = excluded.note, note_code = excluded.note_code,
        stamp = excluded.stamp, updated_at = excluded.updated_at
      ON CONFLICT (root, path) DO NOTHING
      """,
      [
        job.text, file.root.number, Data(file.path.bytes), note.state.rawValue, try encode(note),
        note.error.code.rawValue,
        stamp?.blob, at.milliseconds, at.milliseconds,
      ])
    return changesCount > 0 ? .applied : .stale
  }

  private func rename(
    _ job: JobID, from: FileKey, to: FileKey, _ displaced: FileKey?
  ) throws -> ChangeResult {
    func occupant(_ file: FileKey) throws -> Row? {
      try Row.fetchOne(
        cachedStatement(sql: "SELECT id, current FROM job WHERE root = ? AND path = ?"),
        arguments: [file.root.number, Data(file.path.bytes)])
    }
    guard try occupant(from)?["id"] == job.text else { return .stale }
    if let before = try occupant(to) {
      let id: String = before["id"]
      guard let displaced, id != job.text, try occupant(displaced) == nil else { return .stale }
      if before["current"] == 0 {
        try put("DELETE FROM job WHERE id = ?", [id])
      } else {
        try put("UPDATE slot SET root = ? WHERE job = ?", [displaced.root.number, id])
        try put(
          "UPDATE job SET root = ?, path = ? WHERE id = ?", [displaced.root.number, Data(displaced.path.bytes), id])
      }
    }
    try put("UPDATE slot SET root = ? WHERE job = ?", [to.root.number, job.text])
    return try set(
      "UPDATE job SET former_root = root, former_path = path, root = ?, path = ? WHERE id = ?",
      [to.root.number, Data(to.path.bytes), job.text])
  }

  // Paths are bytes: what is below a folder begins with its path and a slash, and `0` comes next after the slash.
  private func renameFolder(_ from: FileKey, to: FileKey) throws -> ChangeResult {
    guard from != to else { return .stale }
    let (old, new) = (from.path.bytes + [0x2F], to.path.bytes + [0x2F])
    let range: StatementArguments = [from.root.number, Data(old), Data(from.path.bytes + [0x30])]
    let result = try set(
      "UPDATE OR IGNORE job SET root = ?, path = CAST(? || substr(path, ?) AS BLOB) WHERE root = ? AND path >= ? AND path < ?",
      [to.root.number, Data(new), old.count + 1] + range)
    if from.root != to.root {
      try put(
        "UPDATE slot SET root = ? WHERE job IN (SELECT id FROM job WHERE root = ? AND path >= ? AND path < ?)",
        [to.root.number, to.root.number, Data(new), Data(to.path.bytes + [0x30])])
    }
    return result
  }

  private func write(_ outputs: [Output]) throws -> ChangeResult {
    for output in outputs {
      try put(
        "INSERT OR REPLACE INTO output VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
          output.slot.job.text, output.slot.revision, output.slot.number, output.part, output.number, Data(output.file),
          output.sha256, output.bytes, output.image.format.rawValue, output.image.width, output.image.height,
          output.temporary.map { Data($0) }, output.kept.map { Data($0) },
          output.warning,
        ])
    }
    return .applied
  }
}
