import JobCore

/// The journal's rows, read and written as a whole. Whoever uses it has it alone.
final class Store {
  let connection: Connection
  let words: Words
  // Whose attempts the present transaction wrote down: their charges say what they are for.
  private var attempts: [String: SlotKey] = [:]
  // What every call is answered with since a transaction could not be taken back.
  private var refusal: JournalError?

  init(_ connection: Connection) throws {
    self.connection = connection
    words = Words(connection)
    try words.load()
  }

  /// Runs `body`, unless what is in memory may be another than what is in the file.
  func use<T>(_ body: (Store) throws -> T) throws -> T {
    if let refusal { throw refusal }
    return try body(self)
  }

  /// Runs a statement that is not kept.
  func execute(sql: String) throws { try connection.execute(sql: sql) }

  /// Runs `body` in a transaction: all of it, or nothing.
  func transaction<T>(_ body: () throws -> T) throws -> T {
    try connection.run("BEGIN IMMEDIATE")
    defer { attempts = [:] }
    do {
      let result = try body()
      try connection.run("COMMIT")
      return result
    } catch {
      takeBack()
      throw error
    }
  }

  // A failure here does not take the place of the first error, which may be a failed sync: the next call tells of it.
  private func takeBack() {
    do {
      // SQLite may have rolled back by itself. What was new among the words is so no more.
      if connection.isInTransaction { try connection.run("ROLLBACK") }
      try words.load()
    } catch {
      refusal = .broken("a transaction that failed could not be taken back: \(error)")
    }
  }

  // MARK: jobs

  func record(_ id: JobID) throws -> JobRecord? {
    try connection.first(
      """
      SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job WHERE uuid = ?
      """, .id(id.text)
    ) { try JobRecord($0, words) }
  }

  func record(at file: FileKey) throws -> JobRecord? {
    try connection.first(
      """
      SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job
      WHERE root = ? AND path = ?
      """, .integer(file.root.number), .bytes(file.path.bytes)
    ) { try JobRecord($0, words) }
  }

  func record(row: Int64) throws -> JobRecord {
    let found = try connection.first(
      "SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job WHERE id = ?",
      .integer(row)
    ) { try JobRecord($0, words) }
    guard let found else { throw Unreadable(what: "reference to job \(row)") }
    return found
  }

  /// Hands out every job, in the order of their rows.
  func eachRecord(_ body: (JobRecord) throws -> Void) throws {
    try connection.each(
      "SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job ORDER BY id"
    ) { row in
      try body(try JobRecord(row, words))
      return true
    }
  }

  /// Makes the row of a job that has none.
  func insert(_ record: JobRecord) throws {
    var record = record
    try connection.run(
      """
      INSERT INTO job (uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, .id(record.id.text), .integer(record.file.root.number), .bytes(record.file.path.bytes),
      .number(record.state.number), .number(record.current), .number(record.source), .number(record.isLoose ? 1 : 0),
      .bytes(record.stamp?.packed), .number(record.inputsChanged ? 1 : 0), .text(try record.note?.journalText()),
      .bytes(try record.body(words)))
    record.row = connection.lastRow
    try follow(record, from: nil)
  }

  /// Writes a job whose slots or pictures are others now.
  func update(_ record: JobRecord, from old: JobRecord) throws {
    try connection.run(
      "UPDATE job SET state = ?, loose = ?, body = ? WHERE id = ?", .number(record.state.number),
      .number(record.isLoose ? 1 : 0), .bytes(try record.body(words)), .integer(record.row))
    try follow(record, from: old)
  }

  /// Writes a job of which more than that is another, but for its file.
  func rewrite(_ record: JobRecord, from old: JobRecord) throws {
    try connection.run(
      """
      UPDATE job SET state = ?, current = ?, source = ?, loose = ?, stamp = ?, inputs_changed = ?, note = ?, body = ?
      WHERE id = ?
      """, .number(record.state.number), .number(record.current), .number(record.source),
      .number(record.isLoose ? 1 : 0), .bytes(record.stamp?.packed), .number(record.inputsChanged ? 1 : 0),
      .text(try record.note?.journalText()), .bytes(try record.body(words)), .integer(record.row))
    try follow(record, from: old)
  }

  // MARK: what follows from a job's row

  private func follow(_ record: JobRecord, from old: JobRecord?) throws {
    let (before, after) = (old.map { OpenSlot.all(of: $0) } ?? [], OpenSlot.all(of: record))
    for slot in before where !after.contains(slot) {
      try connection.run(
        """
        DELETE FROM open_slot WHERE state = ? AND due_at = ? AND seen_at = ? AND job = ? AND revision = ? AND number = ?
        """, .number(slot.state.number), .integer(slot.due), .integer(slot.seen), .integer(record.row),
        .number(slot.revision), .number(slot.number))
    }
    for slot in after where !before.contains(slot) {
      try connection.run(
        "INSERT INTO open_slot VALUES (?, ?, ?, ?, ?, ?, ?, ?)", .number(slot.state.number), .integer(slot.due),
        .integer(slot.seen), .integer(record.row), .number(slot.revision), .number(slot.number),
        .number(slot.isBlamed ? 1 : 0), .text(slot.code))
    }
    let (former, tasks) = (old?.tasks ?? [], record.tasks)
    for key in former.subtracting(tasks) {
      try connection.run("DELETE FROM task WHERE key = ? AND job = ?", .integer(key), .integer(record.row))
    }
    for key in tasks.subtracting(former) {
      try connection.run("INSERT OR IGNORE INTO task VALUES (?, ?)", .integer(key), .integer(record.row))
    }
    if let changed = record.forgettable {
      guard old?.forgettable != changed else { return }
      try connection.run("INSERT OR REPLACE INTO forgettable VALUES (?, ?)", .integer(record.row), .integer(changed))
    } else if old?.forgettable != nil {
      try connection.run("DELETE FROM forgettable WHERE job = ?", .integer(record.row))
    }
  }

  // MARK: texts

  /// A revision as it is kept; a long text goes into its own table.
  func kept(_ revision: Revision, slots: [SlotRecord]) throws -> RevisionRecord {
    var record = RevisionRecord(
      number: revision.number, identity: revision.identity, snapshot: revision.snapshot, text: .inside,
      count: revision.count, takenAt: revision.takenAt, slots: slots)
    guard revision.snapshot.prompt.utf8.count > JobRecord.longestInside else { return record }
    record.text = .stored(try storeText(revision.snapshot.prompt, hash: revision.identity.prompt))
    record.snapshot.prompt = ""
    return record
  }

  private func storeText(_ text: String, hash: String) throws -> Int64 {
    let key = JobRecord.key(hash)
    var same: Int64?
    try connection.each("SELECT id, text FROM prompt WHERE key = ?", .integer(key)) { row in
      if row.withBytes(1, { $0.elementsEqual(text.utf8) }) { same = row.integer(0) }
      return same == nil
    }
    if let same {
      try connection.run("UPDATE prompt SET uses = uses + 1 WHERE id = ?", .integer(same))
      return same
    }
    try connection.run(
      "INSERT INTO prompt (key, hash, text, uses) VALUES (?, ?, ?, 1)", .integer(key), .hash(hash), .text(text))
    return connection.lastRow
  }

  /// The revision does not have its text any more.
  func release(_ text: RevisionRecord.Text) throws {
    guard case .stored(let id) = text else { return }
    try connection.run("UPDATE prompt SET uses = uses - 1 WHERE id = ?", .integer(id))
    try connection.run("DELETE FROM prompt WHERE id = ? AND uses <= 0", .integer(id))
  }

  /// The revision with its text.
  func revision(_ record: RevisionRecord) throws -> Revision {
    var snapshot = record.snapshot
    if case .stored(let id) = record.text {
      let text = try connection.first("SELECT text, key, hash FROM prompt WHERE id = ?", .integer(id)) { row in
        guard row.integer(1) == JobRecord.key(row.hash(2)), row.hash(2) == record.identity.prompt else {
          throw Unreadable(what: "prompt")
        }
        return row.text(0)
      }
      guard let text else { throw Unreadable(what: "reference to prompt \(id)") }
      snapshot.prompt = text
    }
    return Revision(
      number: record.number, identity: record.identity, snapshot: snapshot, count: record.count, takenAt: record.takenAt
    )
  }

  // MARK: whose an attempt is

  /// An attempt is written down with this slot.
  func wrote(_ slot: Slot) { for attempt in slot.attempts { attempts[attempt.attemptID] = slot.key } }
  /// The slot whose attempt it is, where the present transaction wrote that down.
  func slot(of attemptID: String) -> SlotKey? { attempts[attemptID] }
}

/// A slot's row in `open_slot`.
struct OpenSlot: Hashable {
  let state: StateName
  let due: Int64, seen: Int64
  let revision: Int, number: Int
  let isBlamed: Bool
  let code: String?

  init(_ record: SlotRecord) {
    let slot = record.slot
    (state, due, seen) = (slot.state.name, record.due, record.seen)
    (revision, number) = (slot.key.revision, slot.key.number)
    if case .queued(let queued) = slot.state {
      (isBlamed, code) = (queued.blame != nil, queued.error?.code.rawValue)
    } else {
      (isBlamed, code) = (false, nil)
    }
  }

  init(
    state: StateName, due: Int64, seen: Int64, revision: Int, number: Int, isBlamed: Bool, code: String?
  ) {
    (self.state, self.due, self.seen) = (state, due, seen)
    (self.revision, self.number, self.isBlamed, self.code) = (revision, number, isBlamed, code)
  }

  static func all(of record: JobRecord) -> [OpenSlot] { record.slots.filter(\.isOpen).map { OpenSlot($0) } }
}

extension JobRecord {
  /// What the tasks of its slots are found by.
  var tasks: Set<Int64> { Set(slots.compactMap { $0.slot.taskID.map(JobRecord.key) }) }

  /// When its oldest detail that need not be kept was last of use, in milliseconds since 1970; nil where there is none.
  var forgettable: Int64? {
    let texts = revisions.compactMap {
      isForgettable($0) ? $0.slots.map(\.changed).max() ?? $0.takenAt.milliseconds : nil
    }
    let attempts = slots.compactMap { $0.hasFreeAttempts ? $0.changed : nil }
    return (texts + attempts).min()
  }

  /// Whether the revision is an earlier one that nothing was paid for. What was withdrawn unsent keeps its text, because it
  /// can be wanted again; what was paid for keeps it for good.
  func isForgettable(_ revision: RevisionRecord) -> Bool {
    revision.number != current && !revision.hasNoText
      && revision.slots.allSatisfy { $0.slot.state.name == .failed && !$0.slot.mayBePaid }
  }
}

extension SlotRecord {
  /// Whether it is done and still tells of attempts that cost nothing.
  var hasFreeAttempts: Bool { slot.state.name == .done && slot.attempts.contains { !$0.outcome.mayBePaid } }
}
