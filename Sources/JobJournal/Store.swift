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
  private var writer: RecordWriter

  init(_ connection: Connection) throws {
    self.connection = connection
    steps = try JobStatements(connection)
    words = Words(connection)
    writer = RecordWriter(words)
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
    try steps.findJob.bind(1, id: id)
    return try steps.findJob.first { try JobRecord($0, words) }
  }

  /// The job's row, held from now on.
  func hold(_ id: JobID) throws -> HeldRecords.Held? {
    if let known = held[id] { return known }
    return try record(id).map { held.hold($0) }
  }

  /// The job's row, held where the job waits: its turn may be soon.
  func recordOfNext(_ id: JobID) throws -> JobRecord? {
    if let known = held.peek(id) { return known }
    guard let found = try record(id) else { return nil }
    if found.state == .queued { held.hold(found) }
    return found
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
    try steps.hasJob.bind(1, id: job)
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

  /// Makes the row of a job that has none, and returns what other tables have of it. Nil where the file or the job has a row:
  /// nothing is written then.
  func insert(_ record: inout JobRecord) throws -> Traces? {
    let insert = steps.insert
    let columns = CheckedColumns(of: record, source: record.source)
    try insert.bind(1, id: record.id)
    try insert.bind(2, record.file.root.number)
    try insert.bind(3, bytes: record.file.path.bytes)
    try insert.bind(4, columns.state)
    try insert.bind(5, Int64(record.current))
    try insert.bind(6, columns.source)
    try insert.bind(7, columns.isLoose ? 1 : 0)
    if let stamp = record.stamp { try insert.bind(8, bytes: stamp.packed) } else { try insert.bind(8, nil) }
    try insert.bind(9, record.inputsChanged ? 1 : 0)
    try insert.bind(10, text: try record.note?.journalText())
    var heads: [[UInt8]] = []
    try record.write(to: &writer, heads: &heads, columns)
    try insert.execute(11, bytes: writer.out.bytes)
    guard connection.changes > 0 else { return nil }
    record.row = connection.lastRow
    let traces = Traces(of: record)
    try follow(record.row, from: Traces(), to: traces)
    return traces
  }

  /// Changes slots or pictures of a job whose row is held, in place. `body` must not throw once it has changed anything: the
  /// transaction fails where it does. `keepsTraces`: other tables have the same of it afterwards.
  func change(_ held: HeldRecords.Held, keepsTraces: Bool, _ body: (inout JobRecord) -> Void) throws {
    let (state, wasLoose) = (held.record.state, held.record.isLoose)
    let traces = keepsTraces ? nil : held.traces
    body(&held.record)
    try write(held.record, held.source, &held.heads, wasIn: state, wasLoose: wasLoose)
    if let traces {
      let now = Traces(of: held.record)
      try follow(held.record.row, from: traces, to: now)
      held.traces = now
    }
    if !held.record.isUnderWay { self.held.letGoAtEnd(held.record.id) }
  }

  /// Writes a job whose slots or pictures are others now.
  func update(_ record: JobRecord, from old: JobRecord) throws {
    held.forget(record.id)
    var heads: [[UInt8]] = []
    try write(record, record.source, &heads, wasIn: old.state, wasLoose: old.isLoose)
    try follow(record.row, from: Traces(of: old), to: Traces(of: record))
  }

  private func write(
    _ record: JobRecord, _ source: Int64?, _ heads: inout [[UInt8]], wasIn state: StateName, wasLoose: Bool
  ) throws {
    let columns = CheckedColumns(of: record, source: source)
    try record.write(to: &writer, heads: &heads, columns)
    // Without a column that does not change, its index is not looked at.
    if columns.isLoose != wasLoose {
      try steps.updateLoose.bind(1, columns.state)
      try steps.updateLoose.bind(2, columns.isLoose ? 1 : 0)
      try steps.updateLoose.bind(3, record.row)
      try steps.updateLoose.execute(4, bytes: writer.out.bytes)
    } else if columns.state != Int64(state.number) {
      try steps.updateState.bind(1, columns.state)
      try steps.updateState.bind(2, record.row)
      try steps.updateState.execute(3, bytes: writer.out.bytes)
    } else {
      try steps.update.bind(1, record.row)
      try steps.update.execute(2, bytes: writer.out.bytes)
    }
  }

  /// Writes a job of which more than that is another, but for its file.
  func rewrite(_ record: JobRecord, from old: JobRecord) throws {
    held.forget(record.id)
    let columns = CheckedColumns(of: record, source: record.source)
    var heads: [[UInt8]] = []
    try record.write(to: &writer, heads: &heads, columns)
    try connection.run(
      """
      UPDATE job SET state = ?, current = ?, source = ?, loose = ?, stamp = ?, inputs_changed = ?, note = ?, body = ?
      WHERE id = ?
      """, .integer(columns.state), .number(record.current), .number(columns.source),
      .number(columns.isLoose ? 1 : 0), .bytes(record.stamp?.packed), .number(record.inputsChanged ? 1 : 0),
      .text(try record.note?.journalText()), .bytes(Array(writer.out.bytes)), .integer(record.row))
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
    var record = RevisionRecord(revision: revision, text: .inside, slots: slots)
    guard revision.isLong else { return record }
    record.text = .stored(try storeText(revision.snapshot.prompt, hash: revision.identity.prompt))
    record.revision.snapshot.prompt = ""
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
    guard case .stored(let id) = record.text else { return record.revision }
    let text = try connection.first("SELECT text, key, hash FROM prompt WHERE id = ?", .integer(id)) { row in
      guard row.integer(1) == JobRecord.key(row.hash(2)), row.hash(2) == record.identity.prompt else {
        throw Unreadable(what: "prompt")
      }
      return row.text(0)
    }
    guard let text else { throw Unreadable(what: "reference to prompt \(id)") }
    var revision = record.revision
    revision.snapshot.prompt = text
    return revision
  }

  // MARK: whose an attempt is

  /// An attempt is written down with this slot.
  func wrote(_ slot: Slot) { if !slot.attempts.isEmpty { written.append((slot.key, slot.attempts)) } }

  /// The slot whose attempt it is, where the present transaction wrote that down. A charge comes right after its slot.
  func slot(of attemptID: String) -> SlotKey? {
    written.last { $0.attempts.contains { $0.attemptID == attemptID } }?.slot
  }
}

extension Revision {
  /// Whether its text stands in the table of long ones.
  var isLong: Bool { snapshot.prompt.utf8.count > JobRecord.longestInside }
}
