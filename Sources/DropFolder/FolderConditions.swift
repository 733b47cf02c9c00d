import JobCore

// How things stand, for the user.
extension WatchedTree {
  // `status` names no more folders that are left out than somebody would read.
  private static let mostNamed = 50

  /// How each part is watched.
  var conditions: [FolderCondition] {
    var found: [FolderCondition] = []
    for (id, root) in roots.sorted(by: { $0.key.number < $1.key.number }) {
      guard let watch = folders.table.watch(of: id), let node = folders[watch] else {
        // Nothing is said of one that is about to be looked at for the first time.
        if let error = absences.error(of: id) ?? (absences.isGone(id) ? RootAbsence.missing.error(root.path) : nil) {
          found.append(
            FolderCondition(
              path: root.path, root: id, mode: error.code == ErrorCode.rootGone ? .gone : .unreadable, error: error))
        }
        continue
      }
      if let error = absences.error(of: id) {
        found.append(FolderCondition(path: root.path, root: id, mode: .unreadable, error: error))
        continue
      }
      found.append(condition(watch, node, root.path, id))
    }
    var below: [FolderCondition] = []
    for watch in folders.mountPoints {
      guard let key = folders.table.folder(watch), !key.path.bytes.isEmpty, let node = folders[watch],
        let root = roots[key.root]
      else { continue }
      below.append(condition(watch, node, root.path + [UInt8(ascii: "/")] + key.path.bytes, key.root))
    }
    found += below.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    let known = folders
    let unwatched = known.polled.filter {
      known[$0]?.way == .polling(.outOfWatches) && known.kind(at: $0) == nil
    }
    if let first = unwatched.compactMap({ known.table.folder($0) }).min(by: {
      ($0.root.number, $0.path.bytes.count) < ($1.root.number, $1.path.bytes.count)
    }), let root = roots[first.root] {
      var error = Inotify.outOfWatches(name(of: first), interval: options.pollInterval)
      if unwatched.count > 1 { error.message += " The same is true of \(unwatched.count - 1) other folders." }
      found.append(
        FolderCondition(
          path: root.path + [UInt8(ascii: "/")] + first.path.bytes, root: first.root, mode: .polling,
          interval: options.pollInterval, error: error))
    }
    return found + leftOutConditions
  }

  private func condition(_ watch: Watch, _ node: WatchedFolders.Node, _ path: [UInt8], _ root: RootID)
    -> FolderCondition
  {
    let kind = folders.kind(at: watch) ?? FileSystemKind(number: 0)
    guard case .polling(let reason) = node.way else {
      return FolderCondition(path: path, root: root, mode: .inotify, fileSystem: kind.name)
    }
    let name = DropPath.display(path)
    let error =
      switch reason {
      case .outOfWatches: Inotify.outOfWatches(name, interval: options.pollInterval)
      case .unavailable: kernel.trouble
      default: Self.polling(reason, kind, name, options.pollInterval)
      }
    return FolderCondition(
      path: path, root: root, mode: .polling, fileSystem: kind.name, interval: options.pollInterval, error: error)
  }

  // Folders that are not watched at all, and why.
  private var leftOutConditions: [FolderCondition] {
    var found: [FolderCondition] = []
    for (watch, name) in leftOut.all {
      guard let above = folders.table.folder(watch), let root = roots[above.root] else { continue }
      found.append(
        FolderCondition(
          path: root.path + [UInt8(ascii: "/")] + above.path.appending(name).bytes, root: above.root, mode: .skipped,
          error: options.skipped.reason(name)))
    }
    found.sort { $0.path.lexicographicallyPrecedes($1.path) }
    guard found.count > Self.mostNamed else { return found }
    let more = found.count - Self.mostNamed
    found.removeLast(more)
    found[found.count - 1].error?.message += " The same is true of \(more) other folders."
    return found
  }
}
