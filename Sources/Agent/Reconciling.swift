import JobCore

// A journal can be out of date: an older copy was put in its place, or it lost what it had last. The folder is the
// second journal, so the sidecar is asked before money is spent: what it tells of is not submitted again.
extension Pipeline {
  /// Whether the prompt's sidecar tells of submissions for this slot that the journal does not know. Then the slot has
  /// become what the sidecar says.
  func sidecarKnowsMore(_ key: SlotKey, _ entry: ActiveJob) async throws -> Bool {
    guard let slot = entry.job.slots[key], let revision = entry.job.revisions[key.revision],
      let told = await files.sidecar(of: entry.job.file).flatMap(reader.sidecar), told.jobID == entry.job.id.text,
      told.revision == key.revision,
      let adopted = Adoption(told, revision.identity, count: revision.count, now: wallClock)
    else { return false }
    let known = Set(slot.attempts.map(\.attemptID))
    guard var better = adopted.slots(job: key.job, revision: key.revision).first(where: { $0.key == key }),
      better.attempts.contains(where: {
        !known.contains($0.attemptID) && ($0.outcome.mayBePaid || better.state.name == .failed)
      })
    else { return false }
    better.failures = 0
    let outputs = adopted.outputs(job: key.job, revision: key.revision).filter { $0.slot == key }
    let bill = bill(of: better, entry.job.file, priceKey(key, entry.job))
    observer.notice(.warning, Self.behind(entry.job.file))
    guard
      try await commit([.move(better, from: .queued, outputs: outputs), .outputs(outputs)] + bill).first == .applied
    else { return true }
    entry.job.slots[key] = better
    for output in outputs { entry.job.setOutput(output) }
    observer.changed(entry.job)
    if case .submitted = better.state { await advance(key, .restarted) } else { await show(entry.job) }
    return true
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
