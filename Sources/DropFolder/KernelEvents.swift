import CInotifyTools
import Glibc
import JobCore

// The kernel's events.
extension WatchedTree {
  /// Whether an event has to come within some time, and means something where it does not.
  var awaitsEvents: Bool { moves.isWaiting || probes.areWaiting }

  /// Reads the kernel's events, or as many as are reported at a time, and gives up what should have been heard by now. Whether
  /// there were any.
  mutating func hear() -> Bool {
    let (heard, isAtEnd) = drain()
    // What was not heard of may lie unread.
    if isAtEnd {
      giveUpUnpairedMoves()
      giveUpProbes()
    }
    return heard
  }

  private mutating func drain() -> (heard: Bool, isAtEnd: Bool) {
    var heard = false
    // Most events come in a row from one folder.
    var last: (watch: Watch, folder: FileKey)?
    while !news.isPart {
      // The end of what was read last may have been the queue's some time ago: what is waited for may have come since.
      guard let record = kernel.next() ?? (awaitsEvents ? kernel.next() : nil) else { return (heard, true) }
      heard = true
      // Of all events these are the most, and what becomes of the file is reported under its final name.
      if !record.isFolder, DropNames.isOwnTemporary(record.name) {
        probes.heard(record.name, in: record.watch)
        ownMoves.heard(record)
        continue
      }
      // Whoever waits for the file, as for a reference image, has to hear of it all the same.
      if ownMoves.isOwn(record), !awaited.any() { continue }
      if let last, last.watch == record.watch, !record.isFolder, !record.name.isEmpty {
        handleFile(Inotify.Event(record), in: last.folder)
        continue
      }
      let event = Inotify.Event(record)
      last = nil
      if event.has(IN_Q_OVERFLOW) {
        hasOverflowed = true
        writers.forgetAll()
        for root in roots.values { root.forgetAll() }
      } else if event.has(IN_IGNORED) {
        // The kernel has dropped this one itself, and may give its number to another folder.
        if let folder = folders.table.folder(event.watch) { roots[folder.root]?.facts.forgetAll() }
        for other in folders.remove(event.watch) where other != event.watch { drop(other) }
        drop(event.watch)
      } else if let folder = folders.table.folder(event.watch) {
        if event.name.isEmpty {
          // The root's own descriptor keeps a deleted folder's inode alive, so that no event says "deleted": its
          // attributes do.
          if folder.path.bytes.isEmpty, roots[folder.root]?.isInPlace == false { checkRoots() }
        } else if event.isFolder {
          handleFolder(event, in: folder)
        } else {
          handleFile(event, in: folder)
          last = (event.watch, folder)
        }
      }
    }
    return (heard, false)
  }

  private mutating func handleFolder(_ event: Inotify.Event, in folder: FileKey) {
    let meaning = DropNames.meaning(of: event.name)
    if case .prompt = meaning, event.has(IN_CREATE | IN_MOVED_TO) {
      report(event.name, meaning, folder, event.watch, .touched)
    }
    forgetFacts(event, in: folder)
    if event.name == DropNames.syncMark { noteSyncMark(event.has(IN_CREATE | IN_MOVED_TO), in: folder) }
    guard !options.skipped.skips(event.name) else {
      if options.skipped.isListed(event.name) { leftOut.handle(event) }
      return
    }
    let here = FileKey(root: folder.root, path: folder.path.appending(event.name))
    if event.has(IN_MOVED_FROM) {
      writers.forget(below: here)
      if let watch = folders.table.child(event.name, of: event.watch) {
        folders.takeOut(watch)
        moves.folderLeft(event.cookie, watch, from: here)
      }
    } else if event.has(IN_MOVED_TO), let move = moves.folderArrived(event.cookie) {
      for stale in folders.place(event.name, in: event.watch, move.watch) { drop(stale) }
      news.add(.folderRenamed(from: move.from, to: here))
      lookNow(Look(.child(of: event.watch, event.name)))
    } else if event.has(IN_CREATE | IN_MOVED_TO) {
      lookNow(Look(.child(of: event.watch, event.name)))
    }
  }

  // What is remembered of a folder is read anew after an event of what it was read from; and of all folders, when paths
  // mean other ones than they did.
  private func forgetFacts(_ event: Inotify.Event, in folder: FileKey) {
    guard let facts = roots[folder.root]?.facts else { return }
    if event.isFolder, event.has(IN_MOVED_FROM) { facts.forgetAll() }
    guard
      event.name == DropNames.folderDefaults || event.name == DropNames.syncMark
        || event.name.withUnsafeBytes(ControlNames.mayMatter)
    else { return }
    facts.forget(folder.path)
  }

  // A new folder is looked through before the events that follow: the sooner it is watched, the less has to be found by
  // looking. Of a large tree only the beginning: the kernel's queue must not run over meanwhile.
  private mutating func lookNow(_ look: Look) {
    let rest = looks.count
    looks.add(look)
    var left = 256
    while looks.count > rest, left > 0, work(folders: 1), !room.isEmpty { left -= 1 }
  }

  /// Folders that were renamed away and came to no watched place are outside now.
  private mutating func giveUpUnpairedMoves() {
    for move in moves.takeLost() {
      forget(move.watch)
      news.add(.folderVanished(move.from))
    }
  }

  private mutating func handleFile(_ event: Inotify.Event, in folder: FileKey) {
    noteWriter(event, in: folder)
    forgetFacts(event, in: folder)
    if let prompt = DropNames.promptOfSidecar(event.name), handleSidecar(event, of: prompt, in: folder) == .own,
      !awaited.any()
    {
      return
    }
    let meaning = DropNames.meaning(of: event.name)
    if event.has(IN_DELETE | IN_MOVED_FROM) {
      handleLoss(event, meaning, in: folder)
      controlLost(event.name, folder, event.watch)
    } else {
      controlSeen(event.name, meaning, folder, event.watch)
      let isWhole = event.has(IN_CLOSE_WRITE | IN_MOVED_TO)
      if event.has(IN_MOVED_TO), let former = moves.fileArrived(event.cookie) {
        let here = FileKey(root: folder.root, path: folder.path.appending(event.name))
        if case .prompt = meaning, here != former { news.add(.promptRenamed(from: former, to: here)) }
      }
      report(event.name, meaning, folder, event.watch, isWhole ? .closed : .touched)
    }
  }

  private enum Doer { case own, other }

  // This process gives a sidecar its name when it is whole, and does nothing else to it: of the events of a final name, only
  // the rename may be its own, and whether it is, the file itself tells. All others are somebody else's doing.
  private mutating func handleSidecar(_ event: Inotify.Event, of prompt: [UInt8], in folder: FileKey) -> Doer {
    guard let root = roots[folder.root] else { return .other }
    let sidecar = folder.path.appending(event.name)
    if event.has(IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM) { root.sidecars.forget(sidecar) }
    guard event.has(IN_CLOSE_WRITE | IN_MOVED_TO) else { return .other }
    if event.has(IN_MOVED_TO), isOwn(sidecar, root) { return .own }
    news.add(.sidecarArrived(prompt: FileKey(root: folder.root, path: folder.path.appending(prompt))))
    return .other
  }

  private func isOwn(_ sidecar: DropPath, _ root: RootFolder) -> Bool {
    guard let place = root.place else { return false }
    var status = stat()
    guard fstatat(place.descriptor, cString(sidecar.bytes), &status, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
    return root.sidecars.isOwn(sidecar, status.stamp)
  }

  // Whether a program has the file open for writing, as far as events tell: from a write to the next close. A file that is
  // only created may be a link to a complete one.
  private func noteWriter(_ event: Inotify.Event, in folder: FileKey) {
    let isWritten = event.has(IN_MODIFY)
    guard isWritten || writers.anyWritten else { return }
    let file = FileKey(root: folder.root, path: folder.path.appending(event.name))
    if isWritten {
      writers.wasWritten(file)
    } else if event.has(IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE) {
      writers.wasClosed(file)
    }
  }

  private mutating func handleLoss(_ event: Inotify.Event, _ meaning: DropNames.Meaning, in folder: FileKey) {
    switch meaning {
    case .prompt, .conflictCopy:
      let here = FileKey(root: folder.root, path: folder.path.appending(event.name))
      if event.has(IN_MOVED_FROM) { moves.promptLeft(event.cookie, from: here) }
      if room.take() { news.add(.promptGone(here)) } else { looks.couldNotTell(in: event.watch) }
    case .imageListOnItsWay(let stem):
      news.add(.listOnItsWay(prompt: prompt(stem, folder), temporary: event.name, present: false))
    case .folderDefaults: news.add(.defaultsChanged(folder: folder))
    // What waits for its list goes on without it.
    case .imageList(let stem): tell(prompt(stem, folder), .found, in: event.watch)
    case .other: break
    }
  }

  /// Tells what has happened to a file, where that matters.
  mutating func report(
    _ name: [UInt8], _ meaning: DropNames.Meaning, _ folder: FileKey, _ watch: Watch, _ hint: Hint
  ) {
    switch meaning {
    case .prompt, .conflictCopy: tell(FileKey(root: folder.root, path: folder.path.appending(name)), hint, in: watch)
    case .imageList(let stem):
      tell(prompt(stem, folder), hint, in: watch)
      tellIfAwaited(name, folder)
    case .imageListOnItsWay(let stem):
      news.add(.listOnItsWay(prompt: prompt(stem, folder), temporary: name, present: true))
    case .folderDefaults:
      if hint != .found { news.add(.defaultsChanged(folder: folder)) }
    case .other:
      if hint == .found && DropNames.isOwnTemporary(name) {
        news.add(.leftover(FileKey(root: folder.root, path: folder.path.appending(name))))
      } else {
        tellIfAwaited(name, folder)
      }
    }
  }

  private mutating func tellIfAwaited(_ name: [UInt8], _ folder: FileKey) {
    guard awaited.any() else { return }
    let file = FileKey(root: folder.root, path: folder.path.appending(name))
    news.add(awaited.match(file).map { .awaited($0) })
  }

  private func prompt(_ stem: [UInt8], _ folder: FileKey) -> FileKey {
    FileKey(root: folder.root, path: folder.path.appending(DropNames.prompt(stem: stem)))
  }
}
