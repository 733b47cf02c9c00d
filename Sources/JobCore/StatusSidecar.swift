/// The status sidecar, `NAME.status.json`: what promptdrop says of a prompt, beside the prompt. Schema
/// `promptdrop.status/1`. It is the journal's second copy; on reading it is untrusted input, and unknown keys are
/// ignored.
public struct StatusSidecar: Hashable, Sendable {
  /// The value of `schema`.
  public static let schemaName = "promptdrop.status/1"

  /// One submission, with the picture and revision that it was for.
  public struct AttemptEntry: Hashable, Sendable {
    /// The revision.
    public var revision: Int
    /// Which of its pictures, from 1.
    public var slot: Int
    /// The attempt.
    public var attempt: Attempt
  }
  /// One picture in place.
  public struct OutputEntry: Hashable, Codable, Sendable {
    /// Its name, in the same folder.
    public var file: String
    /// The revision that it was made for.
    public var revision: Int
    /// Which of the revision's pictures paid for it, from 1.
    public var slot: Int
    /// SHA-256 of its bytes, hexadecimal.
    public var sha256: String
    /// In bytes.
    public var bytes: Int
    /// In pixels.
    public var width: Int, height: Int
    /// `image/png`, …
    public var mediaType: String
    /// What is wrong with it; nil for a whole picture.
    public var warning: String?
    enum CodingKeys: String, CodingKey {
      case file, revision, slot, sha256, bytes, width, height, warning
      case mediaType = "media_type"
    }
  }

  /// The file's state.
  public let state: StateName
  /// Why it is in that state, a stable word; nil where the state says it all.
  public let reason: String?
  /// The prompt's name, in the same folder.
  public let source: String
  /// The job's id.
  public var jobID: String
  /// The current revision, from 1; 0 while nothing was taken.
  public let revision: Int
  /// `owner` of the folder's defaults, else the id of the agent that wrote this: whose agent takes the folder's prompts.
  /// Earlier versions wrote a word for the machine in the id's place.
  public let owner: String?
  /// The current revision's hashes; nil while nothing was taken.
  public let identity: Identity?
  /// What is sent; the prompt's own text is not repeated. Nil while nothing was taken.
  public var snapshot: Snapshot?
  /// How many pictures.
  public let count: Int
  /// Every submission of the current revision, and those of earlier ones that are still open.
  public var attempts: [AttemptEntry]
  /// Every picture in place, of all revisions.
  public let outputs: [OutputEntry]
  /// Where pictures are that are paid for and could not be fetched, as far as everybody may know: without the query, which
  /// may open them.
  public let resultURLs: [String]
  /// The service's own word for the task's state.
  public let serviceStatus: String?
  /// Credits used, decimal.
  public let consumed: String?
  /// Whether two tasks are known for one attempt.
  public let mayHaveBeenPaidTwice: Bool
  /// Whether a reference file or a default has changed since the revision was taken.
  public let inputsChanged: Bool
  /// What went wrong.
  public var error: JobError?
  /// When promptdrop tries again.
  public let nextAttemptAt: Timestamp?
  /// When the file was first seen.
  public let createdAt: Timestamp
  /// When this was written.
  public let updatedAt: Timestamp
  /// When the service accepted the (last) submission.
  public let submittedAt: Timestamp?
  /// The program's version.
  public let agentVersion: String
  /// The machine's name.
  public let agentHost: String
  /// Which agent wrote it; nil in those of earlier versions.
  public let writer: SidecarWriter?

  /// Whether these bytes are a sidecar of promptdrop's: the schema's name stands at the head of every one.
  public static func isOurs(_ bytes: [UInt8]) -> Bool { Array(bytes.prefix(160)).contains(schemaMark) }
  private static let schemaMark = Array("\"\(schemaName)\"".utf8)

  /// Whether these bytes are what `encoded` makes of a job that is done: the state follows the schema's name.
  public static func isOfDone(_ bytes: [UInt8]) -> Bool { bytes.starts(with: doneHead) }
  private static let doneHead = Array("{\n  \"schema\": \"\(schemaName)\",\n  \"state\": \"done\"".utf8)
}

extension StatusSidecar {
  /// Describes a job. `service`: what is wrong with the service as a whole; it shows in jobs that are on their way.
  /// `writer`: who owns it where its folder names nobody.
  public init(
    of job: Job, now: Timestamp, agentVersion: String, agentHost: String, writer: SidecarWriter? = nil,
    service: JobError? = nil
  ) {
    let slots = job.currentSlots
    let revision = job.revisions[job.current]
    let jobState = job.state
    state = jobState
    let leading = slots.first { $0.state.name == jobState } ?? slots.first
    error = job.note?.error ?? leading?.state.error
    if error == nil, state == .submitted || state == .fetching { error = service }
    switch leading?.state {
    case _ where job.note != nil: reason = job.note?.error.code.rawValue
    case .held(let held)?: reason = held.reason.rawValue
    case .cancelled(let why)?: reason = why.rawValue
    case .queued(let queued)?: reason = queued.error?.code.rawValue
    case .failed(let error)?: reason = error.code.rawValue
    case .submitted(let task)? where task.late != nil: reason = task.late?.error.code.rawValue
    default: reason = job.inputsChanged ? "inputs-changed" : nil
    }
    source = DropPath.display(job.file.path.name)
    jobID = job.id.text
    self.revision = job.current
    owner = revision?.snapshot.owner ?? writer?.id
    identity = revision?.identity
    snapshot = revision?.snapshot
    count = revision?.count ?? 0
    attempts = Self.attempts(of: job, slots)
    outputs = job.outputs.isEmpty ? [] : Self.outputs(of: job)
    var urls: [String] = []
    for slot in slots {
      if case .held(let held) = slot.state { urls += held.task?.late?.urls.map(ResultURL.shown) ?? [] }
    }
    resultURLs = urls
    serviceStatus = slots.last { $0.serviceStatus != nil }?.serviceStatus
    consumed = DecimalText.sum(slots.compactMap { $0.consumed })
    mayHaveBeenPaidTwice = job.mayHaveBeenPaidTwice
    inputsChanged = job.inputsChanged
    switch leading?.state {
    case .queued(let queued)? where job.note == nil: nextAttemptAt = queued.notBefore
    case .fetching(let fetching)? where job.note == nil: nextAttemptAt = fetching.notBefore
    case let state? where job.note == nil: nextAttemptAt = state.nextLateTry
    default: nextAttemptAt = nil
    }
    createdAt = job.createdAt
    updatedAt = now
    var accepted: Timestamp?
    for slot in slots {
      guard let moment = slot.attempts.last(where: { $0.outcome == .accepted })?.endedAt else { continue }
      accepted = max(accepted ?? moment, moment)
    }
    submittedAt = accepted
    self.agentVersion = agentVersion
    self.agentHost = agentHost
    self.writer = writer
  }

  // Of the current revision, and of earlier ones what is still open.
  private static func attempts(of job: Job, _ current: [Slot]) -> [AttemptEntry] {
    var shown = current
    // There are others only while an earlier revision is under way.
    if job.slots.count != current.count {
      shown = job.slots.values
        .filter { $0.key.revision == job.current || !$0.state.name.isSettled || $0.state.name == .held }
        .sorted { ($0.key.revision, $0.key.number) < ($1.key.revision, $1.key.number) }
    }
    var entries: [AttemptEntry] = []
    for slot in shown {
      for attempt in slot.attempts {
        entries.append(AttemptEntry(revision: slot.key.revision, slot: slot.key.number, attempt: attempt))
      }
    }
    return entries
  }

  private static func outputs(of job: Job) -> [OutputEntry] {
    // A picture of a task that is not all in place yet does not stand for the whole: who reads this after a lost journal
    // takes a listed slot for finished.
    job.outputs.filter { $0.isInPlace && job.slots[$0.slot]?.state.name.isSettled != false }
      .sorted { ($0.slot.revision, $0.number) < ($1.slot.revision, $1.number) }
      .map {
        OutputEntry(
          file: DropPath.display($0.file), revision: $0.slot.revision, slot: $0.slot.number, sha256: $0.sha256,
          bytes: $0.bytes, width: $0.image.width, height: $0.image.height, mediaType: $0.image.format.mediaType,
          warning: $0.warning)
      }
  }

  /// The task id of a slot's last accepted attempt, as the sidecar tells it.
  public func taskID(slot: Int) -> String? {
    attempts.last { $0.revision == revision && $0.slot == slot && $0.attempt.outcome == .accepted }?.attempt.taskID
  }
}
