import JobCore

/// The rows of jobs under way, as they are in the file: a step of a job then reads nothing, and writes its row once. Whoever
/// changes such a row in another way than `Store.change` forgets it here.
struct HeldRecords {
  /// One of them, changed where it is. Its slots and pictures change only: what else is written of it stays.
  final class Held {
    var record: JobRecord
    /// What other tables have of it.
    lazy var traces = Traces(of: record)
    /// What finds it by its source.
    private(set) lazy var source = record.source
    /// Its revisions as they are written, without their slots; none before the first time.
    var heads: [[UInt8]] = []

    init(_ record: JobRecord) { self.record = record }
  }

  // Of two generations the older one goes when the younger one is full: what is used is always in the younger one.
  private var young: [JobID: Held] = [:]
  private var old: [JobID: Held] = [:]
  // New jobs that wait for their turn, the first ones: the agent has as many of them in hand, in the same boxes.
  private var taken: [JobID: Held] = [:]
  // Changed in the present transaction, and of no use after it where they are over by then.
  private var leaving: [JobID] = []
  // A row of a short prompt takes about two kilobytes.
  private static let most = 256
  private static let mostTaken = 1024

  /// The row, where it is held.
  subscript(_ id: JobID) -> Held? {
    mutating get {
      if let held = young[id] { return held }
      guard let held = taken.removeValue(forKey: id) ?? old.removeValue(forKey: id) else { return nil }
      keep(held)
      return held
    }
  }

  /// As the subscript, for who only looks at it.
  func peek(_ id: JobID) -> JobRecord? { (young[id] ?? taken[id] ?? old[id])?.record }

  /// Holds a row.
  @discardableResult
  mutating func hold(_ record: JobRecord) -> Held {
    let held = Held(record)
    keep(held)
    return held
  }

  /// Holds the row of a new job until its turn comes, where not so many wait already.
  mutating func holdTaken(_ record: JobRecord, _ traces: Traces) {
    guard taken.count < Self.mostTaken else { return }
    let held = Held(record)
    held.traces = traces
    taken[record.id] = held
  }

  private mutating func keep(_ held: Held) {
    if young.count >= Self.most { (old, young) = (young, [:]) }
    young[held.record.id] = held
  }

  /// The row is held until the transaction's end, and longer only where a slot is under way by then.
  mutating func letGoAtEnd(_ id: JobID) { leaving.append(id) }

  /// The row is not held, or changes in another way.
  mutating func forget(_ id: JobID) {
    young[id] = nil
    if !taken.isEmpty { taken[id] = nil }
    if !old.isEmpty { old[id] = nil }
  }

  /// No row is held.
  mutating func forgetAll() { (young, old, taken, leaving) = ([:], [:], [:], []) }

  /// The transaction is in the file.
  mutating func transactionEnded() {
    for id in leaving where peek(id)?.isUnderWay == false { forget(id) }
    leaving.removeAll(keepingCapacity: true)
  }
}
