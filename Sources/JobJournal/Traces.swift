import JobCore

/// What other tables have of a job, so that its row is found by it.
struct Traces {
  var open: [OpenSlot] = []
  /// What the tasks of its slots are found by, each once.
  var tasks: [Int64] = []
  var forgettable: Int64?

  /// None: of a job that has no row yet.
  init() {}

  init(of record: JobRecord) {
    for revision in record.revisions {
      for slot in revision.slots {
        if slot.isOpen { open.append(OpenSlot(slot)) }
        if let key = slot.slot.taskID.map(JobRecord.key), !tasks.contains(key) { tasks.append(key) }
      }
    }
    forgettable = record.forgettable
  }
}

/// A slot's row in `open_slot`.
struct OpenSlot: Hashable {
  let state: StateName
  let due: Int64, seen: Int64
  let revision: Int, number: Int
  let isBlamed: Bool
  let code: String?

  init(_ record: SlotRecord) {
    let key = record.slot.key
    (revision, number) = (key.revision, key.number)
    switch record.slot.state {
    case .queued(let queued):
      (state, due, seen) = (.queued, record.due, record.seen)
      (isBlamed, code) = (queued.blame != nil, queued.error?.code.rawValue)
    case .held:
      (state, due, seen) = (.held, record.due, record.seen)
      (isBlamed, code) = (false, nil)
    case .submitting, .submitted, .fetching, .done, .failed, .cancelled:
      // Under way: nobody asks for more, and the row stays as it is until the end.
      (state, due, seen) = (.submitting, 0, 0)
      (isBlamed, code) = (false, nil)
    }
  }

  init(
    state: StateName, due: Int64, seen: Int64, revision: Int, number: Int, isBlamed: Bool, code: String?
  ) {
    (self.state, self.due, self.seen) = (state, due, seen)
    (self.revision, self.number, self.isBlamed, self.code) = (revision, number, isBlamed, code)
  }

  fileprivate func bindPlace(_ statement: Statement, job: Int64) throws {
    try statement.bind(1, Int64(state.number))
    try statement.bind(2, due)
    try statement.bind(3, seen)
    try statement.bind(4, job)
    try statement.bind(5, Int64(revision))
    try statement.bind(6, Int64(number))
  }

  func insert(_ statement: Statement, job: Int64) throws {
    try bindPlace(statement, job: job)
    try statement.bind(7, isBlamed ? 1 : 0)
    try statement.bind(8, text: code)
    try statement.execute()
  }

  func remove(_ statement: Statement, job: Int64) throws {
    try bindPlace(statement, job: job)
    try statement.execute()
  }
}

extension JobRecord {
  /// When its oldest detail that need not be kept was last of use, in milliseconds since 1970; nil where there is none.
  var forgettable: Int64? {
    var oldest: Int64?
    for revision in revisions {
      if isForgettable(revision) {
        let changed = revision.slots.map(\.changed).max() ?? revision.takenAt.milliseconds
        oldest = min(oldest ?? changed, changed)
      }
      for slot in revision.slots where slot.hasFreeAttempts { oldest = min(oldest ?? slot.changed, slot.changed) }
    }
    return oldest
  }

  /// Whether the revision is an earlier one that nothing was paid for. What was withdrawn unsent keeps its text, because it
  /// can be wanted again; what was paid for keeps it for good.
  func isForgettable(_ revision: RevisionRecord) -> Bool {
    revision.number != current && !revision.hasNoText
      && revision.slots.allSatisfy { $0.slot.state.name == .failed && !$0.slot.mayBePaid }
  }
}

extension SlotRecord {
  /// Whether it is done and still tells of attempts that cost nothing.
  var hasFreeAttempts: Bool {
    guard case .done = slot.state else { return false }
    return slot.attempts.contains { !$0.outcome.mayBePaid }
  }
}
