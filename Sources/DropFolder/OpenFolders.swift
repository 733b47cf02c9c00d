import JobCore
import Synchronization

/// A folder that several hold open.
final class OpenFolder: Sendable {
  let descriptor: Descriptor
  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// How it is synced, the folder of a prompt.
  func duty(_ prompt: FileKey, _ workers: FileWorkers) throws(LocalTrouble) -> FolderSync.Duty {
    @Sendable func trouble(_ error: SystemError) -> LocalTrouble {
      LocalTrouble(error, doing: "sync the folder of", prompt.path.display, isFatal: true)
    }
    do throws(SystemError) {
      return FolderSync.Duty(folder: try descriptor.place()) {
        do throws(SystemError) {
          return .success(
            try workers.syncing(prompt.root) { () throws(SystemError) in try self.descriptor.sync() })
        } catch {
          return .failure(trouble(error))
        }
      }
    } catch {
      throw trouble(error)
    }
  }
}

/// Folders that stay open for what one batch of work does in them: a path is walked once for all.
///
/// Who asks for work in a folder may just have heard that another one has taken the path. So a folder serves only what was
/// asked for before it was opened: each piece of work is done in a folder that stood under its path after that, as it would be
/// if it opened the folder itself. All are closed when the batch ends, some milliseconds later at most, so that none keeps a
/// file system from being unmounted.
final class OpenFolders: Sendable {
  /// An order of what is asked for and what is opened.
  typealias Moment = UInt64

  private let open = Mutex<[FileKey: (folder: OpenFolder, at: Moment)]>([:])
  private let clock = Atomic<Moment>(0)

  /// Now, for what is asked for now.
  var now: Moment { clock.load(ordering: .sequentiallyConsistent) }

  /// The folder, for what was asked for at a moment; opened where it has not been since. Throws what `body` throws.
  func folder(
    _ folder: FileKey, asked: Moment, _ body: () throws(LocalTrouble) -> OpenFolder
  ) throws(LocalTrouble) -> OpenFolder {
    // A root is open anyway.
    if folder.path.bytes.isEmpty { return try body() }
    if let known = open.withLock({ $0[folder] }), known.at > asked { return known.folder }
    let moment = clock.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
    let new = try body()
    open.withLock { $0[folder] = (new, moment) }
    return new
  }

  /// The batch ends. Whoever still works in one holds it.
  func letGo() {
    // Closed when the lock is let go, and not while others wait for it.
    _ = open.withLock { open in
      defer { open = [:] }
      return open
    }
  }
}
