import Glibc
import JobCore

// Looking through folders: what is there, against what was seen before.
extension WatchedTree {
  /// Whether there is anything to look through, and room for what may be found.
  var hasWork: Bool { !looks.isEmpty && room.isEnough }

  /// Begins to look through everything.
  mutating func lookAtAll() {
    hasOverflowed = false
    kernel.tryAgain()
    news.beginAnew()
    confirmed.beginScan()
    checkRoots()
    looks.clear()
    for (id, root) in roots.sorted(by: { $0.key.number > $1.key.number }) where root.isThere { lookAt(id) }
  }

  /// Begins to look through what the kernel does not watch.
  mutating func lookAtPolled() {
    kernel.tryAgain()
    openInotify()
    for watch in folders.polled { looks.add(Look(.folder(watch))) }
  }

  /// Looks through one folder and what is below it.
  mutating func lookAgain(below folder: FileKey) {
    guard var watch = folders.table.watch(of: folder.root) else { return }
    for name in folder.path.bytes.split(separator: UInt8(ascii: "/")) {
      guard let next = folders.table.child(Array(name), of: watch) else { return }
      watch = next
    }
    looks.add(Look(.folder(watch)))
  }

  /// Looks through some folders. Returns false where descriptors ran out: the rest has to wait.
  mutating func work(folders: Int) -> Bool {
    for _ in 0..<folders {
      guard !room.isEmpty, let look = looks.next() else { return true }
      guard perform(look) else {
        looks.add(look)
        return false
      }
    }
    return true
  }

  private mutating func perform(_ look: Look) -> Bool {
    let (key, known, parent): (FileKey, Watch?, Watch?)
    switch look.place {
    case .done(let id):
      news.add(.scanned(id))
      return true
    case .root(let id): (key, known, parent) = (FileKey(root: id, path: .root), folders.table.watch(of: id), nil)
    case .child(let above, let name):
      guard let folder = folders.table.folder(above) else { return true }  // Gone meanwhile, and what was in it.
      key = FileKey(root: folder.root, path: folder.path.appending(name))
      (known, parent) = (folders.table.child(name, of: above), above)
    case .folder(let watch):
      guard let folder = folders.table.folder(watch) else { return true }
      if !look.found.isEmpty {
        goOn(look, folder, watch)
        return true
      }
      (key, known, parent) = (folder, watch, folders.table.parent(of: watch))
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
      news.sayOnce(LocalTrouble(error, doing: "look through", name(of: key)).error)
      return false
    case _ where error.isOfPlace:
      if key.path.bytes.isEmpty {
        checkRoots()
      } else if let known {
        forget(known)
        news.add(.folderVanished(key))
      }
    default:
      // Its own permissions, or its disk: the rest goes on.
      if key.path.bytes.isEmpty {
        say(RootAbsence.unreadable(name(of: key), error), of: key.root)
        return true
      }
      let trouble = LocalTrouble(error, doing: "look through", name(of: key)).error
      news.sayOnce(trouble, at: key.path.display)
    }
    return true
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
    let (stamps, lost) = (folders[watch]?.seen ?? SeenFolder()).match(found.prompts.map(\.key))
    var entries: [SeenFolder.Entry] = []
    entries.reserveCapacity(found.prompts.count)
    var unknown: [[UInt8]] = []
    for (index, prompt) in found.prompts.enumerated() {
      let stamp = FolderHash.stamp(own: prompt.own, list: prompt.list, inputs: inputs)
      let isKnown = stamps[index] == stamp || confirmed.take(prompt.key, stamp)
      entries.append(.init(key: prompt.key, stamp: isKnown ? stamp : 0))
      if !isKnown { unknown.append(found.name(prompt)) }
    }
    if lost || !entries.isEmpty { folders.saw(entries, in: watch) }
    if lost { news.add(.promptsVanished(key)) }
    noteSyncMark(found.hasSyncMark, in: key)
    leftOut.note(Set(found.leftOut), in: watch)
    for name in found.others { report(name, DropNames.meaning(of: name), key, watch, .found) }
    var rest = look
    unknown.sort { $0.lexicographicallyPrecedes($1) }
    rest.found = look.after.isEmpty ? unknown[...] : unknown.drop { !look.after.lexicographicallyPrecedes($0) }
    rest.hasMore = false
    if look.isRecursive && look.after.isEmpty { goInto(found.folders, of: watch, key) }
    goOn(rest, key, watch)
  }

  // Reports what a look has found, as far as there is room. The rest comes first, once there is more.
  private mutating func goOn(_ look: Look, _ key: FileKey, _ watch: Watch) {
    var look = look
    while !room.isEmpty, let name = look.found.popFirst() {
      tell(FileKey(root: key.root, path: key.path.appending(name)), .found, in: watch)
      look.after = name
    }
    if !look.found.isEmpty { room.ranOut() }
    guard !look.found.isEmpty || look.hasMore else { return }
    (look.place, look.isRecursive) = (.folder(watch), false)
    looks.add(look)
  }

  // The fingerprint of what the requests of this folder are made of besides the prompts.
  private mutating func takeDefaults(
    _ own: [UInt8]?, _ folder: borrowing Descriptor, _ key: FileKey, _ watch: Watch
  ) -> UInt64 {
    let above = folders.table.parent(of: watch).flatMap { folders[$0] }
    var defaults = above?.defaults ?? []
    if let own { defaults.insert(Self.read(own, in: folder, limit: options.maxDefaultsBytes), at: 0) }
    let before = folders[watch]
    let inputs =
      if own == nil, let above { above.inputs } else if before?.defaults == defaults, let before, before.inputs != 0 {
        before.inputs
      } else {
        options.fingerprint(defaults)
      }
    folders.setDefaults(defaults, inputs: inputs, of: watch)
    return inputs
  }

  // What cannot be read is empty here, and reported when a prompt is looked at.
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

  private mutating func goInto(_ names: [[UInt8]], of watch: Watch, _ key: FileKey) {
    let before = folders.table.children(of: watch)
    if !before.isEmpty {
      let there = Set(names)
      for (name, child) in before where !there.contains(name) {
        forget(child)
        news.add(.folderVanished(FileKey(root: key.root, path: key.path.appending(name))))
      }
    }
    for name in names { looks.add(Look(.child(of: watch, name))) }
  }
}
