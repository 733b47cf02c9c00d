import JobCore

// Following a task by asking for it: one query of a task at a time.
extension Pipeline {
  /// A task is asked for then, and not at another time that was set before.
  func scheduleQuery(_ key: SlotKey, at due: Duration) {
    guard let entry = jobs[key.job] else { return }
    entry.queryDue[key] = due
    schedule(.query(key, due: due), at: due)
  }

  /// A query is due, unless another time was set meanwhile.
  func query(_ key: SlotKey, due: Duration) async {
    guard let entry = jobs[key.job], entry.queryDue[key] == due, !isStopping else { return }
    entry.queryDue[key] = nil
    guard case .submitted(let task)? = entry.job.slots[key]?.state else { return }
    guard entry.asking[key] == nil else { return entry.asking[key] = .again }
    entry.asking[key] = .once
    // A callback is a reason to ask once, whatever is wrong with the service.
    let isCalledBack = gate.callbackPermission(at: now) == .submit && entry.calledBack.remove(key) != nil
    let mayAsk = if isCalledBack { true } else { await mayQuery() }
    guard mayAsk else {
      entry.asking[key] = nil
      waitsForGate[key] = waitsForGate[key] ?? now
      return scheduleQuery(key, at: nextQuery())
    }
    waitsForGate[key] = nil
    let sent = entry.job.revisions[key.revision]?.snapshot.images ?? []
    let outcome = await ask(task.taskID, sent: sent)
    // What was asked before a callback came may have been answered with what was so before it.
    let isOutdated = entry.asking[key] == .again
    entry.asking[key] = nil
    // A slot that follows another task by now has nothing to do with this answer.
    if let outcome, entry.job.slots[key]?.state.task?.taskID == task.taskID {
      sayUnusable(outcome, key, entry)
      await advance(key, .queried(await keepingAnswer(of: outcome, key, entry)))
    }
    if isOutdated { scheduleQuery(key, at: now) }
  }

  /// Whether a query may go out now. While the service is down, one probe an interval does, for all.
  func mayQuery() async -> Bool {
    switch gate.queryPermission(at: now) {
    case .submit: return true
    case .probe:
      await probe()
      return gate.closed == nil
    case .wait, .submitOne: return false
    }
  }

  /// When a query that had to wait is due again; not all of them at once.
  func nextQuery() -> Duration {
    // Within a twelfth of the interval at which a service that is down is probed.
    gate.nextQuery(at: now) + settings.probeInterval / 12 * surroundings.chance() + .milliseconds(10)
  }

  /// The gate is open: tasks that had to wait for that are asked for. After a long time not all of them at once.
  func askWhatWaited() {
    let spread = settings.probeInterval / 12
    for (key, since) in waitsForGate where jobs[key.job]?.queryDue[key] != nil {
      scheduleQuery(key, at: now + min(now - since, spread) * surroundings.chance())
    }
    waitsForGate = [:]
  }

  /// Asks for a task, and tells the gate how that went. Nil at the end of the process.
  func ask(_ taskID: String, sent: [ImageInput]) async -> QueryOutcome? {
    let permit = await requests.acquire()
    let outcome = isStopping ? nil : await service.query(taskID, sent: sent)
    permit.release()
    guard let outcome, !isStopping else { return nil }
    switch outcome {
    case .report, .notFound: if gate.queryAnswered(taskID) { sayOpen() }
    case .unusable(let error): if gate.queryUnusable(error, taskID, at: now) { sayClosed(error) }
    case .failed(let failure):
      if case .transient(let retryAfter) = failure.consequence,
        gate.queryFailed(failure.error, taskID, retryAfter: retryAfter, at: now)
      {
        sayClosed(failure.error)
      }
    }
    return outcome
  }

  // Once for a row of them: it is this task's trouble, and nothing else tells of it before its deadline.
  private func sayUnusable(_ outcome: QueryOutcome, _ key: SlotKey, _ entry: ActiveJob) {
    guard case .unusable(var error) = outcome, entry.job.slots[key]?.failures == 0 else { return }
    error.message = "\(entry.job.file.path.display): \(error.message)"
    observer.notice(.warning, error)
  }
}
