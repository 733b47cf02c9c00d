import JobCore

/// Which watch is which folder. A folder knows its parent and its own name, so that moving a tree is one change.
struct DirectoryTable {
  typealias Watch = Int32

  private struct Node {
    var root: RootID
    var parent: Watch?
    var name: [UInt8]
    var children: [[UInt8]: Watch] = [:]
  }
  // The parent of what has been taken out; no folder has this number.
  private static let nowhere = Watch.min
  private var nodes: [Watch: Node] = [:]
  private var roots: [RootID: Watch] = [:]

  /// How many folders are watched.
  var count: Int { nodes.count }

  /// The folder that a watch is for; nil where it has none, or none that is known.
  func folder(_ watch: Watch) -> FileKey? {
    guard let node = nodes[watch] else { return nil }
    var parts: [[UInt8]] = []
    var current = node
    while let parent = current.parent {
      parts.append(current.name)
      guard let above = nodes[parent] else { return nil }
      current = above
    }
    return FileKey(
      root: node.root, path: DropPath(bytes: Array(parts.reversed().joined(separator: [UInt8(ascii: "/")]))))
  }

  /// The watch of a root.
  func watch(of root: RootID) -> Watch? { roots[root] }

  /// The watch of a folder in a watched folder.
  func child(_ name: [UInt8], of parent: Watch) -> Watch? { nodes[parent]?.children[name] }

  /// The watches of the folders in a watched folder, by their names.
  func children(of watch: Watch) -> [[UInt8]: Watch] { nodes[watch]?.children ?? [:] }

  /// The watch of the folder that a folder is in; nil for a root.
  func parent(of watch: Watch) -> Watch? { nodes[watch]?.parent }

  /// Whether a folder is this one or below it.
  func isWithin(_ watch: Watch, _ above: Watch) -> Bool {
    var next: Watch? = watch
    while let current = next, current != above { next = nodes[current]?.parent }
    return next != nil
  }

  /// Every watch of the folder and of those below it.
  func subtree(_ watch: Watch) -> [Watch] {
    var found: [Watch] = []
    var open = nodes[watch] == nil ? [] : [watch]
    while let next = open.popLast() {
      found.append(next)
      if let children = nodes[next]?.children { open.append(contentsOf: children.values) }
    }
    return found
  }

  /// The folder is known by another watch from now on: it stays what and where it is.
  mutating func rename(_ watch: Watch, to new: Watch) {
    guard watch != new, let node = nodes.removeValue(forKey: watch) else { return }
    nodes[new] = node
    if let parent = node.parent { nodes[parent]?.children[node.name] = new } else { roots[node.root] = new }
    for child in node.children.values { nodes[child]?.parent = new }
  }

  /// Enters a root.
  mutating func add(root: RootID, watch: Watch) {
    nodes[watch] = Node(root: root, parent: nil, name: [])
    roots[root] = watch
  }

  /// Enters a folder, or moves it here when the kernel gave the watch that it has for another name (the same inode).
  /// Returns watches that stood under this name before and no longer mean anything.
  mutating func add(_ name: [UInt8], in parent: Watch, watch: Watch) -> [Watch] {
    guard let root = nodes[parent]?.root else { return [] }
    var stale: [Watch] = []
    if let node = nodes[watch], node.parent == parent, node.name == name, nodes[parent]?.children[name] == watch {
      return []
    }
    // Out of its old place first: it may stand below the folder whose name it takes.
    detach(watch)
    if let previous = nodes[parent]?.children[name], previous != watch { stale = remove(previous) }
    if let node = nodes[watch] {
      nodes[watch]?.parent = parent
      nodes[watch]?.name = name
      if node.root != root { setRoot(root, below: watch) }
    } else {
      nodes[watch] = Node(root: root, parent: parent, name: name)
    }
    nodes[parent]?.children[name] = watch
    return stale
  }

  /// The folder is not where it was, and nobody knows where it is: until it is added again, it and what is below it have no
  /// path. A root stays.
  mutating func takeOut(_ watch: Watch) {
    guard nodes[watch]?.parent != nil else { return }
    detach(watch)
    nodes[watch]?.parent = Self.nowhere
  }

  /// Forgets a folder and all below it; returns their watches.
  @discardableResult
  mutating func remove(_ watch: Watch) -> [Watch] {
    guard let node = nodes[watch] else { return [] }
    detach(watch)
    if node.parent == nil { roots[node.root] = nil }
    var removed: [Watch] = []
    var open = [watch]
    while let next = open.popLast() {
      guard let gone = nodes.removeValue(forKey: next) else { continue }
      removed.append(next)
      open.append(contentsOf: gone.children.values)
    }
    return removed
  }

  private mutating func detach(_ watch: Watch) {
    guard let node = nodes[watch], let parent = node.parent else { return }
    if nodes[parent]?.children[node.name] == watch { nodes[parent]?.children[node.name] = nil }
  }

  private mutating func setRoot(_ root: RootID, below watch: Watch) {
    var open = [watch]
    while let next = open.popLast() {
      nodes[next]?.root = root
      open.append(contentsOf: nodes[next]?.children.values.map { $0 } ?? [])
    }
  }
}
