import NIOCore

/// One accepted task.
struct TaskRecord: Sendable {
  let id: String
  let created: NIODeadline
  let final: NIODeadline
  /// ISO 8601, UTC, with milliseconds.
  let createdAt: String
  let picture: PictureRequest
  /// The faults the prompt itself asked for.
  var faults: FaultScript
  /// How the task ended, settled when its end is first asked for and the same from then on.
  var end: TaskEnd?
  var notFoundServed = 0
  var noResultServed = 0
  var isLost = false
  /// The generation of links that has expired; the next query gives out the one after it.
  var expiredLinks = 0
}

/// How a task ended.
enum TaskEnd: Sendable {
  case success(ResultShape, images: Int)
  case failed(String)
}

/// The accepted tasks; each is forgotten some time after it is final.
struct TaskTable: Sendable {
  private var records: [String: TaskRecord] = [:]
  /// In order of submission, which is the order of expiry too: every task takes as long as the others.
  private var order = CircularBuffer<(id: String, drop: NIODeadline)>()

  var count: Int { records.count }

  mutating func insert(_ record: TaskRecord, retention: TimeAmount) {
    while let oldest = order.first, oldest.drop <= record.created {
      records[oldest.id] = nil
      order.removeFirst()
    }
    records[record.id] = record
    order.append((record.id, record.final + retention))
  }

  subscript(id: String) -> TaskRecord? {
    get { records[id] }
    _modify { yield &records[id] }
  }
}
