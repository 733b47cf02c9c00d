import JobCore

/// Slots that wait for their turn: the first few here, the rest in the journal. Times are monotonic.
struct Backlog {
  // At most this many are added past the journal: the memory of a long queue is the journal's.
  private static let mostAdded = 256

  private var ready: [SlotKey] = []
  private var journalHasMore = true
  // Counts what was queued without being added, so that an older answer of the journal is recognised.
  private var generation = 0
  private var isFilling = false
  /// When the first of those begins that wait for a time; nil: none is known to.
  private(set) var wakesAt: Duration?

  /// How many are here.
  var count: Int { ready.count }
  /// Whether the next one is here.
  var hasReady: Bool { !ready.isEmpty }
  /// Those that are here.
  var keys: Set<SlotKey> { Set(ready) }
  /// Whether the journal may have slots that could begin and are not here.
  var isInJournal: Bool { journalHasMore }
  /// Whether no slot waits but for a time.
  var isEmpty: Bool { ready.isEmpty && !journalHasMore && !isFilling }

  /// New slots are in the journal. Where no backlog is before them, they need not be looked up. Whether they were added.
  mutating func add(_ keys: [SlotKey], isTaken: (SlotKey) -> Bool) -> Bool {
    guard !journalHasMore, !isFilling, ready.count + keys.count <= Self.mostAdded else {
      journalHasNew()
      return false
    }
    ready += keys.filter { !isTaken($0) && !ready.contains($0) }
    return true
  }

  /// The journal has slots that may begin, and are not here.
  mutating func journalHasNew() {
    journalHasMore = true
    generation += 1
  }

  /// One begins at this moment.
  mutating func wake(at moment: Duration) { wakesAt = min(wakesAt ?? moment, moment) }

  /// What waited for a time up to `now` may begin.
  mutating func wake(upTo now: Duration) {
    guard let wakesAt, wakesAt <= now else { return }
    self.wakesAt = nil
    journalHasNew()
  }

  /// Takes the first away.
  mutating func takeFirst() -> SlotKey? { ready.isEmpty ? nil : ready.removeFirst() }

  /// It is first again.
  mutating func putBack(_ key: SlotKey) { ready.insert(key, at: 0) }

  /// It has become something else.
  mutating func remove(_ key: SlotKey) {
    if !ready.isEmpty { ready.removeAll { $0 == key } }
  }

  /// Leaves all but the first few to the journal; returns those that are not here any more.
  mutating func leaveToJournal(allBut kept: Int) -> [SlotKey] {
    let left = Array(ready.dropFirst(kept))
    ready.removeLast(left.count)
    journalHasNew()
    return left
  }

  // MARK: filling

  /// The journal is to be asked for more, unless somebody does already or it has none. Returns what `filled` and
  /// `journalIsEmpty` take.
  mutating func beginFilling() -> Int? {
    guard journalHasMore, !isFilling else { return nil }
    isFilling = true
    generation += 1
    return generation
  }

  /// The journal has been asked, and gave these.
  mutating func filled(_ found: [SlotKey], isTaken: (SlotKey) -> Bool) {
    ready += found.filter { !isTaken($0) && !ready.contains($0) }
  }

  /// It had none, unless somebody has queued one meanwhile; the next one begins at `moment`.
  mutating func journalIsEmpty(_ asked: Int, next moment: Duration?) {
    if asked == generation { journalHasMore = false }
    // What was set meanwhile stands: what it is for may not have been in the journal's answer.
    if let moment { wake(at: moment) }
  }

  /// Nobody asks the journal any more.
  mutating func endFilling() { isFilling = false }
}
