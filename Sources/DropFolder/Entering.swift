import Glibc
import JobCore

// How a folder is watched: by inotify where the kernel hears of everything and has a watch left, else by looking at an
// interval.
extension WatchedTree {
  /// A file that was made to hear whether anything is heard.
  struct Probe {
    var name: [UInt8]
    var deadline: ContinuousClock.Instant
  }
  // The kernel tells of local changes at once; a second is far beyond that.
  private static let hearing: Duration = .seconds(2)

  /// Watches an open folder, and enters it in the table. `known`: the watch that stands for its path. Nil where it is gone
  /// again. Throws `SystemError`.
  mutating func enter(
    _ folder: borrowing Descriptor, _ key: FileKey, known: Watch?, parent: Watch?
  ) throws(SystemError) -> Watch? {
    let device = UInt64(try folder.status().st_dev)
    let above = parent.flatMap { nodes[$0] }
    let beginsFileSystem = above?.device != device
    let kind = beginsFileSystem ? try FileSystemKind.of(folder) : nil
    var way = wanted(kind, device, above: above?.way)
    var watch: Watch?
    if way == .inotify {
      (watch, way) = watched(folder, key, known: known)
      if let watch, let parent, table.isWithin(parent, watch) {
        try untangle(watch, folder)
        return nil
      }
    }
    let number = place(watch, key, known: known, parent: parent, device: device)
    isHere(number, key)
    let before = nodes[number]
    nodes[number] = Node(way: way, device: device, seen: before?.device == device ? before?.seen ?? .init() : .init())
    if let kind {
      // Also where inotify is asked for: what other machines do there is heard of by nobody, so nothing of it is remembered.
      if kind.isRemote { roots[key.root]?.controls.setUnheard(device: device, isShortOfWatches: false) }
      begin(kind, number, key, folder)
    } else if mounts.removeValue(forKey: number) != nil {
      conditionsChanged = true
    }
    // Of a part that cannot be watched, only where it begins is kept in mind.
    let isHead = way.isPolled && above?.way.isPolled != true
    if isHead != polled.contains(number) {
      if isHead { polled.insert(number) } else { polled.remove(number) }
      conditionsChanged = true
    }
    if before?.way != way { conditionsChanged = true }
    if case .polling(.outOfWatches) = way, isHead {
      sayOnce(Inotify.outOfWatches(name(of: key), interval: options.pollInterval))
    }
    return number
  }

  private func wanted(_ kind: FileSystemKind?, _ device: UInt64, above: Way?) -> Way {
    if options.mode == .poll { return .polling(.setting) }
    if let kind {
      if kind.isRemote, options.mode == .auto { return .polling(.kind) }
      return deafDevices.contains(device) ? .polling(.deaf) : .inotify
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
    guard let inotify else { return (nil, .polling(.unavailable)) }
    // Once they are used up, only those that have one are asked for again: they get the same.
    if watchesAreUsedUp, known ?? -1 < 0 { return (nil, .polling(.outOfWatches)) }
    do throws(SystemError) {
      return (try inotify.watch(folder), .inotify)
    } catch {
      watchesAreUsedUp = true
      return (nil, .polling(.outOfWatches))
    }
  }

  // Enters the folder under the kernel's number, or under one of its own.
  private mutating func place(
    _ watch: Watch?, _ key: FileKey, known: Watch?, parent: Watch?, device: UInt64
  ) -> Watch {
    if watch == nil, let known, known < 0, nodes[known]?.device == device { return known }
    lastNumber -= watch == nil ? 1 : 0
    let number = watch ?? lastNumber
    if let known, known != number, nodes[known]?.device == device, nodes[number] == nil, known < 0 || number < 0 {
      // The same folder, watched in another way.
      let node = nodes[known]
      table.rename(known, to: number)
      let wasMount = mounts[known]
      drop(known)
      (nodes[number], mounts[number]) = (node, wasMount)
      return number
    }
    guard let parent else {
      if let known, known != number { forget(known) }
      if table.watch(of: key.root) != number { table.add(root: key.root, watch: number) }
      return number
    }
    if let known, known != number {
      // Another folder has taken its name, perhaps one that was in it.
      table.takeOut(number)
      forget(known)
      events.append(.folderVanished(key))
    }
    for stale in table.add(key.path.name, in: parent, watch: number) { drop(stale) }
    return number
  }

  // The folder lies in one that the table has below it. Either the table is of an earlier time, and the events that tell of
  // the moves are still to come: then it is looked for anew. Or it is mounted below itself, and is watched already.
  private mutating func untangle(_ watch: Watch, _ folder: borrowing Descriptor) throws(SystemError) {
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
    looks.append(Look(.folder(above)))
  }

  // A folder that was renamed away to who knows where turned out to be here: it must not be let go as one that left.
  private mutating func isHere(_ number: Watch, _ key: FileKey) {
    for (cookie, move) in movedFolders where move.watch == number {
      movedFolders[cookie] = nil
      if move.from != key { events.append(.folderVanished(move.from)) }
    }
  }

  // MARK: file systems

  private mutating func begin(
    _ kind: FileSystemKind, _ number: Watch, _ key: FileKey, _ folder: borrowing Descriptor
  ) {
    guard mounts[number] != kind else { return }
    mounts[number] = kind
    conditionsChanged = true
    guard let node = nodes[number] else { return }
    switch node.way {
    case .inotify: probe(number, folder)
    case .polling(let reason):
      if let error = Self.polling(reason, kind, name(of: key), options.pollInterval) { say(error) }
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

  // Makes a file and takes it away again: who does not hear of that is deaf. It proves nothing else: local changes are heard
  // of on file servers too.
  private mutating func probe(_ number: Watch, _ folder: borrowing Descriptor) {
    let probe = DropNames.temporary(id: "probe-\(getpid())-\(number)")
    do throws(SystemError) {
      _ = try folder.open(probe, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    } catch {
      // Where nothing can be written, nothing can be proved.
      return
    }
    unlinkat(folder.number, cString(probe), 0)
    probes[number] = Probe(name: probe, deadline: .now + Self.hearing)
  }

  /// When the next probe has to have been heard.
  var nextProbe: ContinuousClock.Instant? { probes.values.map(\.deadline).min() }

  /// Probes that were not heard: their file systems are polled from now on.
  mutating func judgeProbes() {
    for (number, probe) in probes where probe.deadline <= .now {
      probes[number] = nil
      guard let node = nodes[number] else { continue }
      deafDevices.insert(node.device)
      mounts[number] = nil  // It begins anew, in another way.
      looks.append(Look(.folder(number)))
    }
  }

  // MARK: how things stand

  /// Whether a part is looked through only because inotify has no more watches, or no instance.
  var isShortOfInotify: Bool {
    polled.contains { nodes[$0]?.way == .polling(.outOfWatches) || nodes[$0]?.way == .polling(.unavailable) }
  }

  /// How each part is watched.
  var conditions: [FolderCondition] {
    var found: [FolderCondition] = []
    for (id, root) in roots.sorted(by: { $0.key.number < $1.key.number }) {
      guard let watch = table.watch(of: id), let node = nodes[watch] else {
        // Nothing is said of one that is about to be looked at for the first time.
        if let error = absences[id] ?? (gone.contains(id) ? RootAbsence.missing.error(root.path) : nil) {
          found.append(
            FolderCondition(
              path: root.path, root: id, mode: error.code == ErrorCode.rootGone ? .gone : .unreadable, error: error))
        }
        continue
      }
      if let error = absences[id] {
        found.append(FolderCondition(path: root.path, root: id, mode: .unreadable, error: error))
        continue
      }
      found.append(condition(watch, node, root.path, id))
    }
    let below = mounts.keys.compactMap { watch -> FolderCondition? in
      guard let key = table.folder(watch), !key.path.bytes.isEmpty, let node = nodes[watch], let root = roots[key.root]
      else { return nil }
      return condition(watch, node, root.path + [UInt8(ascii: "/")] + key.path.bytes, key.root)
    }
    found += below.sorted { $0.path.lexicographicallyPrecedes($1.path) }
    let unwatched = polled.filter { nodes[$0]?.way == .polling(.outOfWatches) && mounts[$0] == nil }
    if let first = unwatched.compactMap({ table.folder($0) }).min(by: {
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

  private func condition(_ watch: Watch, _ node: Node, _ path: [UInt8], _ root: RootID) -> FolderCondition {
    let kind = mounts[watch] ?? FileSystemKind(number: 0)
    guard case .polling(let reason) = node.way else {
      return FolderCondition(path: path, root: root, mode: .inotify, fileSystem: kind.name)
    }
    let name = DropPath.display(path)
    let error =
      switch reason {
      case .outOfWatches: Inotify.outOfWatches(name, interval: options.pollInterval)
      case .unavailable: inotifyTrouble
      default: Self.polling(reason, kind, name, options.pollInterval)
      }
    return FolderCondition(
      path: path, root: root, mode: .polling, fileSystem: kind.name, interval: options.pollInterval, error: error)
  }
}
