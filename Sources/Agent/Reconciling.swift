import JobCore

// A journal can be out of date: an older copy was put in its place, or it lost what it had last. The folder is the
// second journal, so the sidecar is asked before money is spent: what it tells of is not submitted again.
extension Pipeline {
  /// Whether the prompt's sidecar tells of submissions for this slot that the journal does not know, or of the task of one
  /// that it does. Then the slot has become what the sidecar says.
  func sidecarKnowsMore(_ key: SlotKey, _ entry: ActiveJob) async throws -> Bool {
    guard let slot = entry.job.slots[key], let revision = entry.job.revisions[key.revision],
      let told = try await told(of: entry.job.file),
      // Another job's: it came with the file from elsewhere, for a text that nothing was paid for here.
      told.jobID == entry.job.id.text
        ? told.revision == key.revision : key.revision == entry.job.current && !slot.mayBePaid,
      let adopted = Adoption(told, revision.identity, count: revision.count, now: wallClock),
      var better = adopted.slots(job: key.job, revision: key.revision).first(where: { $0.key == key })
    else { return false }
    guard slot.learns(from: better) else { return false }
    better.failures = 0
    let outputs = adopted.outputs(job: key.job, revision: key.revision).filter { $0.slot == key }
    let bill = Billing.changes(
      reported: better, file: entry.job.file, kind: Billing.kind(of: key, in: entry.job))
    observer.notice(.warning, Self.behind(entry.job.file))
    let move = JournalChange.move(better, from: slot.state.name, outputs: outputs)
    guard try await commit([move, .outputs(outputs)] + bill).first == .applied else { return true }
    entry.job.slots[key] = better
    for output in outputs { entry.job.setOutput(output) }
    observer.changed(entry.job)
    if case .submitted = better.state { await advance(key, .restarted) } else { await show(entry.job.id) }
    return true
  }

  /// Whether the sidecar tells of what was paid for, and the journal of nothing: a prompt whose journal was lost and that
  /// cannot be taken at present, or one with a later text than the journal has. Then it must not be overwritten before it
  /// was believed.
  func sidecarHasMore(than job: Job) async throws(LocalTrouble) -> Bool {
    guard let told = try await told(of: job.file), told.tellsOfPayment else { return false }
    if job.current == 0 { return true }
    guard told.jobID == job.id.text, told.revision > job.latest, let identity = told.identity else { return false }
    return Adoption(told, identity, count: max(1, told.count), now: wallClock) != nil
  }

  /// What the prompt's sidecar tells; who wrote it is taken note of.
  func told(of file: FileKey) async throws(LocalTrouble) -> StatusSidecar? {
    let told = try await files.sidecar(of: file).flatMap(reader.sidecar)
    if let told { await noteWriter(of: told, file.root) }
    return told
  }

  /// Makes the journal what a sidecar tells of another text than the file's, so that what was paid for goes on and the
  /// file can be weighed against it. False where there is nothing in it to believe.
  func believe(
    _ told: StatusSidecar, _ file: FileKey, _ known: KnownFile?, _ job: Job?, _ stamp: TakenStamp
  ) async throws -> Bool {
    guard told.tellsOfPayment, let identity = told.identity,
      let adopted = Adoption(told, identity, count: max(1, told.count), now: wallClock)
    else { return false }
    let id = known?.job ?? JobID(told.jobID)
    let number = max((job?.latest ?? 0) + 1, told.revision)
    // Its text is not known, and no longer wanted: what was not sent is not sent.
    let slots = adopted.slots(job: id, revision: number).map { slot in
      var slot = slot
      if slot.state.name == .queued { slot.state = .cancelled(.superseded) }
      return slot
    }
    var snapshot = told.snapshot ?? Snapshot(prompt: "", model: "")
    snapshot.prompt = ""
    let revision = Revision(
      number: number, identity: identity, snapshot: snapshot, count: adopted.count, takenAt: told.createdAt)
    var unlike = stamp
    unlike.prompt.size = -1
    let earlier = try await openEarlier(adopted, id)
    let kind = PriceKey(model: snapshot.model, size: snapshot.sentSize)
    let changes = takes(
      earlier.unknown + [(revision, slots)], adopted.outputs(job: id, revision: number), id, file, known, unlike, kind)
    observer.notice(.warning, Self.behind(file))
    guard try await !commit(changes + catchUp(earlier, file, kind)).contains(.stale) else { return false }
    await reload(id, new: [])
    try await goOn(slots + earlier.slots)
    return true
  }

  /// What a sidecar tells of submissions for other texts that are still open.
  struct Earlier {
    /// Texts that the journal does not know.
    var unknown: [(revision: Revision, slots: [Slot])] = []
    /// Slots that it knows less of, and the states that it has them in.
    var behind: [(slot: Slot, from: StateName)] = []

    var slots: [Slot] { unknown.flatMap(\.slots) + behind.map(\.slot) }
  }

  /// The changes for what the journal knows less of.
  func catchUp(_ earlier: Earlier, _ file: FileKey, _ kind: PriceKey) -> [JournalChange] {
    earlier.behind.map { .move($0.slot, from: $0.from, outputs: []) }
      + earlier.behind.flatMap { Billing.changes(reported: $0.slot, file: file, kind: kind) }
  }

  func openEarlier(_ adopted: Adoption, _ id: JobID) async throws -> Earlier {
    var earlier = Earlier()
    for (revision, slots) in adopted.earlier(job: id) {
      let there = try await journal.slots(of: id, revision: revision.number)
      if there.isEmpty { earlier.unknown.append((revision, slots)) }
      for slot in slots {
        guard let own = there.first(where: { $0.key == slot.key }), own.learns(from: slot) else { continue }
        earlier.behind.append((slot, own.state.name))
      }
    }
    return earlier
  }

  /// Slots have become what a sidecar tells: those with a task are followed.
  func goOn(_ slots: [Slot]) async throws {
    for slot in slots {
      takeFromQueue(slot.key)
      jobs[slot.key.job]?.job.slots[slot.key] = slot
      if slot.state.name == .submitted, try await jobs.activate(slot.key) { await advance(slot.key, .restarted) }
    }
  }

  /// The changes that take revisions, one after the other; the last one is current.
  func takes(
    _ revisions: [(revision: Revision, slots: [Slot])], _ outputs: [Output], _ id: JobID, _ file: FileKey,
    _ known: KnownFile?, _ stamp: TakenStamp, _ kind: PriceKey
  ) -> [JournalChange] {
    var expected = known?.current
    var changes: [JournalChange] = []
    for (index, entry) in revisions.enumerated() {
      changes.append(
        .take(
          .init(
            job: id, file: file, expected: expected, stamp: stamp, revision: entry.revision, slots: entry.slots,
            outputs: index == revisions.count - 1 ? outputs : [])))
      expected = entry.revision.number
    }
    return changes + revisions.flatMap(\.slots).flatMap { Billing.changes(reported: $0, file: file, kind: kind) }
  }

  static func behind(_ file: FileKey) -> JobError {
    JobError(
      code: .journalBehind,
      message:
        "The sidecar of \(file.path.display) tells of a submission that the journal does not know: it is believed.")
  }

  /// A slot that was found being submitted, or held for it: its sidecar may have the task id that the journal lost.
  func taskFromSidecar(of slot: Slot, _ job: Job) async throws(LocalTrouble) -> String? {
    guard let last = slot.attempts.last, let told = try await told(of: job.file), told.jobID == job.id.text
    else { return nil }
    return told.attempts.first { $0.attempt.attemptID == last.attemptID && $0.attempt.outcome == .accepted }?
      .attempt.taskID
  }
}

extension Slot {
  /// Whether money may have gone for it.
  var mayBePaid: Bool { attempts.contains { $0.outcome.mayBePaid } || state == .done }

  /// Whether a sidecar tells of submissions of this slot that the journal does not know, or of the task of one that it does.
  fileprivate func learns(from told: Slot) -> Bool {
    // Of a picture that was finished long ago, the attempts are forgotten.
    guard state != .done else { return false }
    let known = Dictionary(attempts.map { ($0.attemptID, $0) }, uniquingKeysWith: { first, _ in first })
    return told.attempts.contains { entry in
      guard let own = known[entry.attemptID] else { return entry.outcome.mayBePaid || told.state.name == .failed }
      return entry.taskID != nil && own.taskID == nil && own.outcome.mayBePaid
    }
  }
}

extension StatusSidecar {
  /// Whether it tells of submissions or pictures.
  var tellsOfPayment: Bool { !attempts.isEmpty || !outputs.isEmpty }
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
