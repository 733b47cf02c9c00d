import CInotifyTools
import Glibc
import JobCore

// What the kernel tells.
extension WatchedTree {
  /// Reads what the kernel has. Whether there was anything.
  mutating func drain() -> Bool {
    var heard = false
    while let event = inotify?.next() {
      heard = true
      if event.has(IN_Q_OVERFLOW) {
        overflowed = true
        writers.forgetAll()
        for root in roots.values { root.forgetAll() }
      } else if event.has(IN_IGNORED) {
        // The kernel has dropped this one itself, and may give its number to another folder.
        if let folder = table.folder(event.watch) { roots[folder.root]?.facts.forgetAll() }
        for other in table.remove(event.watch) where other != event.watch { drop(other) }
        nodes[event.watch] = nil
        drop(event.watch)
      } else if !event.isFolder, DropNames.isOwnTemporary(event.name) {
        // What becomes of it is told of under its final name.
        if probes[event.watch]?.name == event.name { probes[event.watch] = nil }
      } else if let folder = table.folder(event.watch) {
        if event.name.isEmpty {
          // The root's own descriptor keeps a deleted folder's inode alive, so that no event says "deleted": its
          // attributes do.
          if folder.path.bytes.isEmpty, roots[folder.root]?.isInPlace == false { checkRoots() }
        } else if event.isFolder {
          handleFolder(event, in: folder)
        } else {
          handleFile(event, in: folder)
        }
      }
    }
    return heard
  }

  private mutating func handleFolder(_ event: Inotify.Event, in folder: FileKey) {
    let meaning = DropNames.meaning(of: event.name)
    if case .prompt = meaning, event.has(IN_CREATE | IN_MOVED_TO) {
      report(event.name, meaning, folder, event.watch, .touched)
    }
    forgetFacts(event, in: folder)
    if event.name == DropNames.syncMark { noteSyncMark(event.has(IN_CREATE | IN_MOVED_TO), in: folder) }
    guard !options.skipped.skips(event.name) else { return handleLeftOut(event) }
    let here = FileKey(root: folder.root, path: folder.path.appending(event.name))
    if event.has(IN_MOVED_FROM) {
      writers.forget(below: here)
      if let watch = table.child(event.name, of: event.watch) {
        table.takeOut(watch)
        movedFolders[event.cookie] = (watch, here, .now)
      }
    } else if event.has(IN_MOVED_TO), let move = movedFolders.removeValue(forKey: event.cookie) {
      for stale in table.add(event.name, in: event.watch, watch: move.watch) { drop(stale) }
      events.append(.folderRenamed(from: move.from, to: here))
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

  /// Tells whether a sync tool keeps the folder where that is new.
  mutating func noteSyncMark(_ isThere: Bool, in folder: FileKey) {
    if isThere {
      if syncMarked.insert(folder).inserted { events.append(.syncMark(folder: folder)) }
    } else if syncMarked.remove(folder) != nil {
      // A root below a sync tool's folder stays there.
      let isBelow = folder.path.bytes.isEmpty && roots[folder.root]?.isBelowSyncMark == true
      if !isBelow { events.append(.syncMarkGone(folder: folder)) }
    }
  }

  // A new folder is looked through before the events that follow: the sooner it is watched, the less has to be found by
  // looking. Of a large tree only the beginning: the kernel's queue must not run over meanwhile.
  private mutating func lookNow(_ look: Look) {
    let rest = looks.count
    looks.append(look)
    var left = 256
    while looks.count > rest, left > 0, work(folders: 1), room > 0 { left -= 1 }
  }

  /// Folders that were renamed away and came to no watched place: they are outside now.
  mutating func giveUpUnpairedMoves() {
    // The two halves of a move are next to each other in the queue; a moment is plenty.
    let limit = ContinuousClock.now - .milliseconds(10)
    for (cookie, move) in movedFolders where move.since <= limit {
      movedFolders[cookie] = nil
      forget(move.watch)
      events.append(.folderVanished(move.from))
    }
  }

  private mutating func handleFile(_ event: Inotify.Event, in folder: FileKey) {
    noteWriter(event, in: folder)
    forgetFacts(event, in: folder)
    if let prompt = DropNames.promptOfSidecar(event.name) { handleSidecar(event, of: prompt, in: folder) }
    let meaning = DropNames.meaning(of: event.name)
    if event.has(IN_DELETE | IN_MOVED_FROM) {
      handleLoss(event, meaning, in: folder)
      controlLost(event.name, folder, event.watch)
    } else {
      controlSeen(event.name, meaning, folder, event.watch)
      let isWhole = event.has(IN_CLOSE_WRITE | IN_MOVED_TO)
      if event.has(IN_MOVED_TO), let move = movedPrompt, move.cookie == event.cookie {
        movedPrompt = nil
        let here = FileKey(root: folder.root, path: folder.path.appending(event.name))
        if case .prompt = meaning, here != move.from {
          events.append(.promptRenamed(from: move.from, to: here))
        }
      }
      report(event.name, meaning, folder, event.watch, isWhole ? .closed : .touched)
    }
  }

  // This process gives a sidecar its name when it is whole, and does nothing else to it: of the events of a final name, only
  // the rename may be its own, and whether it is, the file itself tells. All others are somebody else's doing.
  private mutating func handleSidecar(_ event: Inotify.Event, of prompt: [UInt8], in folder: FileKey) {
    guard let root = roots[folder.root] else { return }
    let sidecar = folder.path.appending(event.name)
    if event.has(IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM) { root.sidecars.forget(sidecar) }
    guard event.has(IN_CLOSE_WRITE) || (event.has(IN_MOVED_TO) && !isOwn(sidecar, root)) else { return }
    events.append(.sidecarArrived(prompt: FileKey(root: folder.root, path: folder.path.appending(prompt))))
  }

  private func isOwn(_ sidecar: DropPath, _ root: RootFolder) -> Bool {
    guard root.sidecars.knows(sidecar), let place = root.place else { return false }
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
      if event.has(IN_MOVED_FROM) { movedPrompt = (event.cookie, here) }
      if room > 0 {
        room -= 1
        reported += 1
        events.append(.promptGone(here))
      } else {
        unheard.insert(event.watch)
      }
    case .imageListOnItsWay(let stem):
      events.append(.listOnItsWay(prompt: prompt(stem, folder), temporary: event.name, present: false))
    case .folderDefaults: events.append(.defaultsChanged(folder: folder))
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
      events.append(.listOnItsWay(prompt: prompt(stem, folder), temporary: name, present: true))
    case .folderDefaults:
      if hint != .found { events.append(.defaultsChanged(folder: folder)) }
    case .other:
      if hint == .found && DropNames.isOwnTemporary(name) {
        events.append(.leftover(FileKey(root: folder.root, path: folder.path.appending(name))))
      } else {
        tellIfAwaited(name, folder)
      }
    }
  }

  private mutating func tellIfAwaited(_ name: [UInt8], _ folder: FileKey) {
    guard awaited.any() else { return }
    let file = FileKey(root: folder.root, path: folder.path.appending(name))
    events += awaited.match(file).map { .awaited($0) }
  }

  private func prompt(_ stem: [UInt8], _ folder: FileKey) -> FileKey {
    FileKey(root: folder.root, path: folder.path.appending(DropNames.prompt(stem: stem)))
  }
}
