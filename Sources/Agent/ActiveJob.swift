import JobCore

/// A request that is ready to be sent, with the leave for that.
struct ReadyRequest {
  let request: SubmitRequest
  let ticket: Ticket
  /// When its file was looked at for the last time, monotonic.
  let lookedAt: Duration
}

/// A job that is being worked on, as the pipeline has it in hand.
final class ActiveJob {
  /// The job. Its slots are entered with `enter` alone.
  var job: Job
  // Which slot each task is of, for all jobs in hand, and the tasks there of this one.
  private let tasks: TaskIndex
  private var ownTasks: [String] = []
  /// Slots of it that are under way.
  private(set) var running: [SlotKey] = []
  /// Requests that are ready to be sent.
  var requests = SlotMap<ReadyRequest>()
  /// When its sidecar was compared with the journal, monotonic; nil: not since it is in hand. An older journal must not
  /// overwrite what only the sidecar tells.
  var comparedAt: Duration?
  /// When its sidecar was last written, monotonic.
  var sidecarWrittenAt: Duration?
  /// Whether its sidecar says less than is known.
  var sidecarIsStale = false
  /// Whether a delayed write of the sidecar is on the agenda.
  var sidecarIsDue = false
  /// Whether that write is to be synced: it is the second copy of a task's id.
  var sidecarHasToLast = false

  /// How many have the job in hand besides its slots, see `JobTable.Lease`: while there is one, it stays in hand.
  var users = 0
  /// Whether its sidecar need not be compared before it is written. Until the first write a comparison is good for a moment
  /// only: others may write where nothing is heard of it.
  func isCompared(at now: Duration) -> Bool {
    guard let comparedAt else { return false }
    return sidecarWrittenAt != nil || now - comparedAt < JobTable.freshLife
  }

  /// Whether nobody needs it any more.
  var isIdle: Bool { running.isEmpty && !sidecarIsDue && users == 0 }

  /// One writer of the job's files at a time, see `JobTable`.
  let files = AsyncSemaphore(1)
  private var turns = SlotMap<AsyncSemaphore>()

  init(_ job: Job, _ tasks: TaskIndex) {
    (self.job, self.tasks) = (job, tasks)
    for slot in job.slots.values { enterTasks(of: slot) }
  }

  /// The slot is under way.
  func begin(_ slot: SlotKey) {
    if !running.contains(slot) { running.append(slot) }
  }

  /// It is not any more.
  func end(_ slot: SlotKey) {
    if let place = running.firstIndex(of: slot) { running.remove(at: place) }
  }

  /// The slot is this now.
  func enter(_ slot: Slot) {
    job.slots[slot.key] = slot
    enterTasks(of: slot)
  }

  // Once entered, a task stays the slot's as long as the job is in hand.
  private func enterTasks(of slot: Slot) {
    for place in slot.attempts.indices {
      // Entered with the step that brought it, and with none of those that follow.
      guard let task = slot.attempts[place].taskID, !ownTasks.contains(task) else { continue }
      if tasks.enter(task, of: slot.key) { ownTasks.append(task) }
    }
  }

  /// Nobody has it in hand any more.
  func leaves() {
    for task in ownTasks { tasks.remove(task) }
    ownTasks = []
  }

  /// The journal has more of the job than is in hand: that is taken over.
  func bringUpToDate(with fresh: Job) {
    for (number, revision) in fresh.revisions { job.revisions[number] = revision }
    // Slots under way are newer in hand than in the journal.
    for (key, slot) in fresh.slots where !running.contains(key) { enter(slot) }
    (job.current, job.latest, job.stamp) = (fresh.current, fresh.latest, fresh.stamp)
    for output in fresh.outputs where !job.outputs.contains(where: { $0.file == output.file }) {
      job.setOutput(output)
    }
    (job.note, job.inputsChanged) = (fresh.note, fresh.inputsChanged)
  }

  /// One event of a slot at a time, see `JobTable`.
  func turn(of slot: SlotKey) -> AsyncSemaphore {
    if let turn = turns[slot] { return turn }
    let turn = AsyncSemaphore(1)
    turns[slot] = turn
    return turn
  }
}

/// Values by the slots of one job. Nearly every job has one slot: looking through a few costs less than hashing one, and one
/// needs no table.
struct SlotMap<Value> {
  private var entries: [(slot: SlotKey, value: Value)] = []

  subscript(slot: SlotKey) -> Value? {
    get { entries.first { $0.slot == slot }?.value }
    set {
      let place = entries.firstIndex { $0.slot == slot }
      switch (place, newValue) {
      case (let place?, let value?): entries[place].value = value
      case (let place?, nil): entries.remove(at: place)
      case (nil, let value?): entries.append((slot, value))
      case (nil, nil): break
      }
    }
  }

  /// Takes the slot's value away.
  mutating func take(_ slot: SlotKey) -> Value? {
    guard let place = entries.firstIndex(where: { $0.slot == slot }) else { return nil }
    return entries.remove(at: place).value
  }
}
