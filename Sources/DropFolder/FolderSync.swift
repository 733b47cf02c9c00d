import Glibc
import JobCore
import Synchronization

/// Shares the syncs of folders: one sync serves all that was written before it begins. A sync that had begun before a rename
/// proves nothing about it.
///
/// While other writes into the folder are on their way, nobody syncs: the last of them does it for all, or the one with which
/// there are many. Nobody blocks a thread by waiting: what waits is a closure.
final class FolderSync: Sendable {
  typealias Outcome = Result<Void, LocalTrouble>
  typealias Done = @Sendable (Outcome) -> Void

  /// A folder, whatever its path is: another one may take that at any time.
  struct Folder: Hashable, Sendable {
    let device: UInt64, inode: UInt64
    init(_ status: stat) { (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino)) }
  }

  /// How a folder is synced.
  struct Duty: Sendable {
    let folder: Folder
    let sync: @Sendable () -> Outcome
  }

  /// What a writer has to do next.
  enum Turn: Sendable {
    /// Nothing: somebody else syncs.
    case none
    /// To sync for all who wait.
    case all(Duty)
    /// To sync for itself: another folder has taken the path meanwhile.
    case own(Duty, Done)
  }

  private struct Entry {
    // Writes on their way.
    var coming = 0
    // Those who have written, and whom no sync has begun for; and how to sync for them.
    var waiting: [Done] = []
    var duty: Duty?
    var isSyncing = false

    // Who asks is to sync, if the time for it has come.
    mutating func next() -> Turn {
      guard !isSyncing, let duty, !waiting.isEmpty, coming == 0 || waiting.count >= FolderSync.many else {
        return .none
      }
      isSyncing = true
      return .all(duty)
    }
    var isIdle: Bool { coming == 0 && waiting.isEmpty && !isSyncing }
  }
  // As many writes as wait for no more of them.
  private static let many = 64
  private let folders = Mutex<[FileKey: Entry]>([:])

  private func change<T: Sendable>(_ path: FileKey, _ body: (inout Entry) -> T) -> T {
    folders.withLock { folders in
      let (value, isIdle) = Self.change(&folders[path, default: Entry()], body)
      if isIdle { folders[path] = nil }
      return value
    }
  }

  private static func change<T>(_ entry: inout Entry, _ body: (inout Entry) -> T) -> (T, isIdle: Bool) {
    let value = body(&entry)
    return (value, entry.isIdle)
  }

  /// A write into the folder is on its way: `join` or `giveUp` follows.
  func expect(_ path: FileKey) { change(path) { $0.coming += 1 } }

  /// It is written. `done` is called once a sync has ended that begins after this call.
  func join(_ path: FileKey, _ duty: Duty, _ done: @escaping Done) -> Turn {
    change(path) { entry in
      entry.coming -= 1
      if let other = entry.duty, other.folder != duty.folder { return .own(duty, done) }
      entry.duty = duty
      entry.waiting.append(done)
      return entry.next()
    }
  }

  /// It came to nothing.
  func giveUp(_ path: FileKey) -> Turn {
    change(path) { entry in
      entry.coming -= 1
      return entry.next()
    }
  }

  /// Does what a writer has to do, on the calling thread; and what has to be done after that.
  func perform(_ turn: Turn, _ path: FileKey) {
    var turn = turn
    while true {
      switch turn {
      case .none: return
      case .own(let duty, let done):
        done(duty.sync())
        turn = change(path) { $0.next() }
      case .all(let duty):
        let served = change(path) { entry in
          defer { entry.waiting = [] }
          return entry.waiting
        }
        let outcome = duty.sync()
        for done in served { done(outcome) }
        turn = change(path) { entry in
          entry.isSyncing = false
          if entry.waiting.isEmpty { entry.duty = nil }
          return entry.next()
        }
      }
    }
  }
}
