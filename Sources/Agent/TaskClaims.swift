import JobCore

/// Whose answer named a task that is not written down yet.
struct TaskClaims {
  private var claims: [String: SlotKey] = [:]
  private var tasks: [SlotKey: String] = [:]

  /// The slot's answer named the task. The other one whose answer did, if there is one.
  mutating func claim(_ taskID: String, for slot: SlotKey) -> SlotKey? {
    if let other = claims.updateValue(slot, forKey: taskID), other != slot {
      claims[taskID] = other
      return other
    }
    if let earlier = tasks.updateValue(taskID, forKey: slot), earlier != taskID { claims[earlier] = nil }
    return nil
  }

  /// The slot's answer is written down: from now on the journal knows its task.
  mutating func release(_ slot: SlotKey) {
    if let task = tasks.removeValue(forKey: slot) { claims[task] = nil }
  }
}

/// Which slot each task is of, for all attempts of the jobs in hand: each answer to a POST is compared with all of them.
final class TaskIndex {
  private var slots: [String: SlotKey] = [:]

  /// The slot that has the task; nil: none in hand.
  subscript(task: String) -> SlotKey? { slots[task] }

  /// The slot has the task. False: that is known, or another one has it.
  func enter(_ task: String, of slot: SlotKey) -> Bool {
    if slots[task] != nil { return false }
    slots[task] = slot
    return true
  }

  /// Its job is not in hand any more.
  func remove(_ task: String) { slots[task] = nil }
}

// Task ids come from outside: one that was given to another submission is not this one's, however long ago that was.
extension Pipeline {
  /// The outcome of a POST. An answer with the task of another submission says nothing about this one: it may have been
  /// accepted, or not.
  func checkingTask(of outcome: SubmitOutcome, _ key: SlotKey) async -> SubmitOutcome {
    guard case .accepted(let taskID) = outcome else { return outcome }
    // Before anything waits: another answer with this id may come meanwhile, and both would find it free.
    if let other = jobs.claimTask(taskID, for: key) { return taskOfAnother(taskID, other) }
    // Of what is in hand the earlier attempts are known too.
    if let other = jobs.slot(withTask: taskID) { return taskOfAnother(taskID, other) }
    do {
      if let other = try await journal.slots(task: taskID).first { return taskOfAnother(taskID, other) }
    } catch {
      // The answer is written down next, which fails for the same reason and is reported there.
      observer.notice(
        .warning, JobError(code: .journal, message: "The journal cannot be asked for a task: \(error)"))
    }
    return outcome
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
