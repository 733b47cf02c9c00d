import JobCore

// A journal can be out of date: an older copy was put in its place, or it lost what it had last. The folder is the
// second journal, so the sidecar is asked before money is spent: what it tells of is not submitted again.
extension Pipeline {
  /// Whether the prompt's sidecar tells of submissions for this slot that the journal does not know, or of the task of one
  /// that it does. Then the slot has become what the sidecar says.
  func sidecarKnowsMore(_ key: SlotKey, _ entry: ActiveJob) async throws -> Bool {
    guard let slot = entry.job.slots[key], let revision = entry.job.revisions[key.revision],
      let told = await files.sidecar(of: entry.job.file).flatMap(reader.sidecar), told.jobID == entry.job.id.text,
      told.revision == key.revision,
      let adopted = Adoption(told, revision.identity, count: revision.count, now: wallClock),
      var better = adopted.slots(job: key.job, revision: key.revision).first(where: { $0.key == key })
    else { return false }
    let known = Dictionary(slot.attempts.map { ($0.attemptID, $0) }, uniquingKeysWith: { first, _ in first })
    let isBetter = better.attempts.contains { told in
      guard let own = known[told.attemptID] else { return told.outcome.mayBePaid || better.state.name == .failed }
      return told.taskID != nil && own.taskID == nil && own.outcome.mayBePaid
    }
    // Of a picture that was finished long ago, the attempts are forgotten.
    guard isBetter, slot.state != .done else { return false }
    better.failures = 0
    let outputs = adopted.outputs(job: key.job, revision: key.revision).filter { $0.slot == key }
    let bill = bill(of: better, entry.job.file, priceKey(key, entry.job))
    observer.notice(.warning, Self.behind(entry.job.file))
    let move = JournalChange.move(better, from: slot.state.name, outputs: outputs)
    guard try await commit([move, .outputs(outputs)] + bill).first == .applied else { return true }
    entry.job.slots[key] = better
    for output in outputs { entry.job.setOutput(output) }
    observer.changed(entry.job)
    if case .submitted = better.state { await advance(key, .restarted) } else { await show(entry.job) }
    return true
  }

  /// Whether the sidecar tells of what was paid for, and the journal of nothing: a prompt whose journal was lost and that
  /// cannot be taken at present, or one with a later text than the journal has. Then it must not be overwritten before it
  /// was believed.
  func sidecarHasMore(than job: Job) async -> Bool {
    guard let told = await files.sidecar(of: job.file).flatMap(reader.sidecar),
      !told.attempts.isEmpty || !told.outputs.isEmpty
    else { return false }
    return job.current == 0 || (told.jobID == job.id.text && told.revision > job.latest)
  }

  static func behind(_ file: FileKey) -> JobError {
    JobError(
      code: "journal-behind",
      message:
        "The sidecar of \(file.path.display) tells of a submission that the journal does not know: it is believed.")
  }

  /// A slot that was found being submitted, or held for it: its sidecar may have the task id that the journal lost.
  func taskFromSidecar(of slot: Slot, _ job: Job) async -> String? {
    guard let last = slot.attempts.last,
      let told = await files.sidecar(of: job.file).flatMap(reader.sidecar), told.jobID == job.id.text
    else { return nil }
    return told.attempts.first { $0.attempt.attemptID == last.attemptID && $0.attempt.outcome == .accepted }?
      .attempt.taskID
  }
}

extension Attempt.Outcome {
  /// Whether money may have gone.
  var mayBePaid: Bool {
    switch self {
    case .begun, .accepted, .unknown: true
    case .refused, .refusedForAccount, .notSent: false
    }
  }
}
