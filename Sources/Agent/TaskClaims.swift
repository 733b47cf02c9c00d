import JobCore

/// Whose answer named a task that is not written down yet.
struct TaskClaims {
  private var claims: [String: SlotKey] = [:]
  private var tasks: [SlotKey: String] = [:]

  /// The slot's answer named the task. The other one whose answer did, if there is one.
  mutating func claim(_ taskID: String, for slot: SlotKey) -> SlotKey? {
    if let other = claims[taskID], other != slot { return other }
    if let earlier = tasks.updateValue(taskID, forKey: slot), earlier != taskID { claims[earlier] = nil }
    claims[taskID] = slot
    return nil
  }

  /// The slot's answer is written down: from now on the journal knows its task.
  mutating func release(_ slot: SlotKey) {
    if let task = tasks.removeValue(forKey: slot) { claims[task] = nil }
  }
}

// Task ids come from outside: one that was given to another submission is not this one's, however long ago that was.
extension Pipeline {
  /// The outcome of a POST. An answer with the task of another submission says nothing about this one: it may have been
  /// accepted, or not.
  func checkingTask(of outcome: SubmitOutcome, _ key: SlotKey) async -> SubmitOutcome {
    guard case .accepted(let taskID) = outcome else { return outcome }
    // Before anything waits: another answer with this id may come meanwhile, and both would find it free.
    if let other = jobs.claimTask(taskID, for: key) { return taskOfAnother(taskID, other) }
    if let other = underWay(taskID, besides: key) { return taskOfAnother(taskID, other) }
    do {
      if let other = try await journal.slots(task: taskID).first { return taskOfAnother(taskID, other) }
    } catch {
      // The answer is written down next, which fails for the same reason and is reported there.
      observer.notice(
        .warning, JobError(code: .journal, message: "The journal cannot be asked for a task: \(error)"))
    }
    return outcome
  }

  // Of what is in hand the earlier attempts are known too.
  private func underWay(_ taskID: String, besides key: SlotKey) -> SlotKey? {
    for entry in jobs.inHand where entry.taskIDs.contains(taskID) {
      for slot in entry.job.slots.values where slot.attempts.contains(where: { $0.taskID == taskID }) {
        return slot.key
      }
    }
    return nil
  }

  private func taskOfAnother(_ taskID: String, _ other: SlotKey) -> SubmitOutcome {
    let whose = jobs[other.job].map { " of \($0.job.file.path.display)" } ?? ""
    let error = JobError(
      code: .held(.taskOfAnother),
      message: "The service answered the submission with the task \(taskID), which belongs to another submission"
        + "\(whose). It may have accepted both, or only one.")
    observer.notice(.error, error)
    return .taskOfAnother(error)
  }
}
