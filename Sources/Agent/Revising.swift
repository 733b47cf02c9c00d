import JobCore

// Another text of a file that was taken before: a new one, or one that it had once.
extension Pipeline {
  /// A text that the file did not have before. `held`: what its pictures are held for from the start.
  func takeRevision(
    _ file: FileKey, _ job: Job, _ request: PromptRequest, _ identity: Identity, _ stamp: TakenStamp,
    isAsked: Bool = false, held: SlotState? = nil
  ) async throws -> Plan {
    let revision = Revision(
      number: job.latest + 1, identity: identity, snapshot: request.snapshot, count: request.count, takenAt: wallClock)
    var slots = newSlots(job.id, revision, 1...request.count, request)
    if let held { slots = slots.map { Slot(key: $0.key, state: held) } }
    // Something that writes a file over and over must not spend over and over.
    if !isAsked,
      try await journal.revisions(of: job.id, since: wallClock + (.zero - settings.revisionSpan))
        >= settings.revisionLimit
    {
      slots = slots.map { Slot(key: $0.key, state: beyondRevisions) }
    }
    var plan = Plan(file: file)
    plan.changes = [
      .take(
        .init(job: job.id, file: file, expected: job.current, stamp: stamp, revision: revision, slots: slots))
    ]
    plan.then = { [self] in
      await withdrawUnsent(job, except: revision.number)
      await reload(job.id, new: slots)
    }
    return plan
  }

  /// The text of an earlier revision is back: its pictures are too, and nothing is paid.
  func restore(
    _ file: FileKey, _ job: Job, _ earlier: Revision, _ request: PromptRequest, _ stamp: TakenStamp
  ) async throws -> Plan {
    let slots = try await journal.slots(of: job.id, revision: earlier.number).filter { !$0.key.isSurplus }
    let wanted = max(earlier.count, request.ownCount)
    let there = slots.map(\.key.number).max() ?? 0
    var added: [Slot] = []
    if wanted > there { added = newSlots(job.id, earlier, (there + 1)...wanted, request) }
    let back = wantedAgain(slots, request)
    var plan = Plan(file: file)
    plan.changes = [
      .makeCurrent(
        job: job.id, revision: earlier.number, expected: job.current, count: wanted, newSlots: added, stamp: stamp)
    ]
    if earlier.snapshot.prompt.isEmpty {
      var fresh = earlier
      fresh.snapshot = request.snapshot
      plan.changes.append(.refresh(job: job.id, fresh))
    }
    plan.changes += back.map { .move($0, from: .cancelled, outputs: []) }
    plan.then = { [self] in
      await withdrawUnsent(job, except: earlier.number)
      await reload(job.id, new: added + back) { [self] in await putBack(job.id, earlier.number) }
    }
    return plan
  }
}
