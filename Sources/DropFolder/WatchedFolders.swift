import JobCore

/// Which folders are known, how each is watched, and what was seen in it.
struct WatchedFolders {
  typealias Watch = Inotify.Watch

  /// How a folder is watched.
  enum Way: Hashable {
    case inotify
    case polling(Reason)
    /// Why it is polled.
    enum Reason: Hashable {
      /// The kind of its file system; the user; nothing is heard from it.
      case kind, setting, deaf
      /// Inotify has no watch left, or cannot be had at all.
      case outOfWatches, unavailable
    }
    var isPolled: Bool { self != .inotify }
  }

  /// What is known of a folder besides its place.
  struct Node {
    let way: Way
    let device: UInt64
    fileprivate(set) var seen = SeenFolder()
    /// The defaults of the folder and of those above it, the nearest first, and their fingerprint.
    fileprivate(set) var defaults: [[UInt8]] = []
    fileprivate(set) var inputs: UInt64 = 0
  }

  /// Which watch is which folder.
  private(set) var table = DirectoryTable()
  private var nodes: [Watch: Node] = [:]
  // Where file systems begin: the roots, and mounts below them.
  private var mounts: [Watch: FileSystemKind] = [:]
  // Folders that the kernel does not watch have numbers of their own, below zero.
  private var lastNumber: Watch = -1
  // Those of them that are polled though what they are in is watched.
  private var polledHeads: Set<Watch> = []
  private var hasChanged = false

  subscript(watch: Watch) -> Node? { nodes[watch] }

  // MARK: places

  /// A number for a folder that the kernel does not watch.
  mutating func newNumber() -> Watch {
    lastNumber -= 1
    return lastNumber
  }

  /// Enters a root, unless it stands there already.
  mutating func place(root: RootID, _ watch: Watch) {
    if table.watch(of: root) != watch { table.add(root: root, watch: watch) }
  }

  /// Enters a folder, or moves it. Watches that stood under this name before and mean nothing any more.
  mutating func place(_ name: [UInt8], in parent: Watch, _ watch: Watch) -> [Watch] {
    table.add(name, in: parent, watch: watch)
  }

  /// Nobody knows where the folder is, until it is placed again.
  mutating func takeOut(_ watch: Watch) { table.takeOut(watch) }

  /// Takes a folder and all below it out of the table. Returns their watches, for which `forget` is still to be called.
  mutating func remove(_ watch: Watch) -> [Watch] { table.remove(watch) }

  /// The same folder is watched in another way, and has another number.
  mutating func renumber(_ watch: Watch, to new: Watch) {
    table.rename(watch, to: new)
    nodes[new] = nodes.removeValue(forKey: watch)
    mounts[new] = mounts.removeValue(forKey: watch)
    if polledHeads.remove(watch) != nil { hasChanged = true }
  }

  // MARK: what is known of each

  /// The folder was opened, and is watched in this way. `isHead`: whether it is polled, and what it is in is not. What was
  /// seen in it stays, unless it is on another device.
  mutating func enter(_ watch: Watch, _ way: Way, device: UInt64, isHead: Bool) {
    let before = nodes[watch]
    var node = Node(way: way, device: device)
    if let before, before.device == device {
      (node.seen, node.defaults, node.inputs) = (before.seen, before.defaults, before.inputs)
    }
    nodes[watch] = node
    if before?.way != way { hasChanged = true }
    guard isHead != polledHeads.contains(watch) else { return }
    if isHead { polledHeads.insert(watch) } else { polledHeads.remove(watch) }
    hasChanged = true
  }

  /// These prompts were seen in it.
  mutating func saw(_ entries: [SeenFolder.Entry], in watch: Watch) { nodes[watch]?.seen.entries = entries }

  /// What the requests of its prompts are made of besides the prompts.
  mutating func setDefaults(_ defaults: [[UInt8]], inputs: UInt64, of watch: Watch) {
    guard let node = nodes[watch], node.inputs != inputs || node.defaults != defaults else { return }
    nodes[watch]?.defaults = defaults
    nodes[watch]?.inputs = inputs
  }

  /// The watch stands for nothing any more.
  mutating func forget(_ watch: Watch) {
    nodes[watch] = nil
    if mounts.removeValue(forKey: watch) != nil { hasChanged = true }
    if polledHeads.remove(watch) != nil { hasChanged = true }
  }

  // MARK: file systems

  /// A file system of this kind begins with the folder. Whether that is new.
  mutating func begins(_ kind: FileSystemKind, at watch: Watch) -> Bool {
    guard mounts[watch] != kind else { return false }
    mounts[watch] = kind
    hasChanged = true
    return true
  }

  /// None begins with it.
  mutating func isNoMount(_ watch: Watch) {
    if mounts.removeValue(forKey: watch) != nil { hasChanged = true }
  }

  /// What is found out about its file system is found out anew.
  mutating func beginAnew(_ watch: Watch) { mounts[watch] = nil }

  func kind(at watch: Watch) -> FileSystemKind? { mounts[watch] }
  var mountPoints: [Watch] { Array(mounts.keys) }

  // MARK: polling

  /// Whether anything has to be looked through because it cannot be watched.
  var arePolled: Bool { !polledHeads.isEmpty }
  /// Where that begins.
  var polled: Set<Watch> { polledHeads }

  /// Whether a part is looked through only because inotify has no more watches, or no instance.
  var areShortOfInotify: Bool {
    polledHeads.contains { nodes[$0]?.way == .polling(.outOfWatches) || nodes[$0]?.way == .polling(.unavailable) }
  }

  /// Whether how something is watched has changed since this was asked for last.
  mutating func takeChange() -> Bool {
    defer { hasChanged = false }
    return hasChanged
  }
}
