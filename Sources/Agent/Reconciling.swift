import JobCore

// A journal can be out of date: an older copy was put in its place, or it lost what it had last. The folder is the
// second journal, so the sidecar is read before money is spent: what it reports is not submitted again.
extension Pipeline {
  /// Whether the prompt's sidecar has submissions for this slot that the journal does not know, or of the task of one
  /// that it does. Then the slot has become what the sidecar says.
  func sidecarKnowsMore(_ key: SlotKey, _ entry: ActiveJob) async throws -> Bool {
    try await sidecarKnowsMore(key, entry, try await readSidecar(of: entry.job.file))
  }

  /// The same where the sidecar was just read.
  func sidecarKnowsMore(_ key: SlotKey, _ entry: ActiveJob, _ sidecar: StatusSidecar?) async throws -> Bool {
    guard let slot = entry.job.slots[key], let (adopted, known) = knowledge(of: key, entry, in: sidecar) else {
      return false
    }
    var better = known
    better.failures = 0
    let outputs = adopted.outputs(job: key.job, revision: key.revision).filter { $0.slot == key }
    let bill = Billing.changes(
      reported: better, file: entry.job.file, kind: Billing.kind(of: key, in: entry.job))
    observer.notice(.warning, .journalIsBehind(entry.job.file))
    let move = JournalChange.move(better, from: slot.state.name, outputs: outputs)
    guard try await commit([move, .outputs(outputs)] + bill).first == .applied else { return true }
    entry.enter(better)
    for output in outputs { entry.job.setOutput(output) }
    observer.changed(entry.job)
    if case .submitted = better.state { await advance(key, .restarted) } else { await show(entry.job.id) }
    return true
  }

  /// What a sidecar that was just read knows of this slot and the journal does not; nil where there is nothing.
  func knowledge(
    of key: SlotKey, _ entry: ActiveJob, in sidecar: StatusSidecar?
  ) -> (all: Adoption, slot: Slot)? {
    guard let slot = entry.job.slots[key], let revision = entry.job.revisions[key.revision], let sidecar,
      // Another job's: it came with the file from elsewhere, for a text that nothing was paid for here.
      sidecar.jobID == entry.job.id.text
        ? sidecar.revision == key.revision : key.revision == entry.job.current && !slot.mayBePaid,
      let adopted = Adoption(sidecar, revision.identity, count: revision.count, now: wallClock),
      let better = adopted.slots(job: key.job, revision: key.revision).first(where: { $0.key == key }),
      slot.learns(from: better)
    else { return nil }
    return (adopted, better)
  }

  /// Whether the sidecar has something that was paid for, and the journal nothing: a prompt whose journal was lost and that
  /// cannot be taken at present, or one with a later text than the journal has. Then it must not be overwritten before it
  /// was believed.
  func sidecarHasMore(than job: Job) async throws(LocalTrouble) -> Bool {
    has(try await readSidecar(of: job.file), moreThan: job)
  }

  /// Compares the job with its sidecar, which was just read: what has more is not overwritten before the prompt was looked
  /// at with it.
  func compare(_ entry: ActiveJob, with sidecar: StatusSidecar?) {
    if has(sidecar, moreThan: entry.job) {
      sidecars.protect(entry.job.file)
      lookAt(entry.job.file)
    }
    entry.comparedAt = now
  }

  /// Whether a sidecar tells of something that was paid for and that the journal does not know.
  func has(_ sidecar: StatusSidecar?, moreThan job: Job) -> Bool {
    guard let sidecar, sidecar.tellsOfPayment else { return false }
    if job.current == 0 { return true }
    // Another job's, for the same text: what it reports as paid for is not paid for again.
    if sidecar.jobID != job.id.text, !job.currentSlots.contains(where: \.mayBePaid),
      let current = job.revisions[job.current],
      Adoption(sidecar, current.identity, count: current.count, now: wallClock)?.isPaid == true
    {
      return true
    }
    guard sidecar.jobID == job.id.text, sidecar.revision > job.latest, let identity = sidecar.identity else {
      return false
    }
    return Adoption(sidecar, identity, count: max(1, sidecar.count), now: wallClock) != nil
  }

  /// What the prompt's sidecar tells; who wrote it is taken note of.
  func readSidecar(of file: FileKey) async throws(LocalTrouble) -> StatusSidecar? {
    guard let bytes = try await files.sidecar(of: file) else { return nil }
    return await sidecar(from: bytes, file.root)
  }

  /// What a sidecar's bytes tell; who wrote it is taken note of.
  func sidecar(from bytes: [UInt8], _ root: RootID) async -> StatusSidecar? {
    let sidecar = reader.sidecar(bytes)
    if let sidecar { await noteWriter(of: sidecar, root) }
    return sidecar
  }

  /// Slots have become what a sidecar tells: those with a task are followed.
  func goOn(_ slots: [Slot]) async throws {
    for slot in slots {
      takeFromQueue(slot.key)
      jobs[slot.key.job]?.enter(slot)
      if slot.state.name == .submitted, try await jobs.activate(slot.key) { await advance(slot.key, .restarted) }
    }
  }

  /// A slot that was found being submitted, or held for it: its sidecar may have the task id that the journal lost.
  func taskFromSidecar(of slot: Slot, _ job: Job) async throws(LocalTrouble) -> String? {
    guard let last = slot.attempts.last, let sidecar = try await readSidecar(of: job.file), sidecar.jobID == job.id.text
    else { return nil }
    return sidecar.attempts.first { $0.attempt.attemptID == last.attemptID && $0.attempt.outcome == .accepted }?
      .attempt.taskID
  }
}
