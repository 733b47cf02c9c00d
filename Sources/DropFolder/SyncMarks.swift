import JobCore

// Marks of sync tools, which say that a folder is kept on several machines.
extension FolderFiles {
  /// Looks for a sync tool's mark in the file's folder and in those above it.
  public func hasSyncMark(above file: FileKey) async -> Bool {
    if let known = knownMark(above: file) { return known }
    return await onWorker(few(file.root)) {
      guard let root = self.roots[file.root] else { return false }
      if root.lastIsBelowSyncMark ?? root.isBelowSyncMark { return true }
      var folder = file.path.directory
      while true {
        if self.hasSyncMark(in: FileKey(root: file.root, path: folder), root.facts) { return true }
        if folder.bytes.isEmpty { return false }
        folder = folder.directory
      }
    }
  }

  private func hasSyncMark(in folder: FileKey, _ facts: FolderFacts) -> Bool {
    if let known = facts.isMarked(folder.path) { return known }
    let changes = facts.changes
    let isMarked: Bool
    switch sight(FileKey(root: folder.root, path: folder.path.appending(DropNames.syncMark))).sighting {
    case .missing: isMarked = false
    case .file, .notAFile: isMarked = true
    // The next look may see it.
    case .unreadable: return false
    }
    facts.remember(isMarked: isMarked, of: folder.path, since: changes)
    return isMarked
  }

  // What is remembered needs no trip to a worker. Nil: not all of it is.
  private func knownMark(above file: FileKey) -> Bool? {
    guard let root = roots[file.root], let isBelow = root.lastIsBelowSyncMark else { return nil }
    if isBelow { return true }
    var folder = file.path.directory
    while true {
      guard let isMarked = root.facts.isMarked(folder) else { return nil }
      if isMarked { return true }
      if folder.bytes.isEmpty { return false }
      folder = folder.directory
    }
  }
}
