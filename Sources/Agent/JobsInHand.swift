import JobCore

// Which jobs are in hand. All who work on a job have the same `ActiveJob`, and with it the same locks and the same state:
// two of one job would be two writers of its sidecar, of which the slower one wins.
extension Pipeline {
  /// Has a job in hand while `body` works on it. Nil: the journal does not know it.
  @discardableResult
  func withJob<T>(_ id: JobID, _ body: (ActiveJob) async throws -> T) async throws -> T? {
    guard let entry = try await enter(id) else { return nil }
    defer {
      entry.leave()
      forgetIfIdle(entry)
    }
    return try await body(entry)
  }

  // The caller leaves it later.
  private func enter(_ id: JobID) async throws -> ActiveJob? {
    while true {
      if let entry = active[id] {
        recent[id] = nil
        entry.enter()
        return entry
      }
      // One that was just taken was compared with its sidecar then.
      if let taken = recent.removeValue(forKey: id) { return register(taken, isCompared: true) }
      let (loaded, isCurrent) = try await load(id)
      // Somebody else may have it in hand by now, or it has changed under the reading.
      guard active[id] == nil, isCurrent else { continue }
      guard let loaded else { return nil }
      return register(loaded, isCompared: false)
    }
  }

  private func register(_ job: Job, isCompared: Bool) -> ActiveJob {
    let entry = ActiveJob(job)
    entry.isCompared = isCompared
    entry.enter()
    active[job.id] = entry
    return entry
  }

  // Reads a job, and says whether nothing of it was changed meanwhile: who is not in hand is not kept up to date.
  private func load(_ id: JobID) async throws -> (job: Job?, isCurrent: Bool) {
    loading[id, default: JobLoad()].readers += 1
    let before = loading[id]?.changes
    defer {
      loading[id]?.readers -= 1
      if loading[id]?.readers == 0 { loading[id] = nil }
    }
    let job = try await journal.jobs([id])[0]
    return (job, loading[id]?.changes == before)
  }

  /// Changes are in the journal: whoever is reading their jobs reads them once more.
  func noteChanged(_ changes: [JournalChange]) {
    guard !loading.isEmpty else { return }
    for change in changes {
      if let id = change.job {
        loading[id]?.changes += 1
      } else {
        for id in loading.keys { loading[id]?.changes += 1 }
      }
    }
  }

  /// Has the slot's job in hand and the slot under way; false where the journal does not know it.
  func activate(_ key: SlotKey) async throws -> Bool {
    try await withJob(key.job) { entry in
      if entry.job.slots[key] == nil {
        let slots = try await journal.slots(of: key.job, revision: key.revision)
        guard let slot = slots.first(where: { $0.key == key }) else { return false }
        entry.job.slots[key] = entry.job.slots[key] ?? slot
      }
      entry.running.insert(key)
      running.insert(key)
      if entry.job.slots[key]?.state.isLate == true { lateRunning.insert(key) }
      return true
    } ?? false
  }

  /// The same for somebody who wants to make something of a slot that nobody has under way: it is theirs before anything
  /// is waited for. False: somebody else has it, or the journal does not know it.
  func reserve(_ key: SlotKey) async throws -> Bool {
    guard running.insert(key).inserted else { return false }
    guard try await activate(key) else {
      running.remove(key)
      return false
    }
    return true
  }

  /// Nothing came of having the slot in hand: one that was waiting for its turn still is.
  func letBe(_ key: SlotKey) {
    guard !isFollowed(key) else { return }
    let isQueued = active[key.job]?.job.slots[key]?.state.name == .queued
    leave(key)
    if isQueued { requeued(notBefore: nil) }
  }

  /// Whether somebody made a task of the slot, or is about to, and follows that: it stays under way.
  func isFollowed(_ key: SlotKey) -> Bool {
    guard let state = active[key.job]?.job.slots[key]?.state.name else { return false }
    return state != .queued && !state.isSettled
  }

  /// The slot is no longer under way.
  func leave(_ key: SlotKey) {
    running.remove(key)
    lateRunning.remove(key)
    liftWhenIdle()
    guard let entry = active[key.job] else { return }
    dropRequest(key, entry)
    entry.running.remove(key)
    forgetIfIdle(entry)
  }

  /// Who was last to need the job calls this.
  func forgetIfIdle(_ entry: ActiveJob) {
    if entry.isIdle, active[entry.job.id] === entry { active[entry.job.id] = nil }
  }
}

/// A job that is being read from the journal.
struct JobLoad {
  /// How many read it.
  var readers = 0
  /// How often it was changed while they did.
  var changes = 0
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
    case .renamed, .renamedFolder, .outputs, .clockSet, .undelay: nil
    case .shared, .charge, .chargeTold, .release, .expectCallback, .evidence, .weighed: nil
    }
  }
}
