import FoundationEssentials
import GRDB
import JobCore

// How values are kept in columns. Written with JobCore's writer (it is on the path of every job), read with Codable.

extension Slot {
  /// The JSON of `slot.detail`: what the state's word does not say.
  var detail: String {
    var writer = JSONWriter()
    writer.object { w in
      switch state {
      case .queued(let queued):
        w.why(queued.error)
        w.moment(queued.notBefore)
        if let blame = queued.blame { w.field("blame", blame.rawValue) }
      case .submitted(let task): w.task(task)
      case .fetching(let fetching):
        w.task(fetching.task)
        w.why(fetching.error)
        w.moment(fetching.notBefore)
        w.key("results")
        w.array(fetching.results) { $0.result($1) }
      case .failed(let error): w.why(error)
      case .held(let held):
        w.field("reason", held.reason.rawValue)
        w.why(held.error)
        if let task = held.task { w.task(task) }
      case .cancelled(let reason): w.field("reason", reason.rawValue)
      case .submitting, .done: break
      }
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Not before, in milliseconds since 1970; nil: whenever its turn comes.
  var dueAt: Int64? {
    switch state {
    case .queued(let queued): queued.notBefore?.milliseconds
    case .fetching(let fetching): fetching.notBefore?.milliseconds
    case .held, .submitted: state.nextLateTry?.milliseconds
    default: nil
    }
  }

  /// When the last attempt began or ended, in milliseconds since 1970.
  var changedAt: Int64? { attempts.last.map { ($0.endedAt ?? $0.startedAt).milliseconds } }

  /// The task that the slot follows, or followed last.
  var taskID: String? { state.task?.taskID ?? attempts.last { $0.taskID != nil }?.taskID }

  var attemptsJSON: String {
    var writer = JSONWriter()
    writer.array(attempts) { w, attempt in
      w.object { $0.fields(of: attempt) }
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Reads a row of `slot`. Throws what is wrong with it.
  init(row: Row) throws {
    let key = SlotKey(job: JobID(row["job"]), revision: row["revision"], number: row["number"])
    let name: String = row["state"]
    guard let word = StateName(rawValue: name) else { throw Unreadable(what: "slot state \(name)") }
    let detail: Detail = try decode(row["detail"])
    let attempts: String = row["attempts"]
    self.init(
      key: key, state: try detail.state(word),
      attempts: attempts == "[]" ? [] : try decode(attempts), failures: row["failures"],
      serviceStatus: row["service_status"], consumed: row["consumed"])
  }
}

private struct Detail: Decodable {
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

  func state(_ word: StateName) throws -> SlotState {
    let notBefore = not_before.map { Timestamp(milliseconds: $0) }
    func need<T>(_ value: T?) throws -> T {
      guard let value else { throw Unreadable(what: "detail of a \(word) slot") }
      return value
    }
    switch word {
    case .queued:
      // A word of a later version: it is tried at its time, as if nothing were known of it.
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

/// A row that this version cannot read.
struct Unreadable: Error, CustomStringConvertible {
  let what: String
  var description: String { "the journal has an unreadable \(what)" }
}

func decode<T: Decodable>(_ text: String) throws -> T {
  try JSONDecoder().decode(T.self, from: Data(text.utf8))
}

func encode(_ snapshot: Snapshot) throws -> String {
  String(decoding: try JSONEncoder().encode(snapshot), as: UTF8.self)
}

func encode(_ note: FileNote) throws -> String {
  String(decoding: try JSONEncoder().encode(note), as: UTF8.self)
}

extension JSONWriter {
  fileprivate mutating func why(_ error: JobError?) {
    guard let error else { return }
    key("error")
    self.error(error)
  }

  fileprivate mutating func moment(_ moment: Timestamp?) {
    guard let moment else { return }
    key("not_before")
    integer(moment.milliseconds)
  }

  fileprivate mutating func task(_ task: TaskRef) {
    key("task")
    object { w in
      w.field("id", task.taskID)
      w.key("accepted")
      w.integer(task.acceptedAt.milliseconds)
      w.key("refreshes")
      w.integer(task.refreshes)
      if let late = task.late { w.late(late) }
      guard !task.damage.isEmpty else { return }
      w.key("damage")
      w.array(task.damage) { w, damage in
        w.object { w in
          w.key("part")
          w.integer(damage.part)
          w.field("sha256", damage.sha256)
          w.key("first")
          w.integer(damage.firstSeen.milliseconds)
        }
      }
    }
  }

  private mutating func late(_ late: Late) {
    key("late")
    object { w in
      w.field("cause", late.cause.rawValue)
      w.key("waited")
      w.integer(late.waited.milliseconds)
      w.key("pause")
      w.integer(late.pause.milliseconds)
      if let next = late.next {
        w.key("next")
        w.integer(next.milliseconds)
      }
      w.why(late.error)
      w.key("urls")
      w.array(late.urls) { $0.string($1) }
    }
  }

  // An inline image is not kept: it can have megabytes, and a query brings it again.
  fileprivate mutating func result(_ item: ResultItem) {
    object { w in
      switch item {
      case .url(let url): w.field("url", url)
      case .text(let text): w.field("text", text)
      case .inline, .inlineElsewhere: break
      }
    }
  }
}

extension TakenStamp {
  /// The fingerprint, then five numbers for the prompt and five for the list: of eight bytes each, little-endian.
  var blob: Data {
    var data = Data(capacity: 88)
    withUnsafeBytes(of: inputs.littleEndian) { data.append(contentsOf: $0) }
    for stamp in [prompt, list].compactMap({ $0 }) {
      for number in [
        stamp.device, stamp.inode, UInt64(bitPattern: stamp.size), UInt64(bitPattern: stamp.modified),
        UInt64(bitPattern: stamp.changed),
      ] {
        withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
      }
    }
    return data
  }

  init?(blob: Data?) {
    guard let blob, blob.count == 48 || blob.count == 88 else { return nil }
    let bytes = Array(blob)
    func number(_ index: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[index * 8 + $1]) << (8 * UInt64($1)) }
    }
    func stamp(_ start: Int) -> FileStamp {
      FileStamp(
        device: number(start), inode: number(start + 1), size: Int64(bitPattern: number(start + 2)),
        modified: Int64(bitPattern: number(start + 3)), changed: Int64(bitPattern: number(start + 4)))
    }
    self.init(prompt: stamp(1), list: blob.count == 88 ? stamp(6) : nil, inputs: number(0))
  }
}
