import JobCore

/// A job that is being worked on, as the pipeline has it in hand.
final class ActiveJob {
  var job: Job {
    didSet { taskIDs = Self.taskIDs(of: job) }
  }
  /// The tasks of all its attempts. Each answer is compared with those of all jobs in hand, which are looked for here only.
  private(set) var taskIDs: [String]
  /// Slots of it that are under way.
  var running: Set<SlotKey> = []
  /// Requests that are ready to be sent, each with the leave for that.
  var requests: [SlotKey: (request: SubmitRequest, ticket: Ticket)] = [:]
  /// Whether its sidecar was compared with the journal since it is in hand: an older journal must not overwrite what only
  /// the sidecar tells.
  var isCompared = false
  /// When its sidecar was last written, monotonic.
  var sidecarWrittenAt: Duration?
  /// Whether its sidecar says less than is known.
  var sidecarIsStale = false
  /// Whether a delayed write of the sidecar is on the agenda.
  var sidecarIsDue = false

  /// How many have the job in hand besides its slots, see `JobTable.Lease`: while there is one, it stays in hand.
  var users = 0
  /// Whether nobody needs it any more.
  var isIdle: Bool { running.isEmpty && !sidecarIsDue && users == 0 }

  /// One writer of the job's files at a time, see `JobTable`.
  let files = AsyncSemaphore(1)
  private var turns: [SlotKey: AsyncSemaphore] = [:]

  init(_ job: Job) {
    self.job = job
    taskIDs = Self.taskIDs(of: job)
  }

  private static func taskIDs(of job: Job) -> [String] {
    var found: [String] = []
    for slot in job.slots.values {
      for attempt in slot.attempts {
        if let id = attempt.taskID { found.append(id) }
      }
    }
    return found
  }

  /// The journal has more of the job than is in hand: that is taken over.
  func bringUpToDate(with fresh: Job) {
    for (number, revision) in fresh.revisions { job.revisions[number] = revision }
    // Slots under way are newer in hand than in the journal.
    for (key, slot) in fresh.slots where !running.contains(key) { job.slots[key] = slot }
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
