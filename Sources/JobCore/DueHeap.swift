/// A binary heap of things that are due at a time: the earliest first, in the order of arrival among equals.
public struct DueHeap<Key: Sendable>: Sendable {
  /// One thing.
  public struct Item: Sendable {
    /// When.
    public let due: Duration
    /// Its turn among equals; also tells a live item from a stale one.
    public let turn: UInt64
    /// What.
    public let key: Key
  }

  private var items: [Item] = []

  /// Makes an empty heap.
  public init() {}

  /// How many there are.
  public var count: Int { items.count }
  /// The earliest.
  public var first: Item? { items.first }

  /// Adds one.
  public mutating func insert(due: Duration, turn: UInt64, key: Key) {
    items.append(Item(due: due, turn: turn, key: key))
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard precedes(items[child], items[parent]) else { return }
      items.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes the earliest away.
  @discardableResult
  public mutating func removeFirst() -> Item? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    if !items.isEmpty {
      items[0] = last
      siftDown(0)
    }
    return first
  }

  /// Takes all away that `condition` holds for.
  public mutating func removeAll(where condition: (Item) -> Bool) {
    items.removeAll(where: condition)
    for index in stride(from: items.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && precedes(items[child], items[least]) {
        least = child
      }
      if least == parent { return }
      items.swapAt(parent, least)
      parent = least
    }
  }

  private func precedes(_ a: Item, _ b: Item) -> Bool { a.due == b.due ? a.turn < b.turn : a.due < b.due }
}
