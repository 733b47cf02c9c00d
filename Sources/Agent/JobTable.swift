import JobCore

/// The jobs in hand, and which of their slots are under way. All who work on a job have the same `ActiveJob`, and with it
/// the same locks and the same state: two of one job would be two writers of its sidecar, of which the slower one wins.
final class JobTable {
  private let journal: any JobJournal
  private var active: [JobID: ActiveJob] = [:]
  // Jobs whose turn is soon, so that it needs no look into the journal. `takenAt`: when they were taken, and compared with
  // their sidecars; nil where they were read from the journal, or written since.
  private var soon: [JobID: Soon] = [:]
  private var loading: [JobID: Load] = [:]
  private var running: Set<SlotKey> = []
  // Those of them whose pictures are late: they wait for a host, and take no place at the service.
  private var late: Set<SlotKey> = []
  // Slots that are being submitted, until what the answer led to is written down; and who waits for that.
  private var posting: [SlotKey: [CheckedContinuation<Void, Never>]] = [:]
  private var claims = TaskClaims()
  private let tasks = TaskIndex()

  // A reference, so that the job, with all that is in it, is not copied for each look.
  private final class Soon {
    var job: Job
    let takenAt: Duration?

    init(_ job: Job, _ takenAt: Duration?) { (self.job, self.takenAt) = (job, takenAt) }
  }

  // A job that is being read from the journal: how many read it, and how often it was changed while they did.
  private struct Load {
    var readers = 0
    var changes = 0
  }

  /// For so long after it was taken a job's file and sidecar need not be looked at again. Where changes of other machines
  /// are not heard of, a longer time would overlook what another agent has paid for.
  static let freshLife: Duration = .seconds(1)

  init(_ journal: any JobJournal) { self.journal = journal }

  // MARK: jobs

  /// Has a job in hand, until its end.
  struct Lease: ~Copyable {
    let job: ActiveJob
    private let table: JobTable

    fileprivate init(_ job: ActiveJob, _ table: JobTable) {
      (self.job, self.table) = (job, table)
      job.users += 1
    }

    /// Ends it before the end of its scope.
    consuming func release() {}

    deinit { table.leave(job) }
  }

  /// Has something of a job that only one has at a time, and the job in hand.
  struct Lock: ~Copyable {
    private let permit: AsyncSemaphore.Permit
    private let lease: Lease

    fileprivate init(_ permit: consuming AsyncSemaphore.Permit, _ lease: consuming Lease) {
      self.permit = permit
      self.lease = lease
    }

    /// Gives it back before the end of its scope.
    consuming func release() {}
  }

  /// The job, if it is in hand.
  subscript(_ id: JobID) -> ActiveJob? { active[id] }

  /// All that are in hand.
  var inHand: [ActiveJob] { Array(active.values) }

  /// The job as it is in hand, or as the journal has it.
  func peek(_ id: JobID) async throws -> Job? {
    if let entry = active[id] { return entry.job }
    return try await journal.jobs([id])[0]
  }

  /// Has a job in hand. Nil: the journal does not know it.
  func lease(_ id: JobID) async throws -> Lease? {
    while true {
      if let lease = leaseInHand(id) { return lease }
      if let soon = soon.removeValue(forKey: id) { return register(soon.job, comparedAt: soon.takenAt) }
      let (loaded, isCurrent) = try await load(id)
      // Somebody else may have it in hand by now, or it has changed under the reading.
      guard active[id] == nil, isCurrent else { continue }
      guard let loaded else { return nil }
      return register(loaded, comparedAt: nil)
    }
  }

  /// Has a job in hand that is so already.
  func leaseInHand(_ id: JobID) -> Lease? {
    guard let entry = active[id] else { return nil }
    if !soon.isEmpty { soon[id] = nil }
    return Lease(entry, self)
  }

  private func register(_ job: Job, comparedAt: Duration?) -> Lease {
    let entry = ActiveJob(job, tasks)
    entry.comparedAt = comparedAt
    active[job.id] = entry
    return Lease(entry, self)
  }

  private func leave(_ entry: ActiveJob) {
    entry.users -= 1
    guard entry.isIdle, active[entry.job.id] === entry else { return }
    active[entry.job.id] = nil
    entry.leaves()
  }

  // Reads a job, and says whether nothing of it was changed meanwhile: who is not in hand is not kept up to date.
  private func load(_ id: JobID) async throws -> (job: Job?, isCurrent: Bool) {
    try await load([id])[0]
  }

  private func load(_ ids: [JobID]) async throws -> [(job: Job?, isCurrent: Bool)] {
    let before = ids.map { id in
      loading[id, default: Load()].readers += 1
      return loading[id]?.changes
    }
    defer {
      for id in ids {
        loading[id]?.readers -= 1
        if loading[id]?.readers == 0 { loading[id] = nil }
      }
    }
    let jobs = try await journal.jobs(ids)
    return zip(ids, zip(jobs, before)).map { id, found in (found.0, loading[id]?.changes == found.1) }
  }

  /// Changes are in the journal: whoever is reading their jobs reads them once more, and so does who was about to.
  func journalHas(_ changes: [JournalChange]) {
    if loading.isEmpty, soon.isEmpty { return }
    for change in changes {
      if !loading.isEmpty {
        if let id = change.job {
          loading[id]?.changes += 1
        } else {
          for id in loading.keys { loading[id]?.changes += 1 }
        }
      }
      guard !soon.isEmpty else { continue }
      switch change.unannounced {
      // One that was new to the journal is what is remembered of it.
      case .take(let take) where take.expected == nil: break
      // See `seen`.
      case .seen(let id, stamp: _, inputsChanged: _) where isTaken(id): break
      // Its turn would come with the former name.
      case .renamed(let id, from: _, to: _, displaced: _):
        soon[id] = nil
        soon = soon.filter { $0.value.takenAt != nil }
      case .renamedFolder, .clockSet, .undelay: soon = soon.filter { $0.value.takenAt != nil }
      case let other: if let id = other.job { soon[id] = nil }
      }
    }
  }

  /// Has the job's files: one writer of them at a time, because its slots run side by side.
  func lockFiles(of entry: ActiveJob) async -> Lock {
    let lease = Lease(entry, self)
    if let permit = entry.files.tryAcquire() { return Lock(permit, lease) }
    return Lock(await entry.files.acquire(), lease)
  }

  /// Has the slot: one event of it at a time.
  func lock(_ slot: SlotKey, of entry: ActiveJob) async -> Lock {
    let lease = Lease(entry, self)
    let turn = entry.turn(of: slot)
    if let permit = turn.tryAcquire() { return Lock(permit, lease) }
    return Lock(await turn.acquire(), lease)
  }

  // MARK: jobs whose turn is soon

  /// Whether the job is remembered since it was taken, and nobody had it in hand since.
  func isTaken(_ id: JobID) -> Bool { soon[id]?.takenAt != nil }

  /// The same, and that was a moment ago.
  func isJustTaken(_ id: JobID, at now: Duration) -> Bool {
    guard let takenAt = soon[id]?.takenAt else { return false }
    return now - takenAt < Self.freshLife
  }

  /// The turn of the job is soon. `takenAt`: it was just taken, at this moment; nil: it was not.
  func remember(_ job: Job, takenAt: Duration?) {
    if active[job.id] == nil { soon[job.id] = Soon(job, takenAt) }
  }

  /// The turn of these jobs is soon: they are read together.
  func prepare(_ ids: [JobID]) async throws {
    let missing = Set(ids).filter { active[$0] == nil && soon[$0] == nil }
    if missing.isEmpty { return }
    for case (let job?, isCurrent: true) in try await load(Array(missing))
    where active[job.id] == nil && soon[job.id] == nil {
      soon[job.id] = Soon(job, nil)
    }
  }

  /// The journal has more of the job than was just taken, or its turn is not soon.
  func forget(_ id: JobID) { soon[id] = nil }

  /// The same for all.
  func forgetAll() { soon = [:] }

  /// What was taken was looked at again, and this is how it stands.
  func seen(_ id: JobID, _ stamp: TakenStamp) {
    active[id]?.job.note = nil
    active[id]?.job.stamp = stamp
    soon[id]?.job.note = nil
    soon[id]?.job.stamp = stamp
  }

  // MARK: slots that are under way

  /// All of them.
  var underWay: Set<SlotKey> { running }
  /// Whether none is.
  var isIdle: Bool { running.isEmpty }
  /// How many take a place at the service.
  var atService: Int { running.count - late.count }

  func isRunning(_ key: SlotKey) -> Bool { running.contains(key) }

  /// The slot, where its job is in hand.
  func slot(_ key: SlotKey) -> Slot? { active[key.job]?.job.slots[key] }

  /// Takes the slot for somebody who then activates it. False: somebody else has it.
  func claim(_ key: SlotKey) -> Bool { running.insert(key).inserted }

  /// Nothing came of a claim.
  func unclaim(_ key: SlotKey) { running.remove(key) }

  /// Has the slot's job in hand and the slot under way; false where the journal does not know it.
  func activate(_ key: SlotKey) async throws -> Bool {
    guard let lease = try await lease(key.job) else { return false }
    let entry = lease.job
    if entry.job.slots[key] == nil {
      let slots = try await journal.slots(of: key.job, revision: key.revision)
      guard let slot = slots.first(where: { $0.key == key }) else { return false }
      if entry.job.slots[key] == nil { entry.enter(slot) }
    }
    entry.begin(key)
    running.insert(key)
    setLate(key, entry.job.slots[key]?.state.isLate == true)
    lease.release()
    return true
  }

  /// The same for somebody who wants to make something of a slot that nobody has under way: it is theirs before anything
  /// is waited for. False: somebody else has it, or the journal does not know it.
  func reserve(_ key: SlotKey) async throws -> Bool {
    guard claim(key) else { return false }
    guard try await activate(key) else {
      unclaim(key)
      return false
    }
    return true
  }

  /// Whether the slot's picture is late may have changed.
  func setLate(_ key: SlotKey, _ isLate: Bool) {
    if isLate, running.contains(key) {
      late.insert(key)
    } else if !late.isEmpty {
      late.remove(key)
    }
  }

  /// The slot is no longer under way.
  func leave(_ key: SlotKey) {
    running.remove(key)
    if !late.isEmpty { late.remove(key) }
    guard let lease = leaseInHand(key.job) else { return }
    lease.job.end(key)
    lease.release()
  }

  // MARK: slots that are being submitted

  /// Whether any is, with its intent written down.
  var isPosting: Bool { posting.keys.contains { slot($0)?.state.name != .queued } }

  /// It is being submitted from now on.
  func beginPost(_ key: SlotKey) { posting[key] = posting[key] ?? [] }

  /// What its answer led to is written down. Whether it was being submitted.
  func endPost(_ key: SlotKey) -> Bool {
    guard let waiting = posting.removeValue(forKey: key) else { return false }
    claims.release(key)
    for continuation in waiting { continuation.resume() }
    return true
  }

  /// The slot, of those whose jobs are in hand, that has this task, or had it in an earlier attempt.
  func slot(withTask taskID: String) -> SlotKey? { tasks[taskID] }

  /// The answer to the slot's POST named this task, which is not written down yet. The other slot whose answer did.
  func claimTask(_ taskID: String, for key: SlotKey) -> SlotKey? { claims.claim(taskID, for: key) }

  /// Returns once the answer of a POST that has come is written down. A POST that is still under way is not waited for.
  func answerIsWritten(_ key: SlotKey, isolation: isolated (any Actor)? = #isolation) async {
    while posting[key] != nil, active[key.job]?.requests[key] == nil {
      await withCheckedContinuation { posting[key, default: []].append($0) }
    }
  }
}

extension JournalChange {
  /// The job that it is about; nil where it is about none or several.
  var job: JobID? {
    switch self {
    case .take(let take): take.job
    case .move(let slot, from: _, outputs: _), .surplus(let slot): slot.key.job
    case .makeCurrent(let job, revision: _, expected: _, count: _, newSlots: _, stamp: _): job
    case .note(let job, file: _, _, stamp: _, at: _): job
    case .seen(let job, stamp: _, inputsChanged: _): job
    case .forget(let job), .refresh(let job, _), .arrived(let job): job
    case .announced(let change, _): change.job
    case .renamed, .renamedFolder, .outputs, .clockSet, .undelay, .delivered: nil
    case .shared, .charge, .chargeReported, .release, .expectCallback, .evidence, .weighed: nil
    }
  }
}
