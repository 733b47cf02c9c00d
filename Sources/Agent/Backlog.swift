import JobCore

/// Slots that wait for their turn: the first few here, the rest in the journal. Times are monotonic.
struct Backlog {
  // At most this many are added past the journal: the memory of a long queue is the journal's. What is here begins without
  // its job and its sidecar being read once more; with its job, one takes some 2 KB.
  private static let mostAdded = 1024
  // The journal is asked for more before the last one is gone, so that nothing stands still for its answer.
  private static let low = 64

  // From `head` on, in their order; and the same as a set.
  private var ready: [SlotKey] = []
  private var head = 0
  private var here: Set<SlotKey> = []
  private var journalHasMore = true
  // Counts what was queued without being added, so that an older answer of the journal is recognised.
  private var generation = 0
  private var isFilling = false
  /// When the first of those begins that wait for a time; nil: none is known to.
  private(set) var wakesAt: Duration?

  /// How many are here.
  var count: Int { here.count }
  /// Whether the next one is here.
  var hasReady: Bool { !here.isEmpty }
  /// Whether so few are here that the journal may be asked for more.
  var isLow: Bool { here.count < Self.low }
  /// Those that are here.
  var keys: Set<SlotKey> { here }
  /// Whether the journal may have slots that could begin and are not here.
  var isInJournal: Bool { journalHasMore }
  /// Whether no slot waits but for a time.
  var isEmpty: Bool { here.isEmpty && !journalHasMore && !isFilling }

  /// Whether the slot is here.
  func contains(_ key: SlotKey) -> Bool { here.contains(key) }

  /// New slots are in the journal. Where no backlog is before them, they need not be looked up. Whether they were added.
  mutating func add(_ keys: [SlotKey], isTaken: (SlotKey) -> Bool) -> Bool {
    guard !journalHasMore, !isFilling, here.count + keys.count <= Self.mostAdded else {
      journalHasNew()
      return false
    }
    append(keys, isTaken: isTaken)
    return true
  }

  private mutating func append(_ keys: [SlotKey], isTaken: (SlotKey) -> Bool) {
    for key in keys where !isTaken(key) && here.insert(key).inserted { ready.append(key) }
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
  mutating func takeFirst() -> SlotKey? {
    guard head < ready.count else { return nil }
    let first = ready[head]
    here.remove(first)
    head += 1
    // What was taken is let go of once it is half of all: each key is moved once.
    if head * 2 > ready.count {
      ready.removeFirst(head)
      head = 0
    }
    return first
  }

  /// It is first again.
  mutating func putBack(_ key: SlotKey) {
    guard here.insert(key).inserted else { return }
    if head > 0 {
      head -= 1
      ready[head] = key
    } else {
      ready.insert(key, at: 0)
    }
  }

  /// It has become something else.
  mutating func remove(_ key: SlotKey) {
    guard here.remove(key) != nil, let index = ready[head...].firstIndex(of: key) else { return }
    ready.remove(at: index)
  }

  /// Leaves all but the first few to the journal; returns those that are not here any more.
  mutating func leaveToJournal(allBut kept: Int) -> [SlotKey] {
    let left = Array(ready[head...].dropFirst(kept))
    ready.removeLast(left.count)
    here.subtract(left)
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
  mutating func filled(_ found: [SlotKey], isTaken: (SlotKey) -> Bool) { append(found, isTaken: isTaken) }

  /// It had none, unless somebody has queued one meanwhile; the next one begins at `moment`.
  mutating func journalIsEmpty(_ asked: Int, next moment: Duration?) {
    if asked == generation { journalHasMore = false }
    // What was set meanwhile stands: what it is for may not have been in the journal's answer.
    if let moment { wake(at: moment) }
  }

  /// Nobody asks the journal any more.
  mutating func endFilling() { isFilling = false }
}
