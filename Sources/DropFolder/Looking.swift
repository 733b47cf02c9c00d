import Glibc
import JobCore

/// A folder that is to be looked through.
struct Look {
  enum Place {
    case root(RootID)
    case child(of: WatchedTree.Watch, [UInt8])
    case folder(WatchedTree.Watch)
    /// Everything that was begun for the root before this is done.
    case done(RootID)
  }
  var place: Place
  /// Whether what is below it is looked through too.
  var isRecursive = true
  /// Names up to this one have been told of.
  var after: [UInt8] = []

  init(_ place: Place, isRecursive: Bool = true) {
    (self.place, self.isRecursive) = (place, isRecursive)
  }
}

// Looking through folders: what is there, against what was seen before.
extension WatchedTree {
  /// Whether there is anything to look through, and room for what may be found.
  var hasWork: Bool { !looks.isEmpty && room >= enoughRoom }

  /// Begins to look through everything.
  mutating func lookAtAll() {
    overflowed = false
    watchesAreUsedUp = false
    saidCodes = []
    looks = []
    unheard = []
    confirmed.beginScan()
    checkRoots()
    looks = []
    for (id, root) in roots.sorted(by: { $0.key.number > $1.key.number }) where root.isThere { lookAt(id) }
  }

  /// Begins to look through what the kernel does not watch.
  mutating func lookAtPolled() {
    watchesAreUsedUp = false
    openInotify()
    for watch in polled { looks.append(Look(.folder(watch))) }
  }

  /// Looks through one folder and what is below it.
  mutating func lookAgain(below folder: FileKey) {
    guard var watch = table.watch(of: folder.root) else { return }
    for name in folder.path.bytes.split(separator: UInt8(ascii: "/")) {
      guard let next = table.child(Array(name), of: watch) else { return }
      watch = next
    }
    looks.append(Look(.folder(watch)))
  }

  /// Looks through some folders. Returns false where descriptors ran out: the rest has to wait.
  mutating func work(folders: Int) -> Bool {
    for _ in 0..<folders {
      guard room > 0, let look = looks.popLast() else { return true }
      guard perform(look) else {
        looks.append(look)
        return false
      }
    }
    return true
  }

  private mutating func perform(_ look: Look) -> Bool {
    let (key, known, parent): (FileKey, Watch?, Watch?)
    switch look.place {
    case .done(let id):
      events.append(.scanned(id))
      return true
    case .root(let id): (key, known, parent) = (FileKey(root: id, path: .root), table.watch(of: id), nil)
    case .child(let above, let name):
      guard let folder = table.folder(above) else { return true }  // Gone meanwhile, and what was in it.
      key = FileKey(root: folder.root, path: folder.path.appending(name))
      (known, parent) = (table.child(name, of: above), above)
    case .folder(let watch):
      guard let folder = table.folder(watch) else { return true }
      (key, known, parent) = (folder, watch, table.parent(of: watch))
    }
    guard let place = roots[key.root]?.place else { return true }
    do throws(SystemError) {
      let folder = try place.open(key.path.bytes, O_RDONLY | O_DIRECTORY)
      if let watch = try enter(folder, key, known: known, parent: parent) { try list(folder, key, watch, look) }
      if key.path.bytes.isEmpty { isReadable(key.root) }
      return true
    } catch {
      return isOver(error, key, known)
    }
  }

  // What cannot be looked through now. False: it has to be tried again.
  private mutating func isOver(_ error: SystemError, _ key: FileKey, _ known: Watch?) -> Bool {
    switch error.number {
    case EMFILE, ENFILE, ENOMEM:
      sayOnce(LocalTrouble(error, doing: "look through", name(of: key)).error)
      return false
    case _ where error.isOfPlace:
      if key.path.bytes.isEmpty {
        checkRoots()
      } else if let known {
        forget(known)
        events.append(.folderVanished(key))
      }
    default:
      // Its own permissions, or its disk: the rest goes on.
      if key.path.bytes.isEmpty {
        say(RootAbsence.unreadable(name(of: key), error), of: key.root)
        return true
      }
      let trouble = LocalTrouble(error, doing: "look through", name(of: key)).error
      if saidCodes.insert("\(trouble.code) \(key.path.display)").inserted { say(trouble) }
    }
    return true
  }

  func name(of key: FileKey) -> String {
    DropPath.display(
      (roots[key.root]?.path ?? []) + (key.path.bytes.isEmpty ? [] : [UInt8(ascii: "/")] + key.path.bytes))
  }

  // What is in the folder. Its watch is set before: what comes in between is seen twice, never missed.
  private mutating func list(
    _ folder: borrowing Descriptor, _ key: FileKey, _ watch: Watch, _ look: Look
  ) throws(SystemError) {
    let found = try FolderLook(
      folder, FolderHash(key), wantsAll: awaited.any(), skipping: options.skipped)
    noteControls(found.controls, key, watch)
    roots[key.root]?.facts.forget(key.path)
    let inputs = takeDefaults(found.defaults, folder, key, watch)
    let (stamps, lost) = (nodes[watch]?.seen ?? SeenFolder()).match(found.prompts.map(\.key))
    var entries: [SeenFolder.Entry] = []
    entries.reserveCapacity(found.prompts.count)
    var news: [[UInt8]] = []
    for (index, prompt) in found.prompts.enumerated() {
      let stamp = FolderHash.stamp(own: prompt.own, list: prompt.list, inputs: inputs)
      let isKnown = stamps[index] == stamp || confirmed.take(prompt.key, stamp)
      entries.append(.init(key: prompt.key, stamp: isKnown ? stamp : 0))
      if !isKnown { news.append(found.name(prompt)) }
    }
    if lost || !entries.isEmpty { nodes[watch]?.seen.entries = entries }
    if lost { events.append(.promptsVanished(key)) }
    noteSyncMark(found.hasSyncMark, in: key)
    noteLeftOut(Set(found.leftOut), in: watch)
    for name in found.others { report(name, DropNames.meaning(of: name), key, watch, .found) }
    var rest = look
    tellNews(news, key, watch, &rest)
    if look.isRecursive && look.after.isEmpty { goInto(found.folders, of: watch, key) }
    if rest.after != look.after {
      // The rest of this one first, once there is room.
      rest.place = .folder(watch)
      rest.isRecursive = false
      looks.append(rest)
    }
  }

  // The fingerprint of what the requests of this folder are made of besides the prompts.
  private mutating func takeDefaults(
    _ own: [UInt8]?, _ folder: borrowing Descriptor, _ key: FileKey, _ watch: Watch
  ) -> UInt64 {
    let above = table.parent(of: watch).flatMap { nodes[$0] }
    var defaults = above?.defaults ?? []
    if let own { defaults.insert(Self.read(own, in: folder, limit: options.maxDefaultsBytes), at: 0) }
    let before = nodes[watch]
    let inputs =
      if own == nil, let above { above.inputs } else if before?.defaults == defaults, let before, before.inputs != 0 {
        before.inputs
      } else {
        options.fingerprint(defaults)
      }
    if before?.inputs != inputs || before?.defaults != defaults {
      nodes[watch]?.defaults = defaults
      nodes[watch]?.inputs = inputs
    }
    return inputs
  }

  // What cannot be read is empty here, and told of when a prompt is looked at.
  private static func read(_ name: [UInt8], in folder: borrowing Descriptor, limit: Int) -> [UInt8] {
    do throws(SystemError) {
      let file = try folder.open(name, O_RDONLY | O_NONBLOCK)
      let status = try file.status()
      guard status.isRegular, status.st_size <= limit else { return [] }
      return try file.read(limit: limit)
    } catch {
      return []
    }
  }

  private mutating func tellNews(_ news: [[UInt8]], _ key: FileKey, _ watch: Watch, _ look: inout Look) {
    guard !news.isEmpty else { return }
    for name in news.sorted(by: { $0.lexicographicallyPrecedes($1) })
    where look.after.isEmpty || look.after.lexicographicallyPrecedes(name) {
      guard room > 0 else {
        wasShortOfRoom = true
        return
      }
      tell(FileKey(root: key.root, path: key.path.appending(name)), .found, in: watch)
      if room == 0 { look.after = name }
    }
  }

  private mutating func goInto(_ folders: [[UInt8]], of watch: Watch, _ key: FileKey) {
    let before = table.children(of: watch)
    if !before.isEmpty {
      let there = Set(folders)
      for (name, child) in before where !there.contains(name) {
        forget(child)
        events.append(.folderVanished(FileKey(root: key.root, path: key.path.appending(name))))
      }
    }
    for name in folders {
      looks.append(Look(.child(of: watch, name)))
    }
  }
}
