import FoundationEssentials
import JobCore

/// The rows of version 6, where a job's revisions, slots and pictures had tables of their own, with JSON in their columns.
struct FormerRows {
  private let old: Connection
  // The attempt that a slot's last callback URL was made for.
  private let attempts: [SlotKey: String]
  // Whose each attempt is: their charges stand in a table of their own, which is copied when all jobs are.
  private var slotOfAttempt: [String: SlotKey] = [:]

  init(_ old: Connection) throws {
    self.old = old
    var attempts: [SlotKey: String] = [:]
    try old.each("SELECT job, revision, number, attempt_id FROM callback ORDER BY made_at") { row in
      attempts[SlotKey(job: JobID(row.text(0)), revision: row.int(1), number: row.int(2))] = row.text(3)
      return true
    }
    self.attempts = attempts
  }

  /// Writes all of them into the present tables. Throws `Unreadable` for what no version wrote.
  mutating func copy(to store: Store) throws {
    try old.each("SELECT id, path, shared, exclude_rules FROM root") { row in
      try store.connection.run(
        "INSERT INTO root VALUES (?, ?, ?, ?)", .integer(row.integer(0)), .bytes(row.bytes(1)),
        .text(row.optionalText(2)), .integer(row.integer(3)))
      return true
    }
    // In the order of their coming, as rows are numbered since.
    try old.each(
      """
      SELECT id, root, path, current, stamp, inputs_changed, note, created_at, former_root, former_path, state FROM job
      ORDER BY created_at, id
      """
    ) { row in
      try copy(row, to: store)
      return true
    }
    try copyBill(to: store)
  }

  private mutating func copy(_ row: Row, to store: Store) throws {
    let id = row.text(0)
    guard StateName(rawValue: row.text(10)) != nil else { throw Unreadable(what: "job state \(row.text(10))") }
    var record = JobRecord(
      id: JobID(id), file: FileKey(root: RootID(row.integer(1)), path: DropPath(bytes: row.bytes(2))),
      current: row.int(3), createdAt: Timestamp(milliseconds: row.integer(7)))
    record.stamp = row.isNull(4) ? nil : TakenStamp(former: row.bytes(4))
    record.inputsChanged = row.integer(5) != 0
    record.note = try row.optionalText(6).map { try FileNote(journal: $0) }
    let slots = try slots(of: id)
    record.revisions = try old.all(
      """
      SELECT number, prompt_sha, source_sha, list_sha, request_sha, snapshot, count, taken_at FROM revision WHERE job = ?
      ORDER BY number
      """, .text(id)
    ) { row in
      let revision = Revision(
        number: row.int(0),
        identity: Identity(prompt: row.text(1), source: row.text(2), list: row.optionalText(3), request: row.text(4)),
        snapshot: try decode(Snapshot.self, row, 5), count: row.int(6), takenAt: Timestamp(milliseconds: row.integer(7))
      )
      return try store.kept(revision, slots: slots.filter { $0.slot.key.revision == revision.number })
    }
    record.outputs = try outputs(of: id)
    for slot in slots { for attempt in slot.slot.attempts { slotOfAttempt[attempt.attemptID] = slot.slot.key } }
    guard try store.insert(&record) != nil else { throw Unreadable(what: "job \(id): there are two of it") }
    guard let root = row.optionalInteger(8), let path = row.optionalBytes(9) else { return }
    try store.connection.run(
      "UPDATE job SET former_root = ?, former_path = ? WHERE uuid = ?", .integer(root), .bytes(path), .id(id))
  }

  private func slots(of job: String) throws -> [SlotRecord] {
    try old.all(
      """
      SELECT revision, number, state, due_at, changed_at, failures, service_status, consumed, detail, attempts, seen_at,
        task_id
      FROM slot WHERE job = ? ORDER BY revision, number
      """, .text(job)
    ) { row in
      guard let name = StateName(rawValue: row.text(2)) else { throw Unreadable(what: "slot state \(row.text(2))") }
      let detail = row.withBytes(8) { $0.count == 2 } ? FormerDetail() : try decode(FormerDetail.self, row, 8)
      var slot = Slot(
        key: SlotKey(job: JobID(job), revision: row.int(0), number: row.int(1)), state: try detail.state(name),
        attempts: row.withBytes(9) { $0.count == 2 } ? [] : try decode([Attempt].self, row, 9), failures: row.int(5),
        serviceStatus: row.optionalText(6), consumed: row.optionalText(7))
      if let task = row.optionalText(11), slot.taskID == nil {
        slot.attempts.insert(accepted(task, of: slot.key, at: Timestamp(milliseconds: row.integer(4))), at: 0)
      }
      return SlotRecord(slot, due: row.integer(3), changed: row.integer(4), seen: row.integer(10))
    }
  }

  // The attempts of pictures that were finished long ago were forgotten, and not their tasks: whose a task is stays known.
  private func accepted(_ task: String, of key: SlotKey, at moment: Timestamp) -> Attempt {
    // No other attempt has the id that is made up here: those are UUIDs.
    let id = attempts[key] ?? "\(key.revision).\(key.number)-\(key.job.text)"
    var attempt = Attempt(n: 1, attemptID: id, bootID: "", startedAt: moment)
    (attempt.outcome, attempt.taskID) = (.accepted, task)
    return attempt
  }

  private func outputs(of job: String) throws -> [Output] {
    try old.all(
      """
      SELECT revision, slot, part, number, file, sha256, bytes, format, width, height, temporary, kept, warning FROM output
      WHERE job = ? ORDER BY revision, slot, part
      """, .text(job)
    ) { row in
      guard let format = ImageInfo.Format(rawValue: row.text(7)) else {
        throw Unreadable(what: "output format \(row.text(7))")
      }
      return Output(
        slot: SlotKey(job: JobID(job), revision: row.int(0), number: row.int(1)), part: row.int(2), number: row.int(3),
        file: row.bytes(4), sha256: row.text(5), bytes: row.int(6),
        image: ImageInfo(format: format, width: row.int(8), height: row.int(9)), temporary: row.optionalBytes(10),
        kept: row.optionalBytes(11), warning: row.optionalText(12))
    }
  }

  private func copyBill(to store: Store) throws {
    try old.each("SELECT attempt_id, root, folder, model, size, day, reserved, consumed FROM charge") { row in
      // What it cost was learned from then; prices are copied as they are.
      let charge = Charge(
        attemptID: row.text(0), root: RootID(row.integer(1)), folder: DropPath(bytes: row.bytes(2)),
        kind: PriceKey(model: row.text(3), size: row.optionalText(4)), day: row.integer(5),
        reserved: row.optionalText(6), consumed: row.optionalText(7))
      try store.add(charge, of: slotOfAttempt[charge.attemptID])
      return true
    }
    try old.each("SELECT model, size, highest FROM price") { row in
      try store.connection.run(
        "INSERT INTO price VALUES (?, ?, ?)", .text(row.text(0)), .text(row.text(1)), .text(row.text(2)))
      return true
    }
    try old.each("SELECT secret_sha, job, revision, number, attempt_id, made_at FROM callback") { row in
      _ = try store.expect(
        CallbackTarget(
          secretSHA: row.text(0), slot: SlotKey(job: JobID(row.text(1)), revision: row.int(2), number: row.int(3)),
          attemptID: row.text(4), madeAt: Timestamp(milliseconds: row.integer(5))))
      return true
    }
    try old.each("SELECT secret_sha, task_id, received_at, weighed FROM evidence") { row in
      try store.connection.run(
        "INSERT INTO evidence VALUES (?, ?, ?, ?)", .hash(row.text(0)), .text(row.text(1)), .integer(row.integer(2)),
        .integer(row.integer(3)))
      return true
    }
  }

  private func decode<T: Decodable>(_ type: T.Type, _ row: Row, _ column: Int32) throws -> T {
    do {
      return try JSONDecoder().decode(type, from: Data(row.bytes(column)))
    } catch { throw Unreadable(what: "\(type): \(error)") }
  }
}

/// The JSON of `slot.detail` in version 6: what the state's word did not say.
private struct FormerDetail: Decodable {
  var error: JobError?
  var task: Task?
  var results: [Result]?
  var reason: String?
  var not_before: Int64?
  var blame: String?

  struct Task: Decodable {
    var id: String, accepted: Int64, refreshes: Int
    var late: Lateness?, damage: [Damaged]?
    var ref: TaskRef {
      TaskRef(
        taskID: id, acceptedAt: Timestamp(milliseconds: accepted), refreshes: refreshes, late: late?.late,
        damage: damage?.map(\.damage) ?? [])
    }
  }
  struct Lateness: Decodable {
    var cause: Late.Cause, waited: Int64, pause: Int64, next: Int64?, error: JobError, urls: [String]
    var late: Late {
      Late(
        cause: cause, waited: .milliseconds(waited), pause: .milliseconds(pause),
        next: next.map { Timestamp(milliseconds: $0) }, error: error,
        urls: urls)
    }
  }
  struct Damaged: Decodable {
    var part: Int, sha256: String, first: Int64
    var damage: Damage { Damage(part: part, sha256: sha256, firstSeen: .milliseconds(first)) }
  }
  struct Result: Decodable {
    var url: String?, text: String?
    var item: ResultItem { url.map(ResultItem.url) ?? text.map(ResultItem.text) ?? .inlineElsewhere }
  }

  func state(_ name: StateName) throws -> SlotState {
    let notBefore = not_before.map { Timestamp(milliseconds: $0) }
    func need<T>(_ value: T?) throws -> T {
      guard let value else { throw Unreadable(what: "detail of a \(name) slot") }
      return value
    }
    switch name {
    case .queued:
      return .queued(Queued(notBefore: notBefore, error: error, blame: blame.flatMap(Blame.init)))
    case .submitting: return .submitting
    case .submitted: return .submitted(try need(task).ref)
    case .fetching:
      return .fetching(
        Fetching(task: try need(task).ref, results: try need(results).map(\.item), error: error, notBefore: notBefore))
    case .done: return .done
    case .failed: return .failed(try need(error))
    case .held:
      return .held(Held(reason: try need(reason.flatMap(HeldReason.init)), error: try need(error), task: task?.ref))
    case .cancelled: return .cancelled(try need(reason.flatMap(CancelReason.init)))
    }
  }
}

extension TakenStamp {
  /// Reads version 6's: the fingerprint, then five numbers for the prompt and five for the list, of eight bytes each,
  /// little-endian.
  fileprivate init?(former bytes: [UInt8]) {
    guard bytes.count == 48 || bytes.count == 88 else { return nil }
    func number(_ index: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[index * 8 + $1]) << (8 * UInt64($1)) }
    }
    func stamp(_ start: Int) -> FileStamp {
      FileStamp(
        device: number(start), inode: number(start + 1), size: Int64(bitPattern: number(start + 2)),
        modified: Int64(bitPattern: number(start + 3)), changed: Int64(bitPattern: number(start + 4)))
    }
    self.init(prompt: stamp(1), list: bytes.count == 88 ? stamp(6) : nil, inputs: number(0))
  }
}
