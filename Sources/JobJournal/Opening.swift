import CSQLite
import JobCore

/// How a journal's file is opened: made where there is none, brought to the present tables, and looked through for damage.
enum Opening {
  /// Bytes a page. Measured: see `Schema`.
  static let pageSize = 4096
  // A file up to this many bytes is looked through from end to end: that takes no time worth mentioning.
  private static let small = 8 << 20

  static func open(_ folder: StateFolder) throws -> Store {
    let path = "\(folder.path)/journal.sqlite"
    var connection = try connect(path)
    let versions = try Schema.versions(connection)
    let known = Set((1...Schema.version).map { "\($0)" })
    guard known.isSuperset(of: versions) else {
      throw JournalError.broken("the journal was written by a newer version of promptdrop")
    }
    if versions.isEmpty {
      try transaction(connection) { try Schema.make(connection) }
    } else if !versions.contains("\(Schema.version)") {
      connection = try Migration.run(connection, in: folder) { try connect(path) }
    }
    let store = try check(connection)
    // What an earlier process could not sync may stand in memory only: it is written anew, and synced.
    try connection.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    // What earlier versions shared the log by; nobody else may have the file now.
    try folder.remove("journal.sqlite-shm")
    return store
  }

  private static func connect(_ path: String) throws -> Connection {
    let connection = try Connection(path: path)
    // Exclusive before the first look at the file: no lock is taken and let go for each transaction, and nothing is shared.
    try connection.execute(
      sql: """
        PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = \(pageSize); PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL
        """)
    let mode = try connection.all(sql: "PRAGMA synchronous") { $0.int(0) }
    let journal = try connection.all(sql: "PRAGMA journal_mode") { $0.text(0) }
    guard mode == [2], journal == ["wal"] else {
      throw JournalError.broken("SQLite gives synchronous=\(mode), journal_mode=\(journal)")
    }
    return connection
  }

  static func transaction(_ connection: Connection, _ body: () throws -> Void) throws {
    try connection.execute(sql: "BEGIN IMMEDIATE")
    do {
      try body()
      try connection.execute(sql: "COMMIT")
    } catch {
      // A failure here does not take the place of the first error. Closed, the connection takes back what it wrote.
      do {
        if connection.isInTransaction { try connection.execute(sql: "ROLLBACK") }
      } catch { connection.close() }
      throw error
    }
  }

  /// What SQLite finds wrong with the file. Indexes are compared with their tables where the file is small. Whether it is.
  static func checkPages(_ connection: Connection) throws -> Bool {
    let pages = try connection.all(sql: "PRAGMA page_count") { $0.int(0) }.first ?? 0
    let size = try connection.all(sql: "PRAGMA page_size") { $0.int(0) }.first ?? 0
    let isSmall = pages * size <= small
    let words = try connection.all(sql: "PRAGMA \(isSmall ? "integrity_check" : "quick_check")(3)") { $0.text(0) }
    guard words == ["ok"] else { throw SQLiteError(code: SQLITE_CORRUPT, message: words.joined(separator: "; ")) }
    return isSmall
  }

  // A journal that is damaged is not used: what it would not tell could be paid for again.
  private static func check(_ connection: Connection) throws -> Store {
    let isSmall = try checkPages(connection)
    // A column whose name went bad is no damage in SQLite's eyes.
    guard try Schema.fingerprint(connection) == Schema.made else { throw SQLiteJournal.otherTables }
    let store = try Store(connection)
    if isSmall { try store.compareAll() } else { try store.compareNext() }
    return store
  }
}

// What follows from the jobs' rows, compared with them. Each row is checked when it is read, too.
extension Store {
  /// Every job.
  fileprivate func compareAll() throws {
    var open: [Int64: Set<OpenSlot>] = [:]
    try connection.each("SELECT job, state, due_at, seen_at, revision, number, blame, code FROM open_slot") { row in
      open[row.integer(0), default: []].insert(try OpenSlot(row))
      return true
    }
    var tasks: [Int64: Set<Int64>] = [:]
    try connection.each("SELECT job, key FROM task") { row in
      tasks[row.integer(0), default: []].insert(row.integer(1))
      return true
    }
    try eachRecord { job in
      guard open.removeValue(forKey: job.row) ?? [] == Set(Traces(of: job).open),
        tasks.removeValue(forKey: job.row) ?? [] == Set(Traces(of: job).tasks)
      else { throw Unreadable(what: "queue: it is not what job \(job.id.text) says") }
    }
    guard open.isEmpty, tasks.isEmpty else { throw Unreadable(what: "queue: it has jobs that are none") }
  }

  /// The jobs that come next, and those under way.
  fileprivate func compareNext() throws {
    let next = try connection.all(
      "SELECT job, state, due_at, seen_at, revision, number, blame, code FROM open_slot LIMIT 4096"
    ) { ($0.integer(0), try OpenSlot($0)) }
    let underWay = try connection.all(
      "SELECT job, state, due_at, seen_at, revision, number, blame, code FROM open_slot WHERE state = 1 LIMIT 4096"
    ) { ($0.integer(0), try OpenSlot($0)) }
    for (job, slot) in next + underWay {
      let job = try record(row: job)
      guard Traces(of: job).open.contains(slot) else {
        throw Unreadable(what: "queue: it is not what job \(job.id.text) says")
      }
    }
  }
}

extension OpenSlot {
  fileprivate init(_ row: Row) throws {
    guard let state = StateName(number: row.integer(1)) else { throw Unreadable(what: "queue") }
    self.init(
      state: state, due: row.integer(2), seen: row.integer(3), revision: row.int(4), number: row.int(5),
      isBlamed: row.integer(6) == 1, code: row.optionalText(7))
  }
}

extension SQLiteError {
  // Nothing was changed, and the same can be tried again. Not a failed sync: after that nobody knows what is on the disk.
  var isPassing: Bool {
    // SQLITE_IOERR_WRITE, _NOMEM and _SHMSIZE, whose names Swift does not import.
    [SQLITE_IOERR | 3 << 8, SQLITE_IOERR | 12 << 8, SQLITE_IOERR | 19 << 8].contains(code)
      || [SQLITE_FULL, SQLITE_NOMEM].contains(code & 0xFF)
  }

  // A broken constraint is a word that went bad: nothing that is written breaks one.
  var isDamage: Bool { [SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CONSTRAINT].contains(code & 0xFF) }
}
