import JobCore
import Synchronization

/// The journal in SQLite: one file, one connection that has the file alone, write-ahead log, every commit synced.
public final class SQLiteJournal: JobJournal {
  // Released in this order: the thread has ended before SQLite's last checkpoint, and that is over before another process
  // can have the lock.
  private let thread = JournalThread()
  let shared: Shared
  private let folder: StateFolder

  // What the thread has besides: never the journal itself, which waits for the thread when it ends.
  final class Shared: Sendable {
    let store: Mutex<Store>
    // Calls on the thread that have not ended.
    let queued = Atomic<Int>(0)
    /// Which tasks it may have.
    let tasks = TaskKeys()

    init(_ store: sending Store) { self.store = Mutex(store) }
  }

  /// Opens the journal in a locked folder, or makes it. Throws `JournalError`.
  public init(_ folder: StateFolder) throws(JournalError) {
    self.folder = folder
    do {
      shared = Shared(try Opening.open(folder))
    } catch {
      throw Self.sorted(error)
    }
    try folder.sync()
  }

  /// Writes a copy of the journal beside it, unless there is one that is younger than `age`.
  public func backUp(unlessYoungerThan age: Duration, now: Timestamp) async throws -> Bool {
    let copy = "\(folder.path)/\(Self.backupName)"
    if let last = folder.modified(Self.backupName), last <= now, now - last < age { return false }
    let temporary = copy + ".new"
    try folder.remove(Self.backupName + ".new")
    do {
      try await run { store in try store.connection.run("VACUUM INTO ?", .text(temporary)) }
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
    if changes.isEmpty { return [] }
    // Before it is given to the thread: whoever asks from now on is answered as after it.
    shared.tasks.enter(of: changes)
    return try await run { store in
      try store.transaction { try changes.map { try store.apply($0) } }
    }
  }

  /// Runs `body` on the journal's thread; reads and writes share the connection, so that a read sees every commit before
  /// it.
  func run<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { [shared] continuation in
      shared.queued.add(1, ordering: .acquiringAndReleasing)
      thread.run {
        let result = Result { try shared.store.withLock { try $0.use(body) } }
        shared.queued.subtract(1, ordering: .acquiringAndReleasing)
        continuation.resume(with: result.mapError { Self.sorted($0) as any Error })
      }
    }
  }

  /// As `run`, for a few rows that an index finds. While nothing else is asked of the journal it is done on the caller's
  /// thread: two changes of threads take many times as long.
  func lookUp<T: Sendable>(_ body: @escaping @Sendable (Store) throws -> T) async throws -> T {
    if shared.queued.load(ordering: .acquiring) == 0 {
      let found = shared.store.withLockIfAvailable { store in Result { try store.use(body) } }
      if let found { return try found.mapError { Self.sorted($0) }.get() }
    }
    return try await run(body)
  }

  private static func sorted(_ error: any Error) -> JournalError {
    switch error {
    case let error as JournalError: error
    case let error as SQLiteError where error.isPassing: .full(error.message)
    case let error as SQLiteError where error.isDamage: damage(error.message)
    case let error as Unreadable: damage(error.what)
    default: .broken("\(error)")
    }
  }

  private static func damage(_ what: String) -> JournalError {
    .broken(
      "\(damaged) (\(what)). Move journal.sqlite and journal.sqlite-wal away, and put \(backupName) in their place if there "
        + "is one. \(takeOver)")
  }

  /// The file says that it is of this version, and its tables are others. A copy that the same program made is refused too.
  static let otherTables = JournalError.broken(
    "its tables are not those of this version: another build of promptdrop made it, or it is damaged. Start the program "
      + "that made it; otherwise move journal.sqlite and journal.sqlite-wal away, and put \(backupName) in their place if "
      + "there is one. If that is refused in the same words, move it away as well. \(takeOver)")
  private static let takeOver =
    "promptdrop takes over what the sidecars say, and submits nothing again that they know"
}
