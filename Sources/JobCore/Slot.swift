/// One paid picture: the unit of the state machine and of the bill.
public struct Slot: Hashable, Sendable {
  @usableFromInline
  struct Fields: Hashable, Sendable {
    @usableFromInline let key: SlotKey
    @usableFromInline var state: SlotState
    @usableFromInline var attempts: [Attempt]
    @usableFromInline var failures: Int
    @usableFromInline var serviceStatus: String?
    @usableFromInline var consumed: String?

    @inlinable
    init(
      _ key: SlotKey, _ state: SlotState, _ attempts: [Attempt], _ failures: Int, _ serviceStatus: String?,
      _ consumed: String?
    ) {
      (self.key, self.state, self.attempts) = (key, state, attempts)
      (self.failures, self.serviceStatus, self.consumed) = (failures, serviceStatus, consumed)
    }
  }

  @usableFromInline var box: Boxed<Fields>

  /// Which picture.
  @inlinable public var key: SlotKey { box.value.key }
  /// Where it stands.
  @inlinable public var state: SlotState {
    _read { yield box.value.state }
    _modify { yield &box.value.state }
  }
  /// Every submission that was begun, oldest first.
  @inlinable public var attempts: [Attempt] {
    _read { yield box.value.attempts }
    _modify { yield &box.value.attempts }
  }
  /// Failures in a row of the present step, for the back-off.
  @inlinable public var failures: Int {
    get { box.value.failures }
    set { if newValue != box.value.failures { box.value.failures = newValue } }
  }
  /// The service's own word for the task's state, last seen.
  @inlinable public var serviceStatus: String? {
    _read { yield box.value.serviceStatus }
    _modify { yield &box.value.serviceStatus }
  }
  /// Credits used, the service's decimal string.
  @inlinable public var consumed: String? {
    _read { yield box.value.consumed }
    _modify { yield &box.value.consumed }
  }

  /// Makes a slot; a new one is queued.
  @inlinable
  public init(
    key: SlotKey, state: SlotState = .queued(Queued()), attempts: [Attempt] = [], failures: Int = 0,
    serviceStatus: String? = nil, consumed: String? = nil
  ) {
    box = Boxed(Fields(key, state, attempts, failures, serviceStatus, consumed))
  }
}

/// Where a slot stands. Each case says what is durable before it, who moves it on, and what a restart does. Indirect, because
/// the largest has some 300 bytes, and a state is looked at far more often than it changes.
public indirect enum SlotState: Hashable, Sendable {
  /// Durable before: the snapshot of the request. Moved on by: the scheduler, when limits and `notBefore` allow.
  /// A restart: nothing to do.
  case queued(Queued)
  /// Durable before: the intent, in the journal and then in the sidecar. Moved on by: the POST's outcome.
  /// A restart: back to the queue where a mark proves that not a byte was sent; else held, because the POST may have
  /// been accepted.
  case submitting
  /// Durable before: the task id. Moved on by: queries. A restart: queries at once.
  case submitted(TaskRef)
  /// Durable before: the list of results. Moved on by: fetching and publishing them. A restart: publishes what was
  /// fetched, fetches the rest.
  case fetching(Fetching)
  /// Durable before: every picture under its final name, and the sidecar that says so. Final.
  case done
  /// Durable before: the reason. Final until the text changes.
  case failed(JobError)
  /// Durable before: the reason. Moved on by: a person or new evidence; a picture that is late is tried on besides.
  case held(Held)
  /// Its source is gone, or was replaced before anything was sent, or a person gave it up. Final, but that what may
  /// have been paid for comes back when a callback proves that it was.
  case cancelled(CancelReason)
}

/// A slot that waits for its turn.
public struct Queued: Hashable, Sendable {
  /// Not before this moment; nil: at once.
  public var notBefore: Timestamp?
  /// Why it waits, when it is not only for its turn.
  public var error: JobError?
  /// Whose the refusal is that it waits with; nil: it was not refused, or no longer waits for that to show.
  public var blame: Blame?
  /// Makes one.
  public init(notBefore: Timestamp? = nil, error: JobError? = nil, blame: Blame? = nil) {
    self.notBefore = notBefore
    self.error = error
    self.blame = blame
  }
}

/// A task at the service.
public struct TaskRef: Hashable, Sendable {
  /// The service's id.
  public var taskID: String
  /// When it was accepted: the start of its deadline.
  public var acceptedAt: Timestamp
  /// How often its results had to be asked for anew.
  public var refreshes: Int
  /// Set while its picture is late.
  public var late: Late? {
    get { lateBox?.value }
    set { lateBox = newValue.map { Boxed($0) } }
  }
  /// Pictures of it that came damaged.
  public var damage: [Damage]
  // In a box: hardly a picture is late, and a task is handed on with each step of its slot.
  private var lateBox: Boxed<Late>?
  /// Makes one.
  public init(taskID: String, acceptedAt: Timestamp, refreshes: Int = 0, late: Late? = nil, damage: [Damage] = []) {
    self.taskID = taskID
    self.acceptedAt = acceptedAt
    self.refreshes = refreshes
    self.damage = damage
    lateBox = late.map { Boxed($0) }
  }

  /// Whether its picture is late.
  public var isLate: Bool { lateBox != nil }
}

/// Results that are being fetched.
public struct Fetching: Hashable, Sendable {
  /// The task that made them.
  public var task: TaskRef
  /// What it made, images only.
  public var results: [ResultItem]
  /// Why the last try failed.
  public var error: JobError?
  /// Not before this moment; nil: at once.
  public var notBefore: Timestamp?
  /// Makes one.
  public init(task: TaskRef, results: [ResultItem], error: JobError? = nil, notBefore: Timestamp? = nil) {
    self.task = task
    self.results = results
    self.error = error
    self.notBefore = notBefore
  }
}

/// A slot that a person or new evidence decides.
public struct Held: Hashable, Sendable {
  /// Why.
  public var reason: HeldReason
  /// The same for the user.
  public var error: JobError
  /// The task, where one is known.
  public var task: TaskRef?
  /// Makes one.
  public init(reason: HeldReason, error: JobError, task: TaskRef? = nil) {
    self.reason = reason
    self.error = error
    self.task = task
  }
}

/// Why a slot is held.
public enum HeldReason: String, Hashable, Codable, Sendable {
  /// A POST may have been accepted, and its answer was lost.
  case submissionOutcomeUnknown = "submission-outcome-unknown"
  /// Paid for and finished, but its picture cannot be had.
  case paidNotFetched = "paid-not-fetched"
  /// Accepted long ago and still not final.
  case deadlinePassed = "deadline-passed"
  /// Accepted, and now the service does not know it.
  case taskLost = "task-lost"
  /// More new prompts within a minute than the burst limit lets through.
  case burst
  /// The front matter says `hold: true`.
  case asked
  /// Its text changed so often that somebody, or something, has to say which is meant.
  case revisions = "too-many-revisions"
  /// Paid for and finished, but nothing in the service's answer could be taken for the picture.
  case paidNotUnderstood = "paid-not-understood"
  /// The service named one task for two submissions.
  case taskOfAnother = "task-of-another"
  /// A sync tool's conflict copy: a person says which is meant.
  case conflictCopy = "conflict-copy"
  /// A program has kept the file open for writing for too long to wait any further.
  case writerOpen = "writer-open"
  /// A file beside it looks like an image list or like folder defaults, and is not named like one.
  case controlFileUnclear = "control-file-unclear"
  /// Its image list or its folder's defaults are still empty: they have not arrived.
  case controlFileEmpty = "control-file-empty"
  /// What stands at the top of the text looks like front matter, and is not written like it.
  case frontMatterUnclear = "front-matter-unclear"
  /// An exclude pattern covered the file under the rules of an earlier version, and does not under the present ones.
  case excludeChanged = "exclude-changed"

  /// Whether nothing has been sent yet, so that a person's word is all that is missing.
  public var isBeforeSending: Bool { self == .burst || self == .asked || self == .revisions || isOfFile }

  /// Whether it is about a file that was not taken. Such a hold stands in the file's note; slots never have it.
  public var isOfFile: Bool {
    switch self {
    case .conflictCopy, .writerOpen, .controlFileUnclear, .controlFileEmpty, .frontMatterUnclear, .excludeChanged: true
    case .submissionOutcomeUnknown, .paidNotFetched, .deadlinePassed, .taskLost, .burst, .asked, .revisions,
      .paidNotUnderstood, .taskOfAnother:
      false
    }
  }
}

/// Why a slot was cancelled. But for `abandoned`, nothing was paid for it.
public enum CancelReason: String, Hashable, Codable, Sendable {
  /// The prompt was deleted before it was sent.
  case sourceGone = "source-gone"
  /// The prompt was changed before it was sent.
  case superseded
  /// A person gave it up. What it may have cost stays on the bill, and a late callback still brings its picture.
  case abandoned
}

extension SlotState {
  /// The state's word, in the sidecar and in the journal.
  public var name: StateName {
    switch self {
    case .queued: .queued
    case .submitting: .submitting
    case .submitted: .submitted
    case .fetching: .fetching
    case .done: .done
    case .failed: .failed
    case .held: .held
    case .cancelled: .cancelled
    }
  }

  /// What the user is shown about it, if anything went wrong.
  public var error: JobError? {
    switch self {
    case .queued(let queued): queued.error
    case .fetching(let fetching): fetching.error
    case .failed(let error): error
    case .held(let held): held.error
    case .submitted(let task): task.late?.error
    case .submitting, .done, .cancelled: nil
    }
  }

  /// The task, in the states that have one.
  public var task: TaskRef? {
    switch self {
    case .submitted(let task): task
    case .fetching(let fetching): fetching.task
    case .held(let held): held.task
    default: nil
    }
  }
}

/// The words for the states.
public enum StateName: String, Hashable, Codable, Sendable, CaseIterable {
  /// See `SlotState`.
  case queued, submitting, submitted, fetching, done, failed, held, cancelled

  /// Whether promptdrop has nothing left to do by itself.
  public var isSettled: Bool {
    switch self {
    case .done, .failed, .held, .cancelled: true
    case .queued, .submitting, .submitted, .fetching: false
    }
  }
}
