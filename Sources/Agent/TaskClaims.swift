import JobCore

// Task ids come from outside: one that was given to another submission is not this one's, however long ago that was.
extension Pipeline {
  /// The outcome of a POST. An answer with the task of another submission says nothing about this one: it may have been
  /// accepted, or not.
  func checkingTask(of outcome: SubmitOutcome, _ key: SlotKey) async -> SubmitOutcome {
    guard case .accepted(let taskID) = outcome else { return outcome }
    if let other = claims[taskID], other != key { return taskOfAnother(taskID, other) }
    // Before anything waits: another answer with this id may come meanwhile, and both would find it free.
    claims[taskID] = key
    if let other = underWay(taskID, besides: key) { return taskOfAnother(taskID, other) }
    do {
      if let other = try await journal.slots(task: taskID).first { return taskOfAnother(taskID, other) }
    } catch {
      // The answer is written down next, which fails for the same reason and is told of there.
      observer.notice(
        .warning, JobError(code: .journal, message: "The journal cannot be asked for a task: \(error)"))
    }
    return outcome
  }

  /// The answer of this slot's POST is written down: from now on the journal knows its task.
  func releaseClaim(of key: SlotKey) {
    guard !claims.isEmpty else { return }
    claims = claims.filter { $0.value != key }
  }

  // Of what is in hand the earlier attempts are known too.
  private func underWay(_ taskID: String, besides key: SlotKey) -> SlotKey? {
    for entry in jobs.inHand {
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
      message: "The service answered the submission with the task \(taskID), which it had given to another submission"
        + "\(whose) before. It may have accepted both, or one.")
    observer.notice(.error, error)
    return .taskOfAnother(error)
  }
}
