import CInotifyTools
import Glibc
import JobCore

/// The watched folders of all roots, and what the kernel says of them, turned into events.
struct WatchedTree: ~Copyable {
  private let inotify: Inotify
  private let roots: [RootID: RootFolder]
  private let isAwaited: (FileKey) -> Bool
  private let anyAwaited: () -> Bool
  private var table = DirectoryTable()
  private var events: [FolderEvent] = []
  // Folders renamed away whose new name has not been seen yet, by the kernel's cookie.
  private var moved: [UInt32: (watch: Inotify.Watch, since: ContinuousClock.Instant)] = [:]
  private var saidOutOfWatches = false

  /// Whether the kernel dropped events, so that a scan is due.
  private(set) var overflowed = false

  init(
    inotify: consuming Inotify, roots: [RootID: RootFolder], isAwaited: @escaping (FileKey) -> Bool,
    anyAwaited: @escaping () -> Bool
  ) {
    self.inotify = inotify
    self.roots = roots
    self.isAwaited = isAwaited
    self.anyAwaited = anyAwaited
  }

  var descriptor: Int32 { inotify.descriptor }
  var hasUnpairedMoves: Bool { !moved.isEmpty }

  /// Hands out what has been found.
  mutating func takeEvents() -> [FolderEvent] {
    defer { events = [] }
    return events
  }

  // MARK: scanning

  /// Watches and looks through every root.
  mutating func scanAll() {
    overflowed = false
    saidOutOfWatches = false
    for (id, root) in roots.sorted(by: { $0.key.number < $1.key.number }) {
      do throws(SystemError) {
        guard root.isInPlace else {
          events += [.rootGone(id), .scanned(id)]
          continue
        }
        let watch = try inotify.watch(root.watchPath)
        if table.watch(of: id) != watch { table.add(root: id, watch: watch) }
        scan(FileKey(root: id, path: .root), watch)
      } catch {
        if error.number == ENOSPC {
          say(Inotify.outOfWatches(String(decoding: root.path, as: UTF8.self)))
          scan(FileKey(root: id, path: .root), nil)
        } else {
          events.append(.rootGone(id))
        }
      }
      events.append(.scanned(id))
    }
  }

  // Watch first, then look: what is made in between is seen twice, never missed.
  private mutating func scan(_ start: FileKey, _ startWatch: Inotify.Watch?) {
    guard let root = roots[start.root] else { return }
    var open = [(start.path, startWatch)]
    while let (path, watch) = open.popLast() {
      let found: FolderScan
      do throws(SystemError) {
        found = try FolderScan(beneath: root.descriptor, path) { [isAwaited, anyAwaited] name in
          anyAwaited() && isAwaited(FileKey(root: start.root, path: path.appending(name)))
        }
      } catch {
        if error.number != ENOENT && error.number != ENOTDIR {
          let name = path.bytes.isEmpty ? "the root" : path.display
          say(LocalTrouble(error, doing: "look through", name).error)
        }
        continue
      }
      for name in found.names { report(name, FileKey(root: start.root, path: path), .found) }
      for name in found.folders {
        let inner = path.appending(name)
        open.append((inner, watch.flatMap { enter(name, in: $0, root.watchPath + [47] + inner.bytes) }))
      }
    }
  }

  private mutating func enter(_ name: [UInt8], in parent: Inotify.Watch, _ absolute: [UInt8]) -> Inotify.Watch? {
    do throws(SystemError) {
      let watch = try inotify.watch(absolute)
      for stale in table.add(name, in: parent, watch: watch) { inotify.unwatch(stale) }
      return watch
    } catch {
      if error.number == ENOSPC { say(Inotify.outOfWatches(DropPath.display(absolute))) }
      return nil  // Gone again, or no folder: nothing to watch.
    }
  }

  private mutating func say(_ error: JobError) {
    if error.code == "out-of-watches" {
      guard !saidOutOfWatches else { return }
      saidOutOfWatches = true
    }
    events.append(.trouble(error))
  }

  // MARK: events

  /// Reads what the kernel has.
  mutating func drain() {
    while let event = inotify.next() {
      if event.has(IN_Q_OVERFLOW) {
        overflowed = true
      } else if event.has(IN_IGNORED) {
        forget(event.watch)
      } else if let folder = table.folder(event.watch) {
        if event.name.isEmpty {
          if folder.path.bytes.isEmpty { lookAtRoot(folder.root) }
        } else if event.isFolder {
          handleFolder(event, in: folder)
        } else {
          handleFile(event, in: folder)
        }
      }
    }
  }

  // The root's own descriptor keeps a deleted folder's inode alive, so that no event says "deleted": its attributes do.
  private mutating func lookAtRoot(_ id: RootID) {
    guard let root = roots[id], !root.isInPlace else { return }
    events.append(.rootGone(id))
  }

  private mutating func forget(_ watch: Inotify.Watch) {
    for other in table.remove(watch) where other != watch { inotify.unwatch(other) }
  }

  private mutating func handleFolder(_ event: Inotify.Event, in folder: FileKey) {
    if case .prompt = DropNames.meaning(of: event.name), event.has(IN_CREATE | IN_MOVED_TO) {
      report(event.name, folder, .touched)
    }
    guard !DropNames.isSkippedFolder(event.name) else { return }
    let path = folder.path.appending(event.name)
    if event.has(IN_MOVED_FROM) {
      if let watch = table.child(event.name, of: event.watch) { moved[event.cookie] = (watch, .now) }
    } else if event.has(IN_MOVED_TO), let watch = moved.removeValue(forKey: event.cookie)?.watch {
      for stale in table.add(event.name, in: event.watch, watch: watch) { inotify.unwatch(stale) }
      scan(FileKey(root: folder.root, path: path), watch)
    } else if event.has(IN_CREATE | IN_MOVED_TO), let root = roots[folder.root] {
      let watch = enter(event.name, in: event.watch, root.watchPath + [47] + path.bytes)
      scan(FileKey(root: folder.root, path: path), watch)
    }
  }

  /// Folders that were renamed away and came to no watched place: they are outside now.
  mutating func giveUpUnpairedMoves() {
    // The two halves of a move are next to each other in the queue; a moment is plenty.
    let limit = ContinuousClock.now - .milliseconds(10)
    for (cookie, move) in moved where move.since <= limit {
      moved[cookie] = nil
      for gone in table.remove(move.watch) { inotify.unwatch(gone) }
    }
  }

  private mutating func handleFile(_ event: Inotify.Event, in folder: FileKey) {
    if event.has(IN_DELETE | IN_MOVED_FROM) {
      switch DropNames.meaning(of: event.name) {
      case .prompt, .conflictCopy:
        events.append(.promptGone(FileKey(root: folder.root, path: folder.path.appending(event.name))))
      case .imageListOnItsWay(let stem):
        events.append(.listOnItsWay(prompt: promptKey(folder, stem), temporary: event.name, present: false))
      case .folderDefaults: events.append(.defaultsChanged(folder: folder))
      case .imageList, .other: break
      }
    } else {
      report(event.name, folder, event.has(IN_CLOSE_WRITE | IN_MOVED_TO) ? .closed : .touched)
    }
  }

  private mutating func report(_ name: [UInt8], _ folder: FileKey, _ hint: Hint) {
    switch DropNames.meaning(of: name) {
    case .prompt, .conflictCopy:
      events.append(.prompt(FileKey(root: folder.root, path: folder.path.appending(name)), hint))
    case .imageList(let stem):
      events.append(.prompt(promptKey(folder, stem), hint))
      tellIfAwaited(name, folder)
    case .imageListOnItsWay(let stem):
      events.append(.listOnItsWay(prompt: promptKey(folder, stem), temporary: name, present: true))
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
    guard anyAwaited() else { return }
    let file = FileKey(root: folder.root, path: folder.path.appending(name))
    if isAwaited(file) { events.append(.awaited(file)) }
  }

  private func promptKey(_ folder: FileKey, _ stem: [UInt8]) -> FileKey {
    FileKey(root: folder.root, path: folder.path.appending(DropNames.prompt(stem: stem)))
  }
}
