import JobCore
import TestKit
import Testing

@Suite struct DueHeapTests {
  /// The heap against a sorted array, through random insertions and removals.
  @Test(arguments: SplitMix64.seeds())
  func givesTheEarliestFirst(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var heap = DueHeap<Int>()
    var model: [(due: Duration, turn: UInt64, key: Int)] = []
    for turn in 0..<3000 as Range<UInt64> {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<55:
        // Few different times, so that many are equal.
        let due = random.milliseconds(0...50)
        heap.insert(due: due, turn: turn, key: Int(turn))
        model.append((due, turn, Int(turn)))
      case 55..<99:
        model.sort { ($0.due, $0.turn) < ($1.due, $1.turn) }
        let expected = model.isEmpty ? nil : model.removeFirst()
        try #require(heap.first?.key == expected?.key, "seed \(seed), turn \(turn)")
        let item = heap.removeFirst()
        try #require(item?.key == expected?.key && item?.due == expected?.due, "seed \(seed), turn \(turn)")
      default:
        let divisor = Int.random(in: 2...5, using: &random)
        heap.removeAll { $0.key % divisor == 0 }
        model.removeAll { $0.key % divisor == 0 }
      }
      try #require(heap.count == model.count, "seed \(seed), turn \(turn)")
    }
    let rest = model.sorted { ($0.due, $0.turn) < ($1.due, $1.turn) }.map(\.key)
    var taken: [Int] = []
    while let item = heap.removeFirst() { taken.append(item.key) }
    #expect(taken == rest, "seed \(seed)")
  }

  @Test func anEmptyOneGivesNothing() {
    var heap = DueHeap<String>()
    #expect(heap.first == nil && heap.removeFirst() == nil && heap.count == 0)
    heap.insert(due: .seconds(1), turn: 1, key: "a")
    heap.removeAll { _ in true }
    #expect(heap.first == nil && heap.count == 0)
  }
}
