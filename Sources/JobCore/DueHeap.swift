/// A binary heap of things that are due at a time: the earliest first, in the order of arrival among equals.
///
/// Inlinable, because other modules' keys are put in: without it each comparison would go through tables of functions.
public struct DueHeap<Key: Sendable>: Sendable {
  /// One thing.
  public struct Item: Sendable {
    /// When.
    public let due: Duration
    /// Its turn among equals; also tells a live item from a stale one.
    public let turn: UInt64
    /// What.
    public let key: Key

    @inlinable
    init(due: Duration, turn: UInt64, key: Key) { (self.due, self.turn, self.key) = (due, turn, key) }
  }

  @usableFromInline var items: [Item] = []

  /// Makes an empty heap.
  @inlinable
  public init() {}

  /// How many there are.
  @inlinable public var count: Int { items.count }
  /// The earliest.
  @inlinable public var first: Item? { items.first }
  /// When the earliest is due.
  @inlinable public var firstDue: Duration? { items.isEmpty ? nil : items[0].due }

  /// Adds one.
  @inlinable
  public mutating func insert(due: Duration, turn: UInt64, key: Key) {
    items.append(Item(due: due, turn: turn, key: key))
    items.withUnsafeMutableBufferPointer { items in
      var child = items.count - 1
      while child > 0 {
        let parent = (child - 1) / 2
        guard Self.precedes(items, child, parent) else { return }
        items.swapAt(child, parent)
        child = parent
      }
    }
  }

  /// Takes the earliest away.
  @inlinable
  @discardableResult
  public mutating func removeFirst() -> Item? {
    guard !items.isEmpty else { return nil }
    if items.count > 1 { items.swapAt(0, items.count - 1) }
    let first = items.removeLast()
    siftDown(0)
    return first
  }

  /// Takes all away that `condition` holds for.
  @inlinable
  public mutating func removeAll(where condition: (Item) -> Bool) {
    items.removeAll(where: condition)
    for index in stride(from: items.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
  }

  @inlinable
  mutating func siftDown(_ start: Int) {
    items.withUnsafeMutableBufferPointer { items in
      var parent = start
      while true {
        var child = 2 * parent + 1
        guard child < items.count else { return }
        if child + 1 < items.count, Self.precedes(items, child + 1, child) { child += 1 }
        guard Self.precedes(items, child, parent) else { return }
        items.swapAt(parent, child)
        parent = child
      }
    }
  }

  // In the array's own memory things change places without their keys being counted.
  @inlinable
  static func precedes(_ items: UnsafeMutableBufferPointer<Item>, _ a: Int, _ b: Int) -> Bool {
    items[a].due == items[b].due ? items[a].turn < items[b].turn : items[a].due < items[b].due
  }
}
