import JobCore

/// The journal's rows, read and written as a whole. Whoever uses it has it alone.
final class Store {
  let steps: JobStatements
  let connection: Connection
  let words: Words
  /// Whose rows are held here; see `HeldRecords`.
  var held = HeldRecords()
  /// What the bill is written with.
  var bill = BillMemory()
  // Slots that the present transaction wrote down, with their attempts: whose charges say what they are for.
  private var written: [(slot: SlotKey, attempts: [Attempt])] = []
  // What every call is answered with since a transaction could not be taken back.
  private var refusal: JournalError?
  // Where rows are put together, one after the other.
  private var buffer: [UInt8] = []

  init(_ connection: Connection) throws {
    self.connection = connection
    steps = try JobStatements(connection)
    words = Words(connection)
    try words.load()
  }

  /// Runs `body`, unless what is in memory may be another than what is in the file.
  func use<T>(_ body: (Store) throws -> T) throws -> T {
    if let refusal { throw refusal }
    return try body(self)
  }

  /// Runs a statement that is not kept.
  func execute(sql: String) throws {
    held.forgetAll()
    try connection.execute(sql: sql)
  }

  /// Runs `body` in a transaction: all of it, or nothing.
  func transaction<T>(_ body: () throws -> T) throws -> T {
    try steps.begin.execute()
    defer { written.removeAll(keepingCapacity: true) }
    do {
      let result = try body()
      try steps.commit.execute()
      held.transactionEnded()
      return result
    } catch {
      takeBack()
      throw error
    }
  }

  // A failure here does not take the place of the first error, which may be a failed sync: the next call tells of it.
  private func takeBack() {
    held.forgetAll()
    bill = BillMemory()
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
    if let known = held.peek(id) { return known }
    try steps.findJob.bind(1, id: id.text)
    return try steps.findJob.first { try JobRecord($0, words) }
  }

  /// The job's row, held from now on.
  func hold(_ id: JobID) throws -> HeldRecords.Held? {
    if let known = held[id] { return known }
    return try record(id).map { held.hold($0) }
  }

  func record(at file: FileKey) throws -> JobRecord? {
    guard try has(file) else { return nil }
    return try connection.first(
      """
      SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job
      WHERE root = ? AND path = ?
      """, .integer(file.root.number), .bytes(file.path.bytes)
    ) { try JobRecord($0, words) }
  }

  /// Whether the file has a job.
  func has(_ file: FileKey) throws -> Bool {
    try steps.hasFile.bind(1, file.root.number)
    try steps.hasFile.bind(2, bytes: file.path.bytes)
    return try steps.hasFile.first { _ in true } ?? false
  }

  /// Whether there is such a job.
  func has(_ job: JobID) throws -> Bool {
    try steps.hasJob.bind(1, id: job.text)
    return try steps.hasJob.first { _ in true } ?? false
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
  func insert(_ record: inout JobRecord) throws {
    let insert = steps.insert
    try insert.bind(1, id: record.id.text)
    try insert.bind(2, record.file.root.number)
    try insert.bind(3, bytes: record.file.path.bytes)
    try insert.bind(4, Int64(record.state.number))
    try insert.bind(5, Int64(record.current))
    try insert.bind(6, record.source)
    try insert.bind(7, record.isLoose ? 1 : 0)
    if let stamp = record.stamp { try insert.bind(8, bytes: stamp.packed) } else { try insert.bind(8, nil) }
    try insert.bind(9, record.inputsChanged ? 1 : 0)
    try insert.bind(10, text: try record.note?.journalText())
    var heads: [[UInt8]] = []
    try bindBody(of: record, &heads, to: insert, 11)
    try insert.execute()
    record.row = connection.lastRow
    try follow(record.row, from: Traces(), to: Traces(of: record))
  }

  /// Changes slots or pictures of a job whose row is held, in place. `body` must not throw once it has changed anything: the
  /// transaction fails where it does.
  func change(_ held: HeldRecords.Held, _ body: (inout JobRecord) -> Void) throws {
    let wasLoose = held.record.isLoose
    body(&held.record)
    try write(held.record, &held.heads, wasLoose: wasLoose)
    let traces = Traces(of: held.record)
    try follow(held.record.row, from: held.traces, to: traces)
    held.traces = traces
    if !held.record.isUnderWay { self.held.letGoAtEnd(held.record.id) }
  }

  /// Writes a job whose slots or pictures are others now.
  func update(_ record: JobRecord, from old: JobRecord) throws {
    held.forget(record.id)
    var heads: [[UInt8]] = []
    try write(record, &heads, wasLoose: old.isLoose)
    try follow(record.row, from: Traces(of: old), to: Traces(of: record))
  }

  private func write(_ record: borrowing JobRecord, _ heads: inout [[UInt8]], wasLoose: Bool) throws {
    let isLoose = record.isLoose
    let update = isLoose == wasLoose ? steps.update : steps.updateLoose
    try update.bind(1, Int64(record.state.number))
    try bindBody(of: record, &heads, to: update, 2)
    if isLoose != wasLoose { try update.bind(3, isLoose ? 1 : 0) }
    try update.bind(isLoose == wasLoose ? 3 : 4, record.row)
    try update.execute()
  }

  private func bindBody(
    of record: borrowing JobRecord, _ heads: inout [[UInt8]], to statement: Statement, _ index: Int32
  ) throws {
    try record.write(into: &buffer, words, heads: &heads)
    try buffer.withUnsafeBytes { try statement.bind(index, bytes: $0) }
  }

  /// Writes a job of which more than that is another, but for its file.
  func rewrite(_ record: JobRecord, from old: JobRecord) throws {
    held.forget(record.id)
    try connection.run(
      """
      UPDATE job SET state = ?, current = ?, source = ?, loose = ?, stamp = ?, inputs_changed = ?, note = ?, body = ?
      WHERE id = ?
      """, .number(record.state.number), .number(record.current), .number(record.source),
      .number(record.isLoose ? 1 : 0), .bytes(record.stamp?.packed), .number(record.inputsChanged ? 1 : 0),
      .text(try record.note?.journalText()), .bytes(try record.body(words)), .integer(record.row))
    try follow(record.row, from: Traces(of: old), to: Traces(of: record))
  }

  // MARK: what follows from a job's row

  private func follow(_ row: Int64, from before: Traces, to after: Traces) throws {
    if before.open != after.open {
      for slot in before.open where !after.open.contains(slot) { try slot.remove(steps.close, job: row) }
      for slot in after.open where !before.open.contains(slot) { try slot.insert(steps.open, job: row) }
    }
    if before.tasks != after.tasks {
      for key in before.tasks where !after.tasks.contains(key) {
        try connection.run("DELETE FROM task WHERE key = ? AND job = ?", .integer(key), .integer(row))
      }
      for key in after.tasks where !before.tasks.contains(key) {
        try steps.addTask.bind(1, key)
        try steps.addTask.bind(2, row)
        try steps.addTask.execute()
      }
    }
    if let changed = after.forgettable {
      guard before.forgettable != changed else { return }
      try connection.run("INSERT OR REPLACE INTO forgettable VALUES (?, ?)", .integer(row), .integer(changed))
    } else if before.forgettable != nil {
      try connection.run("DELETE FROM forgettable WHERE job = ?", .integer(row))
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
  func wrote(_ slot: Slot) { if !slot.attempts.isEmpty { written.append((slot.key, slot.attempts)) } }

  /// The slot whose attempt it is, where the present transaction wrote that down. A charge comes right after its slot.
  func slot(of attemptID: String) -> SlotKey? {
    written.last { $0.attempts.contains { $0.attemptID == attemptID } }?.slot
  }
}
