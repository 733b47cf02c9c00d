import NIOCore

/// What is remembered of a prompt from one submit to the next.
struct PromptRecord: Sendable {
  /// How many tasks this prompt has had.
  var tasks = 0
  /// The faults written in the prompt that are applied before there is a task to hold them.
  var faults: FaultScript
  fileprivate var lastUse: NIODeadline
}

/// The prompts seen, by hash; forgotten like tasks are.
struct PromptTable: Sendable {
  private var records: [UInt64: PromptRecord] = [:]
  private var nextSweep = NIODeadline.now()

  /// Returns what is known of the prompt, or a new record with the faults written in it.
  mutating func use(
    _ hash: UInt64, retention: TimeAmount, faults: FaultScript, now: NIODeadline
  ) -> PromptRecord {
    if now >= nextSweep {
      records = records.filter { $0.value.lastUse + retention > now }
      nextSweep = now + retention
    }
    var record = records[hash] ?? PromptRecord(faults: faults, lastUse: now)
    record.lastUse = now
    records[hash] = record
    return record
  }

  subscript(hash: UInt64) -> PromptRecord? {
    get { records[hash] }
    _modify { yield &records[hash] }
  }
}
