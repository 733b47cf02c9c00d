import JobCore
import Synchronization

/// Shares directory syncs: while one runs for a folder, all who come meanwhile wait for the next one, together. A sync
/// that had begun before a rename proves nothing about it.
final class FolderSync: Sendable {
  private typealias Waiting = CheckedContinuation<Result<Void, LocalTrouble>, Never>
  // A folder has an entry while a sync of it runs: those who wait for the next one.
  private let folders = Mutex<[FileKey: [Waiting]]>([:])

  /// Returns when a sync that began after this call has ended. Throws what it threw.
  func sync(
    _ folder: FileKey, _ perform: @escaping @Sendable () async throws(LocalTrouble) -> Void
  ) async throws(LocalTrouble) {
    let result = await withCheckedContinuation { (continuation: Waiting) in
      let leads = folders.withLock { folders in
        if folders[folder] != nil {
          folders[folder]?.append(continuation)
          return false
        }
        folders[folder] = []
        return true
      }
      if leads { Task { await self.run(folder, first: continuation, perform) } }
    }
    try result.get()
  }

  private func run(
    _ folder: FileKey, first: Waiting, _ perform: @Sendable () async throws(LocalTrouble) -> Void
  ) async {
    var batch = [first]
    while !batch.isEmpty {
      let result: Result<Void, LocalTrouble>
      do {
        try await perform()
        result = .success(())
      } catch {
        result = .failure(error)
      }
      for waiting in batch { waiting.resume(returning: result) }
      batch = folders.withLock { folders in
        let next = folders[folder] ?? []
        folders[folder] = next.isEmpty ? nil : []
        return next
      }
    }
  }
}
