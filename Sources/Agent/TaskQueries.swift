import JobCore

/// Which tasks are asked for, and when: one query of a task at a time. Times are monotonic.
struct TaskQueries {
  private var due: [SlotKey: Duration] = [:]
  // Tasks that are being asked for, and whether to ask once more afterwards.
  private var asking: [SlotKey: Bool] = [:]
  // Tasks that a callback named since they were last asked for.
  private var calledBack: Set<SlotKey> = []
  // Tasks that are not asked for while the service takes no queries: since when.
  private var waiting: [SlotKey: Duration] = [:]

  /// A task is asked for then, and not at another time that was set before.
  mutating func set(_ slot: SlotKey, at moment: Duration) { due[slot] = moment }

  /// It is not asked for at the time that was set.
  mutating func unset(_ slot: SlotKey) { due[slot] = nil }

  /// The time has come. False: another time was set meanwhile.
  mutating func isDue(_ slot: SlotKey, _ moment: Duration) -> Bool {
    guard due[slot] == moment else { return false }
    due[slot] = nil
    return true
  }

  /// The task is being asked for from now on. False: it is already, and will be once more afterwards: what was asked
  /// before may be answered with what was so before.
  mutating func begin(_ slot: SlotKey) -> Bool {
    guard asking[slot] == nil else {
      asking[slot] = true
      return false
    }
    asking[slot] = false
    return true
  }

  /// It is not being asked for any more. Whether it is to be asked for once more.
  mutating func end(_ slot: SlotKey) -> Bool { asking.removeValue(forKey: slot) ?? false }

  /// A callback named the task.
  mutating func wasCalledBack(_ slot: SlotKey) { calledBack.insert(slot) }

  /// Whether a callback named it since it was last asked for; that is one reason to ask.
  mutating func takeCallback(_ slot: SlotKey) -> Bool {
    // Nearly always none did, and nothing is hashed to find that out.
    !calledBack.isEmpty && calledBack.remove(slot) != nil
  }

  /// It waits for the service to take queries.
  mutating func wait(_ slot: SlotKey, since now: Duration) { waiting[slot] = waiting[slot] ?? now }

  /// It waits for that no more.
  mutating func waitNoMore(_ slot: SlotKey) {
    if !waiting.isEmpty { waiting[slot] = nil }
  }

  /// The service takes queries again: what waited for that, and since when.
  mutating func takeWaiting() -> [(slot: SlotKey, since: Duration)] {
    defer { waiting = [:] }
    return waiting.filter { due[$0.key] != nil }.map { (slot: $0.key, since: $0.value) }
  }

  /// The slot is no longer under way.
  mutating func forget(_ slot: SlotKey) {
    if !due.isEmpty { due[slot] = nil }
    if !asking.isEmpty { asking[slot] = nil }
    if !waiting.isEmpty { waiting[slot] = nil }
    if !calledBack.isEmpty { calledBack.remove(slot) }
  }
}

// Following a task by asking for it: one query of a task at a time.
extension Pipeline {
  /// A task is asked for then, and not at another time that was set before.
  func scheduleQuery(_ key: SlotKey, at due: Duration) {
    guard jobs[key.job] != nil else { return }
    queries.set(key, at: due)
    schedule(.query(key, due: due), at: due)
  }

  /// A query is due, unless another time was set meanwhile.
  func query(_ key: SlotKey, due: Duration) async {
    guard jobs[key.job] != nil, !isStopping, queries.isDue(key, due) else { return }
    let (event, isOutdated) = await askForTask(of: key)
    if let event { await advance(key, event, alone: !isOutdated) }
    if isOutdated { scheduleQuery(key, at: now) }
  }

  /// Asks for a slot's task: what was heard of it, if anything was, and whether it is to be asked for once more after that. What
  /// was asked before a callback came may have been answered with what was so before it.
  func askForTask(of key: SlotKey) async -> (event: SlotEvent?, isOutdated: Bool) {
    guard let entry = jobs[key.job], case .submitted(let task)? = entry.job.slots[key]?.state, queries.begin(key) else {
      return (nil, false)
    }
    // A callback is a reason to ask once, whatever is wrong with the service.
    let isCalledBack = dispatcher.mayAskForCallback(at: now) && queries.takeCallback(key)
    let mayAsk = if isCalledBack { true } else { await mayQuery() }
    guard mayAsk else {
      _ = queries.end(key)
      queries.wait(key, since: now)
      scheduleQuery(key, at: nextQuery())
      return (nil, false)
    }
    queries.waitNoMore(key)
    let sent = entry.job.revisions[key.revision]?.snapshot.images ?? []
    let outcome = await ask(task.taskID, sent: sent)
    let isOutdated = queries.end(key)
    // A slot that follows another task by now has nothing to do with this answer.
    guard let outcome, entry.job.slots[key]?.state.task?.taskID == task.taskID else { return (nil, isOutdated) }
    sayUnusable(outcome, key, entry)
    return (.queried(await keepingAnswer(of: outcome, key, entry)), isOutdated)
  }

  /// Whether a query may go out now. While the service is down, one probe an interval does, for all.
  func mayQuery() async -> Bool {
    switch dispatcher.queryPermission(at: now) {
    case .submit: return true
    case .probe:
      await probe()
      return dispatcher.closed == nil
    case .wait, .submitOne: return false
    }
  }

  /// Asks whether the service is well: a query costs nothing.
  func probe() async {
    guard !isStopping else { return }
    follow(dispatcher.probed(await service.query("ta00000000-0000-0000-0000-000000000000"), at: now))
    pump()
  }

  /// When a query that had to wait is due again; not all of them at once.
  func nextQuery() -> Duration {
    // Within a twelfth of the interval at which a service that is down is probed.
    dispatcher.nextQuery(at: now) + settings.probeInterval / 12 * surroundings.jitter() + .milliseconds(10)
  }

  /// The gate is open: tasks that had to wait for that are asked for. After a long time not all of them at once.
  func askWhatWaited() {
    let spread = settings.probeInterval / 12
    for (key, since) in queries.takeWaiting() {
      scheduleQuery(key, at: now + min(now - since, spread) * surroundings.jitter())
    }
  }

  /// Asks for a task, and tells the gate how that went. Nil at the end of the process.
  func ask(_ taskID: String, sent: [ImageInput]) async -> QueryOutcome? {
    let permit = if let free = requests.tryAcquire() { free } else { await requests.acquire() }
    let outcome = isStopping ? nil : await service.query(taskID, sent: sent)
    permit.release()
    guard let outcome, !isStopping else { return nil }
    follow(dispatcher.queried(outcome, taskID, at: now))
    return outcome
  }

  // Once for a row of them: it is this task's trouble, and nothing else reports it before its deadline.
  private func sayUnusable(_ outcome: QueryOutcome, _ key: SlotKey, _ entry: ActiveJob) {
    guard case .unusable(var error) = outcome, entry.job.slots[key]?.failures == 0 else { return }
    error.message = "\(entry.job.file.path.display): \(error.message)"
    observer.notice(.warning, error)
  }
}
