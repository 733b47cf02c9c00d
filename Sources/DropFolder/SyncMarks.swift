import JobCore

// Marks of sync tools, which say that a folder is kept on several machines.
extension FolderFiles {
  /// Looks for a sync tool's mark in the file's folder and in those above it.
  public func hasSyncMark(above file: FileKey) async -> Bool {
    await onWorker {
      if self.roots[file.root]?.isBelowSyncMark == true { return true }
      var folder = file.path.directory
      while true {
        let mark = FileKey(root: file.root, path: folder.appending(DropNames.syncMark))
        switch self.sight(mark).sighting {
        case .missing, .unreadable: break
        case .file, .notAFile: return true
        }
        if folder.bytes.isEmpty { return false }
        folder = folder.directory
      }
    }
  }
}
