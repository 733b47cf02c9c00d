import JobCore

// How slots stand in a job's row. Times count from the moment that their revision was taken.

/// Writes what rows are made of.
struct RecordWriter: ~Copyable {
  var out = ByteWriter()
  let words: Words
  /// The hash of the request of the revision whose slots are written: most attempts have the same.
  var requestSHA = ""
  // The task of the last attempt of the slot that is written.
  private var lastTask: String?

  init(_ words: Words) { self.words = words }

  /// Another row begins: its first four bytes are set at its end.
  mutating func begin() {
    out.clear()
    out.fill(to: 4)
  }

  /// A text that many rows have.
  mutating func word(_ text: String) throws {
    if let number = try words.number(text) {
      out.unsigned(UInt64(number))
    } else {
      out.unsigned(0)
      out.text(text)
    }
  }

  mutating func moment(_ moment: Timestamp, since base: Timestamp) {
    out.signed(moment.milliseconds &- base.milliseconds)
  }

  mutating func slot(_ record: SlotRecord, since base: Timestamp) throws {
    let slot = record.slot
    out.count(slot.key.number)
    var head = slot.state.name.number
    if slot.failures != 0 { head |= 0x08 }
    if slot.serviceStatus != nil { head |= 0x10 }
    if slot.consumed != nil { head |= 0x20 }
    out.byte(head)
    out.signed(record.due &- base.milliseconds)
    out.signed(record.changed &- base.milliseconds)
    out.signed(record.seen &- base.milliseconds)
    if slot.failures != 0 { out.count(slot.failures) }
    if let status = slot.serviceStatus { try word(status) }
    if let consumed = slot.consumed { out.amount(consumed) }
    out.unsigned(UInt64(slot.attempts.count))
    lastTask = nil
    // Copies of attempts count the references of all their texts.
    for place in slot.attempts.indices {
      try attempt(slot.attempts[place], since: base)
      lastTask = slot.attempts[place].taskID
    }
    try state(slot.state, since: base)
  }

  private mutating func state(_ state: SlotState, since base: Timestamp) throws {
    switch state {
    case .submitting, .done: break
    case .queued(let queued):
      flags(queued.notBefore != nil, queued.error != nil, queued.blame == .unclear, queued.blame == .account)
      if let moment = queued.notBefore { self.moment(moment, since: base) }
      if let error = queued.error { try self.error(error) }
    case .submitted(let task): try self.task(task, since: base)
    case .fetching(let fetching):
      flags(fetching.notBefore != nil, fetching.error != nil)
      if let moment = fetching.notBefore { self.moment(moment, since: base) }
      if let error = fetching.error { try self.error(error) }
      try task(fetching.task, since: base)
      out.unsigned(UInt64(fetching.results.count))
      for result in fetching.results { self.result(result) }
    case .failed(let error): try self.error(error)
    case .held(let held):
      flags(held.task != nil)
      try word(held.reason.rawValue)
      try error(held.error)
      if let task = held.task { try self.task(task, since: base) }
    case .cancelled(let reason): try word(reason.rawValue)
    }
  }

  /// One byte, the first flag in its lowest bit.
  mutating func flags(
    _ first: Bool, _ second: Bool = false, _ third: Bool = false, _ fourth: Bool = false, _ fifth: Bool = false,
    _ sixth: Bool = false, _ seventh: Bool = false
  ) {
    var byte: UInt8 = first ? 1 : 0
    if second { byte |= 2 }
    if third { byte |= 4 }
    if fourth { byte |= 8 }
    if fifth { byte |= 16 }
    if sixth { byte |= 32 }
    if seventh { byte |= 64 }
    out.byte(byte)
  }

  private mutating func error(_ error: JobError) throws {
    flags(error.hint != nil, error.retryable)
    try word(error.code.rawValue)
    out.text(error.message)
    if let hint = error.hint { out.text(hint) }
  }

  private mutating func task(_ task: TaskRef, since base: Timestamp) throws {
    // Most often it is the last attempt's.
    let isLast = task.taskID == lastTask
    flags(task.late != nil, !task.damage.isEmpty, isLast)
    if !isLast { out.token(task.taskID) }
    moment(task.acceptedAt, since: base)
    out.count(task.refreshes)
    if let late = task.late { try self.late(late, since: base) }
    guard !task.damage.isEmpty else { return }
    out.unsigned(UInt64(task.damage.count))
    for damage in task.damage {
      out.count(damage.part)
      out.token(damage.sha256)
      out.signed(damage.firstSeen.milliseconds)
    }
  }

  private mutating func late(_ late: Late, since base: Timestamp) throws {
    flags(late.next != nil)
    try word(late.cause.rawValue)
    out.signed(late.waited.milliseconds)
    out.signed(late.pause.milliseconds)
    if let next = late.next { moment(next, since: base) }
    try error(late.error)
    out.unsigned(UInt64(late.urls.count))
    for url in late.urls { out.text(url) }
  }

  // An inline image is not kept: it can have megabytes, and a query brings it again.
  private mutating func result(_ item: ResultItem) {
    switch item {
    case .inline, .inlineElsewhere: out.byte(0)
    case .url(let url):
      out.byte(1)
      out.text(url)
    case .text(let text):
      out.byte(2)
      out.text(text)
    }
  }

  private mutating func attempt(_ attempt: Attempt, since base: Timestamp) throws {
    out.count(attempt.n)
    out.byte(attempt.outcome.number)
    flags(
      attempt.taskID != nil, attempt.endedAt != nil, attempt.requestSHA != nil, attempt.callbackSHA != nil,
      attempt.reserved != nil)
    out.token(attempt.attemptID)
    try word(attempt.bootID)
    moment(attempt.startedAt, since: base)
    if let task = attempt.taskID { out.token(task) }
    if let end = attempt.endedAt { moment(end, since: attempt.startedAt) }
    if let hash = attempt.requestSHA { request(hash) }
    if let secret = attempt.callbackSHA { out.token(secret) }
    if let reserved = attempt.reserved { out.amount(reserved) }
  }

  private mutating func request(_ hash: String) {
    if hash != requestSHA || hash.isEmpty {
      out.byte(1)
      out.token(hash)
    } else {
      out.byte(0)
    }
  }
}

/// Reads what a `RecordWriter` wrote. Throws `Unreadable` for anything else.
struct RecordReader {
  var input: ByteReader
  let words: Words
  var requestSHA = ""
  private var lastTask: String?

  init(_ bytes: UnsafeRawBufferPointer, of job: JobID, _ words: Words) {
    input = ByteReader(bytes, of: job)
    self.words = words
  }

  mutating func word() throws -> String {
    let number = try input.unsigned()
    if number == 0 { return try input.text() }
    guard let number = Int64(exactly: number), let text = words[number] else { throw input.damage }
    return text
  }

  mutating func moment(since base: Timestamp) throws -> Timestamp {
    Timestamp(milliseconds: base.milliseconds &+ (try input.signed()))
  }

  private func need<T>(_ value: T?) throws -> T {
    guard let value else { throw input.damage }
    return value
  }

  mutating func list<T>(_ element: (inout RecordReader) throws -> T) throws -> [T] {
    let count = try input.length()
    var elements: [T] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try element(&self)) }
    return elements
  }

  mutating func slot(_ job: JobID, _ revision: Int, since base: Timestamp) throws -> SlotRecord {
    let key = SlotKey(job: job, revision: revision, number: try input.count())
    let head = try input.byte()
    let name = try need(StateName(number: Int64(head & 7)))
    let due = try moment(since: base).milliseconds
    let changed = try moment(since: base).milliseconds
    let seen = try moment(since: base).milliseconds
    let failures = head & 0x08 != 0 ? try input.count() : 0
    let status = head & 0x10 != 0 ? try word() : nil
    let consumed = head & 0x20 != 0 ? try input.amount() : nil
    let attempts = try list { try $0.attempt(since: base) }
    lastTask = attempts.last?.taskID
    let state = try state(name, since: base)
    return SlotRecord(
      Slot(
        key: key, state: state, attempts: attempts, failures: failures, serviceStatus: status, consumed: consumed),
      due: due, changed: changed, seen: seen)
  }

  private mutating func state(_ name: StateName, since base: Timestamp) throws -> SlotState {
    switch name {
    case .submitting: return .submitting
    case .done: return .done
    case .queued:
      let flags = try input.byte()
      let moment = flags & 1 != 0 ? try moment(since: base) : nil
      let error = flags & 2 != 0 ? try error() : nil
      // A blame of a later version: it is tried at its time, as if nothing were known of it.
      return .queued(
        Queued(notBefore: moment, error: error, blame: flags & 4 != 0 ? .unclear : flags & 8 != 0 ? .account : nil))
    case .submitted: return .submitted(try task(since: base))
    case .fetching:
      let flags = try input.byte()
      let moment = flags & 1 != 0 ? try moment(since: base) : nil
      let error = flags & 2 != 0 ? try error() : nil
      let task = try task(since: base)
      return .fetching(
        Fetching(task: task, results: try list { try $0.result() }, error: error, notBefore: moment))
    case .failed: return .failed(try error())
    case .held:
      let flags = try input.byte()
      let reason = try need(HeldReason(rawValue: try word()))
      let error = try error()
      return .held(Held(reason: reason, error: error, task: flags & 1 != 0 ? try task(since: base) : nil))
    case .cancelled: return .cancelled(try need(CancelReason(rawValue: try word())))
    }
  }

  private mutating func error() throws -> JobError {
    let flags = try input.byte()
    let code = ErrorCode(rawValue: try word())
    let message = try input.text()
    return JobError(
      code: code, message: message, hint: flags & 1 != 0 ? try input.text() : nil, retryable: flags & 2 != 0)
  }

  private mutating func task(since base: Timestamp) throws -> TaskRef {
    let flags = try input.byte()
    let id = flags & 4 != 0 ? try need(lastTask) : try input.token()
    var task = TaskRef(taskID: id, acceptedAt: try moment(since: base), refreshes: try input.count())
    if flags & 1 != 0 { task.late = try late(since: base) }
    if flags & 2 != 0 {
      task.damage = try list {
        Damage(
          part: try $0.input.count(), sha256: try $0.input.token(),
          firstSeen: .milliseconds(try $0.input.signed()))
      }
    }
    return task
  }

  private mutating func late(since base: Timestamp) throws -> Late {
    let flags = try input.byte()
    let cause = try need(Late.Cause(rawValue: try word()))
    let (waited, pause) = (try input.signed(), try input.signed())
    let next = flags & 1 != 0 ? try moment(since: base) : nil
    let error = try error()
    return Late(
      cause: cause, waited: .milliseconds(waited), pause: .milliseconds(pause), next: next, error: error,
      urls: try list { try $0.input.text() })
  }

  private mutating func result() throws -> ResultItem {
    switch try input.byte() {
    case 0: .inlineElsewhere
    case 1: .url(try input.text())
    case 2: .text(try input.text())
    default: throw input.damage
    }
  }

  private mutating func attempt(since base: Timestamp) throws -> Attempt {
    let n = try input.count()
    let outcome = try need(Attempt.Outcome(number: try input.byte()))
    let flags = try input.byte()
    let id = try input.token()
    let boot = try word()
    var attempt = Attempt(n: n, attemptID: id, bootID: boot, startedAt: try moment(since: base))
    attempt.outcome = outcome
    if flags & 1 != 0 { attempt.taskID = try input.token() }
    if flags & 2 != 0 { attempt.endedAt = try moment(since: attempt.startedAt) }
    if flags & 4 != 0 { attempt.requestSHA = try input.byte() == 0 ? requestSHA : try input.token() }
    if flags & 8 != 0 { attempt.callbackSHA = try input.token() }
    if flags & 16 != 0 { attempt.reserved = try input.amount() }
    return attempt
  }
}

extension Attempt.Outcome {
  private static let byNumber: [Attempt.Outcome] = [
    .begun, .accepted, .refused, .refusedForAccount, .notSent, .unknown,
  ]

  /// Its number in the rows: never changed.
  fileprivate var number: UInt8 {
    switch self {
    case .begun: 0
    case .accepted: 1
    case .refused: 2
    case .refusedForAccount: 3
    case .notSent: 4
    case .unknown: 5
    }
  }

  fileprivate init?(number: UInt8) {
    guard Int(number) < Self.byNumber.count else { return nil }
    self = Self.byNumber[Int(number)]
  }
}
