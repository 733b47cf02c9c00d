import JobCore

// Following a task by asking for it: one query of a task at a time.
extension Pipeline {
  /// A task is asked for then, and not at another time that was set before.
  func scheduleQuery(_ key: SlotKey, at due: Duration) {
    guard let entry = active[key.job] else { return }
    entry.queryDue[key] = due
    schedule(.query(key, due: due), at: due)
  }

  /// A query is due, unless another time was set meanwhile.
  func query(_ key: SlotKey, due: Duration) async {
    guard let entry = active[key.job], entry.queryDue[key] == due, !isStopping else { return }
    entry.queryDue[key] = nil
    guard case .submitted(let task)? = entry.job.slots[key]?.state else { return }
    guard entry.asking[key] == nil else { return entry.asking[key] = .again }
    entry.asking[key] = .once
    guard await mayQuery() else {
      entry.asking[key] = nil
      return scheduleQuery(key, at: nextQuery())
    }
    let outcome = await ask(task.taskID)
    // What was asked before a callback came may have been answered with what was so before it.
    let isOutdated = entry.asking[key] == .again
    entry.asking[key] = nil
    if let outcome { await advance(key, .queried(outcome)) }
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

  /// Asks for a task, and tells the gate how that went. Nil at the end of the process.
  func ask(_ taskID: String) async -> QueryOutcome? {
    await permit()
    let outcome = isStopping ? nil : await service.query(taskID)
    releasePermit()
    guard let outcome, !isStopping else { return nil }
    switch outcome {
    case .report, .notFound: if gate.queryAnswered() { sayOpen() }
    case .failed(let failure):
      if case .transient(let retryAfter) = failure.consequence,
        gate.queryFailed(failure.error, retryAfter: retryAfter, at: now)
      {
        sayClosed(failure.error)
      }
    }
    return outcome
  }
}
