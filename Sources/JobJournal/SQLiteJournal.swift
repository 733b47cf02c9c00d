import Dispatch
import FoundationEssentials
import GRDB
import JobCore

/// The journal in SQLite: one file, one connection, write-ahead log, every commit synced.
public final class SQLiteJournal: JobJournal {
  // Released in this order: SQLite's last checkpoint is over before another process can have the lock.
  private let database: DatabaseQueue
  private let folder: StateFolder
  // GRDB's own asynchronous writes cost twice as much as calling it from a queue of one's own.
  private let queue = DispatchQueue(label: "journal")

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
      // After opening, because GRDB sets NORMAL itself while it switches to the write-ahead log.
      try database.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = FULL")
        let mode = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        let journal = try String.fetchOne(db, sql: "PRAGMA journal_mode")
        guard mode == 2, journal == "wal" else {
          throw JournalError.broken("SQLite gives synchronous=\(mode ?? -1), journal_mode=\(journal ?? "?")")
        }
      }
    } catch {
      throw Self.sorted(error)
    }
    try folder.sync()
  }

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
      queue.async {
        continuation.resume(
          with: Result { try self.database.writeWithoutTransaction(body) }.mapError { Self.sorted($0) as any Error })
      }
    }
  }

  private static func sorted(_ error: any Error) -> JournalError {
    switch error {
    case let error as JournalError: error
    case let error as DatabaseError where error.resultCode == .SQLITE_FULL: .full("\(error)")
    default: .broken("\(error)")
    }
  }
}
