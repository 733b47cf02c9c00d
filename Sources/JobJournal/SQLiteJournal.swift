import Dispatch
import FoundationEssentials
import GRDB
import JobCore
import Synchronization

/// The journal in SQLite: one file, one connection, write-ahead log, every commit synced.
public final class SQLiteJournal: JobJournal {
  // Released in this order: SQLite's last checkpoint is over before another process can have the lock.
  private let database: DatabaseQueue
  private let folder: StateFolder
  // GRDB's own asynchronous writes cost twice as much as calling it from a queue of one's own.
  private let queue = DispatchQueue(label: "journal")
  // Calls on that queue that have not ended.
  private let queued = Atomic<Int>(0)

  /// Opens the journal in a locked folder, or makes it. Throws `JournalError`.
  public init(_ folder: StateFolder) throws(JournalError) {
    self.folder = folder
    var configuration = Configuration()
    configuration.journalMode = .wal
    do {
      database = try DatabaseQueue(path: "\(folder.path)/journal.sqlite", configuration: configuration)
      let migrator = Migrations.all
      let isNewer = try database.read { try migrator.hasBeenSuperseded($0) }
      guard !isNewer else { throw JournalError.broken("the journal was written by a newer version of promptdrop") }
      try migrator.migrate(database)
      try Self.check(database, folder)
      // After opening, because GRDB sets NORMAL itself while it switches to the write-ahead log.
      try database.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        let mode = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        let journal = try String.fetchOne(db, sql: "PRAGMA journal_mode")
        guard mode == 2, journal == "wal" else {
          throw JournalError.broken("SQLite gives synchronous=\(mode ?? -1), journal_mode=\(journal ?? "?")")
        }
        // What an earlier process could not sync may stand in memory only: it is written anew, and synced.
        try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
    } catch {
      throw Self.sorted(error)
    }
    try folder.sync()
  }

  // A journal that is damaged is not used: what it would not tell could be paid for again. Indexes are compared with
  // their tables as long as that takes no time worth mentioning.
  private static func check(_ database: DatabaseQueue, _ folder: StateFolder) throws {
    try database.read { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      let check = pages <= 8192 ? "integrity_check" : "quick_check"
      let words = try String.fetchAll(db, sql: "PRAGMA \(check)(3)")
      guard words == ["ok"] else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: words.joined(separator: "; "))
      }
      // A column whose name went bad is no damage in SQLite's eyes.
      guard try Migrations.fingerprint(db) == Migrations.made else {
        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "its tables are not those that were made")
      }
    }
  }

  /// Writes a copy of the journal beside it, unless there is one that is younger than `age`.
  public func backUp(unlessYoungerThan age: Duration, now: Timestamp) async throws -> Bool {
    let copy = "\(folder.path)/\(Self.backupName)"
    if let last = folder.modified(Self.backupName), last <= now, now - last < age { return false }
    let temporary = copy + ".new"
    try folder.remove(Self.backupName + ".new")
    do {
      try await run { db in try db.execute(sql: "VACUUM INTO ?", arguments: [temporary]) }
      try folder.publish(Self.backupName + ".new", as: Self.backupName)
    } catch {
      // What there is of it takes the room that the journal needs.
      for name in [".new", ".new-journal"] { try folder.remove(Self.backupName + name) }
      if case JournalError.broken(let why) = error, !Self.isDamage(why) { throw JournalError.full(why) }
      throw error
    }
    return true
  }

  // A copy that cannot be made says nothing against the journal, unless it was the journal that could not be read.
  private static func isDamage(_ why: String) -> Bool { why.hasPrefix(damaged) }
  private static let damaged = "it is damaged"

  /// The name of the daily copy, in the state folder.
  public static let backupName = "journal-backup.sqlite"

  /// Applies a batch in one transaction: one sync for all of it.
  public func commit(_ changes: [JournalChange]) async throws -> [ChangeResult] {
    try await run { db in
      var results: [ChangeResult] = []
      try db.inTransaction {
        for change in changes { results.append(try db.apply(change)) }
        return .commit
      }
      return results
    }
  }

  /// Runs `body` on the journal's queue; reads and writes share the connection, so that a read sees every commit before
  /// it.
  func run<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queued.add(1, ordering: .acquiringAndReleasing)
      queue.async {
        let result = Result { try self.database.writeWithoutTransaction(body) }
        self.queued.subtract(1, ordering: .acquiringAndReleasing)
        continuation.resume(with: result.mapError { Self.sorted($0) as any Error })
      }
    }
  }

  /// As `run`, for a few rows that an index finds. While nothing else is asked of the journal it is done on the caller's
  /// thread: two changes of threads take many times as long.
  func lookUp<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
    guard queued.load(ordering: .acquiring) == 0 else { return try await run(body) }
    return try withoutWaiting(body)
  }

  // In an async function GRDB's asynchronous form would be chosen.
  private func withoutWaiting<T>(_ body: (Database) throws -> T) throws -> T {
    do { return try database.writeWithoutTransaction(body) } catch { throw Self.sorted(error) }
  }

  // Nothing was changed, and the same can be tried again. Not a failed sync: after that nobody knows what is on the
  // disk.
  private static func isPassing(_ error: DatabaseError) -> Bool {
    switch error.extendedResultCode {
    case .SQLITE_IOERR_WRITE, .SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_NOMEM: true
    default: [.SQLITE_FULL, .SQLITE_NOMEM].contains(error.resultCode)
    }
  }

  // A broken constraint is a word that went bad: nothing that is written breaks one.
  private static func isDamage(_ error: DatabaseError) -> Bool {
    [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_CONSTRAINT].contains(error.resultCode)
  }

  private static func sorted(_ error: any Error) -> JournalError {
    switch error {
    case let error as JournalError: error
    case let error as DatabaseError where isPassing(error): .full(error.message ?? "\(error)")
    case let error as DatabaseError where isDamage(error):
      .broken(
        "\(damaged) (\(error.message ?? "\(error)")). Move journal.sqlite, -wal and -shm away; in their place put "
          + "\(backupName) if there is one. What the sidecars beside the prompts tell is believed either way, and nothing "
          + "that they tell of is submitted again")
    default: .broken("\(error)")
    }
  }
}
