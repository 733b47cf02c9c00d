import Glibc
import JobCore
import Synchronization

/// Shares the syncs of folders: while one runs for a folder, all who come meanwhile wait for the next one, together. A sync
/// that had begun before a rename proves nothing about it.
///
/// Nobody blocks a thread by waiting: who finds somebody on duty leaves a closure, and who is on duty syncs for all who left
/// one, until nobody waits.
final class FolderSync: Sendable {
  typealias Outcome = Result<Void, LocalTrouble>
  typealias Done = @Sendable (Outcome) -> Void

  /// A folder, whatever its path is: another one may take that while a sync runs.
  struct Folder: Hashable, Sendable {
    let device: UInt64, inode: UInt64
    init(_ status: stat) { (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino)) }
  }

  // A folder has an entry while somebody is on duty: those whom no sync has begun for.
  private let folders = Mutex<[Folder: [Done]]>([:])

  /// `done` is called once a sync has ended that begins after this call. Whether the caller is on duty from now on.
  func join(_ folder: Folder, _ done: @escaping Done) -> Bool {
    folders.withLock { folders in
      if folders[folder]?.append(done) != nil { return false }
      folders[folder] = [done]
      return true
    }
  }

  /// Who is on duty begins a sync: those whom it serves.
  func begin(_ folder: Folder) -> [Done] {
    folders.withLock { $0.updateValue([], forKey: folder) ?? [] }
  }

  /// It has ended. Whether others have come meanwhile, so that there has to be another one; else nobody is on duty.
  func end(_ folder: Folder, _ served: [Done], _ outcome: Outcome) -> Bool {
    for done in served { done(outcome) }
    return folders.withLock { folders in
      if folders[folder]?.isEmpty == false { return true }
      folders[folder] = nil
      return false
    }
  }
}

/// A folder that several hold open.
final class OpenFolder: Sendable {
  let descriptor: Descriptor
  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// A folder that is to be synced.
struct SyncDuty: Sendable {
  let place: FolderSync.Folder
  private let folder: OpenFolder
  private let prompt: FileKey

  /// Takes the folder of a prompt.
  init(_ folder: OpenFolder, _ prompt: FileKey) throws(LocalTrouble) {
    (self.folder, self.prompt) = (folder, prompt)
    do throws(SystemError) { place = try folder.descriptor.place() } catch { throw Self.trouble(error, prompt) }
  }

  /// Syncs it.
  func perform() -> FolderSync.Outcome {
    do throws(SystemError) {
      return .success(try folder.descriptor.sync())
    } catch {
      return .failure(Self.trouble(error, prompt))
    }
  }

  private static func trouble(_ error: SystemError, _ prompt: FileKey) -> LocalTrouble {
    LocalTrouble(error, doing: "sync the folder of", prompt.path.display, isFatal: true)
  }
}
