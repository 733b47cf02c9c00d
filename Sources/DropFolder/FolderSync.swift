import Glibc
import JobCore
import Synchronization

/// Shares the syncs of folders: while one runs for a folder, all who come meanwhile wait for the next one, together. A sync
/// that had begun before a rename proves nothing about it.
///
/// Nobody blocks a thread by waiting: who finds a sync under way leaves a closure, and the thread that syncs does that for all
/// who left one.
final class FolderSync: Sendable {
  typealias Outcome = Result<Void, LocalTrouble>
  typealias Done = @Sendable (Outcome) -> Void

  /// A folder, whatever its path is: another one may take that while a sync runs.
  struct Folder: Hashable, Sendable {
    let device: UInt64, inode: UInt64
    init(_ status: stat) { (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino)) }
  }

  /// The duty to sync a folder once, for those who have come until now, and to tell it with `end`.
  struct Turn: ~Copyable {
    fileprivate let folder: Folder
    fileprivate let served: [Done]
  }

  // A folder has an entry while a sync of it runs: those who wait for the next one.
  private let folders = Mutex<[Folder: [Done]]>([:])

  /// `done` is called once a sync has ended that begins after this call. The caller's turn to sync; nil: another thread does it.
  func join(_ folder: Folder, _ done: @escaping Done) -> Turn? {
    let leads = folders.withLock { folders in
      if folders[folder] != nil {
        folders[folder]?.append(done)
        return false
      }
      folders[folder] = []
      return true
    }
    return leads ? Turn(folder: folder, served: [done]) : nil
  }

  /// The sync of a turn has ended. The next turn, where others have come meanwhile.
  func end(_ turn: consuming Turn, _ outcome: Outcome) -> Turn? {
    let folder = turn.folder
    for done in turn.served { done(outcome) }
    let next = folders.withLock { folders in
      let next = folders[folder] ?? []
      folders[folder] = next.isEmpty ? nil : []
      return next
    }
    return next.isEmpty ? nil : Turn(folder: folder, served: next)
  }
}
