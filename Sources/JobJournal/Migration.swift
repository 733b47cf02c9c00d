import CSQLite
import Glibc
import JobCore

/// Brings a file of an earlier version to the present tables: a new file is written beside it and takes its place when it is
/// whole and on the disk. Until then nothing of the old one is changed, whatever happens; afterwards it is there by another
/// name, so that a mistake that was made here can be mended.
enum Migration {
  static let temporary = "journal.sqlite.new"

  /// What a file of this version is called when it has been replaced.
  static func kept(version: Int) -> String { "journal-\(version).sqlite" }

  /// The connection to the new file, which `connect` opens. Throws `SQLiteError`, `Unreadable` or `JournalError`.
  static func run(
    _ old: Connection, in folder: StateFolder, connect: () throws -> Connection
  ) throws -> Connection {
    let version = try Schema.versions(old).compactMap { Int($0) }.max() ?? 0
    // What an earlier try left.
    try folder.remove(temporary)
    do {
      try copy(old, to: "\(folder.path)/\(temporary)")
    } catch {
      // It takes the room that the journal needs.
      try folder.remove(temporary)
      throw error
    }
    // A log that stayed would be taken for the new file's.
    try old.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
    old.close()
    guard access("\(folder.path)/journal.sqlite-wal", F_OK) != 0 else {
      throw JournalError.broken("journal.sqlite-wal is still there after the journal was closed")
    }
    folder.link("journal.sqlite", as: kept(version: version))
    // The log is gone for good before the new file has the name that it belonged to.
    try folder.sync()
    try folder.publish(temporary, as: "journal.sqlite")
    return try connect()
  }

  // In a transaction that is taken back: what brings the old file to its last version is not kept.
  private static func copy(_ old: Connection, to path: String) throws {
    try old.execute(sql: "BEGIN IMMEDIATE")
    let result = Result {
      try FormerSchema.complete(old, from: try Schema.versions(old))
      _ = try Opening.checkPages(old)
      guard try Schema.fingerprint(old) == FormerSchema.made else {
        throw SQLiteError(code: SQLITE_CORRUPT, message: "its tables are not those that were made")
      }
      let new = try Connection(path: path)
      // It is synced as a whole before it gets its name.
      try new.execute(
        sql: "PRAGMA page_size = \(Opening.pageSize); PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
      try Opening.transaction(new) {
        try Schema.make(new)
        let store = try Store(new)
        var rows = try FormerRows(old)
        try rows.copy(to: store)
      }
    }
    let end = Result { if old.isInTransaction { try old.execute(sql: "ROLLBACK") } }
    // The first error is the one that is told.
    try result.get()
    try end.get()
  }
}
