import Glibc
import JobCore

// How a folder is watched: by inotify where the kernel hears of everything and has a watch left, else by looking at an
// interval.
extension WatchedTree {
  typealias Way = WatchedFolders.Way

  /// Watches an open folder, and enters it in the table. `known`: the watch that stands for its path. Nil where it is gone
  /// again. Throws `SystemError`.
  mutating func enter(
    _ folder: borrowing Descriptor, _ key: FileKey, known: Watch?, parent: Watch?
  ) throws(SystemError) -> Watch? {
    let device = UInt64(try folder.status().st_dev)
    let above = parent.flatMap { folders[$0] }
    let beginsFileSystem = above?.device != device
    let kind = beginsFileSystem ? try FileSystemKind.of(folder) : nil
    var way = wanted(kind, device, above: above?.way)
    var watch: Watch?
    if way == .inotify {
      (watch, way) = watched(folder, key, known: known)
      if let watch, let parent, folders.table.isWithin(parent, watch) {
        try untangle(watch, folder)
        return nil
      }
    }
    let number = place(watch, key, known: known, parent: parent, device: device)
    isHere(number, key)
    // Of a part that cannot be watched, only where it begins is kept in mind.
    let isHead = way.isPolled && above?.way.isPolled != true
    folders.enter(number, way, device: device, isHead: isHead)
    if let kind {
      // Also where inotify is asked for: what other machines do there is heard of by nobody, so nothing of it is remembered.
      if kind.isRemote { roots[key.root]?.controls.setUnheard(device: device, isShortOfWatches: false) }
      begin(kind, number, key, folder)
    } else {
      folders.isNoMount(number)
    }
    if case .polling(.outOfWatches) = way, isHead {
      news.sayOnce(Inotify.outOfWatches(name(of: key), interval: options.pollInterval))
    }
    return number
  }

  private func wanted(_ kind: FileSystemKind?, _ device: UInt64, above: Way?) -> Way {
    if options.mode == .poll { return .polling(.setting) }
    if let kind {
      if kind.isRemote, options.mode == .auto { return .polling(.kind) }
      return probes.isDeaf(device) ? .polling(.deaf) : .inotify
    }
    switch above {
    case .polling(.kind), .polling(.deaf), .polling(.setting): return above ?? .inotify
    default: return .inotify
    }
  }

  // The watch of the open folder itself, whatever its path has become.
  private mutating func watched(
    _ folder: borrowing Descriptor, _ key: FileKey, known: Watch?
  ) -> (Watch?, Way) {
    if let watch = kernel.watch(folder, isWatched: known ?? -1 >= 0) { return (watch, .inotify) }
    return (nil, .polling(kernel.inotify == nil ? .unavailable : .outOfWatches))
  }

  // Enters the folder under the kernel's number, or under one of its own.
  private mutating func place(
    _ watch: Watch?, _ key: FileKey, known: Watch?, parent: Watch?, device: UInt64
  ) -> Watch {
    let isSame = known.flatMap { folders[$0]?.device } == device
    if watch == nil, let known, known < 0, isSame { return known }
    let number = watch ?? folders.newNumber()
    if let known, known != number, isSame, folders[number] == nil, known < 0 || number < 0 {
      // The same folder, watched in another way.
      folders.renumber(known, to: number)
      drop(known)
      return number
    }
    guard let parent else {
      if let known, known != number { forget(known) }
      folders.place(root: key.root, number)
      return number
    }
    if let known, known != number {
      // Another folder has taken its name, perhaps one that was in it.
      folders.takeOut(number)
      forget(known)
      news.add(.folderVanished(key))
    }
    for stale in folders.place(key.path.name, in: parent, number) { drop(stale) }
    return number
  }

  // The folder lies in one that the table has below it. Either the table is of an earlier time, and the events that tell of
  // the moves are still to come: then it is looked for anew. Or it is mounted below itself, and is watched already.
  private mutating func untangle(_ watch: Watch, _ folder: borrowing Descriptor) throws(SystemError) {
    let table = folders.table
    guard let above = table.parent(of: watch), let place = table.folder(watch), let root = roots[place.root]?.place
    else { return }
    let found = try folder.status()
    do throws(SystemError) {
      let there = try root.open(place.path.bytes, O_RDONLY | O_DIRECTORY).status()
      if there.st_dev == found.st_dev, there.st_ino == found.st_ino { return }
    } catch {
      guard error.isOfPlace else { throw error }
    }
    forget(watch)
    looks.add(Look(.folder(above)))
  }

  // A folder that was renamed away to who knows where turned out to be here: it must not be let go as one that left.
  private mutating func isHere(_ number: Watch, _ key: FileKey) {
    for former in moves.folderIsFound(number) where former != key { news.add(.folderVanished(former)) }
  }

  // MARK: file systems

  private mutating func begin(
    _ kind: FileSystemKind, _ number: Watch, _ key: FileKey, _ folder: borrowing Descriptor
  ) {
    guard folders.begins(kind, at: number), let node = folders[number] else { return }
    switch node.way {
    case .inotify: probes.begin(number, folder)
    case .polling(let reason):
      if let error = Self.polling(reason, kind, name(of: key), options.pollInterval) { news.say(error) }
    }
  }

  static func polling(
    _ reason: Way.Reason, _ kind: FileSystemKind, _ name: String, _ interval: Duration
  ) -> JobError? {
    switch reason {
    case .kind:
      JobError(
        code: .polling,
        message:
          "\(name) is on \(kind.name), where the kernel does not report the changes of other machines. promptdrop scans it "
          + "every \(interval.brief).", hint: "To use inotify all the same, set --watch-mode inotify.")
    case .setting:
      JobError(
        code: .polling, message: "\(name) is looked through every \(interval.brief), as --watch-mode says.")
    case .deaf:
      JobError(
        code: .deafFolder,
        message:
          "The kernel reports no changes in \(name) (\(kind.name)), not even of a file made on this machine. promptdrop "
          + "scans it every \(interval.brief).")
    case .outOfWatches, .unavailable: nil
    }
  }

  /// File systems whose probes were not heard are polled from now on.
  mutating func giveUpProbes() {
    for number in probes.takeUnheard() {
      guard let node = folders[number] else { continue }
      probes.noteDeaf(node.device)
      folders.beginAnew(number)
      looks.add(Look(.folder(number)))
    }
  }
}
