// A complete, settled file against what is known of it: new, changed, restored, renamed, or nothing to do.
extension FileDecision {
  mutating func take(_ asked: Asked) throws(FileNeed) -> FileOutcome {
    guard let known, known.current > 0, let job = try job(known), let current = job.revisions[known.current] else {
      return try takeNew(asked)
    }
    if let outcome = try believeSidecar(asked, known, job, current) { return outcome }
    var outcome = try takeKnown(asked, known, job, current)
    outcome.effects = sidecarIsRead + outcome.effects
    return outcome
  }

  /// What the sidecar tells has been weighed, where it was kept for that.
  var sidecarIsRead: [FileEffect] { knowledge.memory.isSidecarUnread ? [.sidecarIsRead] : [] }

  private mutating func takeKnown(
    _ asked: Asked, _ known: KnownFile, _ job: Job, _ current: Revision
  ) throws(FileNeed) -> FileOutcome {
    if knowledge.memory.isWantedAnew {
      if let doubt = asked.doubt { return try doubted(doubt, asked.stamp) }
      return try takeRevision(asked, job, asked.identity, isAsked: true)
    }
    let isUntouched = isUntouched(job)
    let identity = isUntouched ? asked.identity : identity(asked.identity, against: current.identity)
    guard identity.asksForMore(than: current.identity) else {
      if let doubt = asked.doubt {
        if wouldLetGo(job, current, asked.request) { return try doubted(doubt, asked.stamp) }
        if doubt.isOfControlFile {
          // What was not sent waits for the file that has just come or changed; the rest stays as it was taken.
          if isUntouched, hasNewControls(known, asked.stamp) { return try doubted(doubt, asked.stamp) }
          if !asked.request.hold { return letStay(known, job, asked.stamp) }
        }
      }
      return takeAgain(asked, known, job, current, identity)
    }
    return try takeOther(asked, job, current, identity)
  }

  // Another text than the current one.
  private mutating func takeOther(
    _ asked: Asked, _ job: Job, _ current: Revision, _ identity: Identity
  ) throws(FileNeed) -> FileOutcome {
    guard try seen.isRevisionSettled.get(.revisionSettled) else {
      return settling("Its text was changed a moment ago.", .whenSettled)
    }
    let earlier = try knowledge.earlier.get(.earlier(job.id, like: identity))
    // Another prompt may have been renamed over this one.
    if earlier == nil || knowledge.memory.wasRenamed,
      let outcome = try comesFromElsewhere(identity, grace: rules.copyGrace)
    {
      return outcome
    }
    if let earlier {
      // Its pictures come back in any case; what would be paid for besides waits.
      if let doubt = asked.doubt, wouldPay(earlier, asked.request) { return try doubted(doubt, asked.stamp) }
      return restore(asked, job, earlier)
    }
    let likeSidecar = self.identity(asked.identity, against: asked.sidecar?.identity)
    if let sidecar = asked.sidecar, sidecar.jobID == job.id.text, likeSidecar.asksForMore(than: current.identity),
      let adopted = Adoption(sidecar, likeSidecar, count: asked.request.count, now: now.wall)
    {
      var outcome = try takeAdopted(
        asked, job.id, adopted, sidecar, likeSidecar, number: max(job.latest + 1, sidecar.revision))
      outcome.effects.insert(.warn(.journalIsBehind(file)), at: 0)
      return outcome
    }
    if let doubt = asked.doubt { return try doubted(doubt, asked.stamp) }
    let held = seen.hasNearList && identity.source == current.identity.source ? heldStill(job) : nil
    return try takeRevision(asked, job, identity, held: held)
  }

  // Nil: it comes from nowhere else.
  private func comesFromElsewhere(_ identity: Identity, grace: Duration) throws(FileNeed) -> FileOutcome? {
    switch try seen.origin.get(.origin(identity, grace: grace)) {
    case .none: return nil
    case .wait(let until): return settling("It may be another prompt that was renamed, or a copy of one.", .at(until))
    case .renamed(let job, let former):
      var outcome = FileOutcome(FileReason(.renamed, "It was renamed from \(former.path.display)."))
      let displaced = known.map { known in
        FileEffect.Displaced(
          job: known.job,
          place: file.sibling(DropNames.replaced(stem: DropNames.stemOrName(file), id: known.job.text)),
          wasTaken: known.current > 0)
      }
      outcome.changes = [.renamed(job: job.id, from: former, to: file, displaced: displaced?.place)]
      outcome.effects = [.follow(job.id, from: former, displaced: displaced)]
      return outcome
    }
  }

  // MARK: a file that is not known

  private mutating func takeNew(_ asked: Asked) throws(FileNeed) -> FileOutcome {
    let sidecar = asked.sidecar
    let likeSidecar = identity(asked.identity, against: sidecar?.identity)
    let adopted = sidecar.flatMap { Adoption($0, likeSidecar, count: asked.request.count, now: now.wall) }
    // A copy whose sidecar has a final state is known for what it is without waiting.
    let hasEnded = adopted != nil && sidecar?.state.isSettled == true
    // A list under nearly the right name says nothing of where the file comes from.
    var textual = asked.identity
    if seen.hasNearList { textual.list = nil }
    if let outcome = try comesFromElsewhere(textual, grace: hasEnded ? .zero : rules.copyGrace) { return outcome }
    // The folder was copied, and the first one is still here: its tasks are the first one's.
    let isCopy =
      if let sidecar { try knowledge.isSidecarsJobKnown.get(.sidecarsJob(JobID(sidecar.jobID))) } else { false }
    if let sidecar, let adopted {
      let id =
        if let known { known.job } else if isCopy { try knowledge.newID.get(.newID) } else { JobID(sidecar.jobID) }
      return try takeAdopted(
        asked, id, adopted, sidecar, likeSidecar, number: max(1, sidecar.revision), isCopy: isCopy)
    }
    if let sidecar, !isCopy, var outcome = try believe(sidecar, nil, asked.stamp) {
      outcome.effects.append(.lookAgain)
      return outcome
    }
    if let doubt = asked.doubt { return try doubted(doubt, asked.stamp) }
    let id = if let known { known.job } else { try knowledge.newID.get(.newID) }
    let revision = Revision(
      number: 1, identity: asked.identity, snapshot: asked.request.snapshot, count: asked.request.count,
      takenAt: now.wall)
    var slots = newSlots(id, revision, 1...asked.request.count, asked.request)
    // Held for a person before the journal was lost, and still.
    if let sidecar, sidecar.identity == asked.identity, sidecar.reason.flatMap(HeldReason.init) == .burst,
      rules.burstLimit > 0
    {
      slots = slots.map { Slot(key: $0.key, state: beyondBurst) }
    }
    var outcome = FileOutcome(Self.reason(.new, "It is new.", slots))
    outcome.changes = [
      .take(
        .init(
          job: id, file: file, expected: known?.current, stamp: asked.stamp, revision: revision, slots: slots))
    ]
    outcome.effects = sidecarIsRead + [began(id, revision, slots, asked.stamp, outputs: [])]
    return outcome
  }

  /// A job that is new to the journal begins.
  func began(
    _ id: JobID, _ revision: Revision, _ slots: [Slot], _ stamp: TakenStamp, outputs: [Output]
  ) -> FileEffect {
    .began(
      Job(
        id: id, file: file, current: revision.number, latest: revision.number, stamp: stamp,
        revisions: [revision.number: revision],
        slots: Dictionary(slots.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }), outputs: outputs,
        createdAt: known?.note?.since ?? revision.takenAt), slots)
  }

  /// What becomes of a text: what holds its pictures from the start says more than that it was taken. (A sidecar's words may
  /// be none.)
  static func reason(_ kind: FileReason.Kind, _ message: String, _ slots: [Slot]) -> FileReason {
    for slot in slots {
      guard case .held(let held) = slot.state, held.reason.isBeforeSending, !held.error.message.isEmpty else {
        continue
      }
      return FileReason(kind, held.error)
    }
    return FileReason(kind, message)
  }

  // MARK: a file that is known

  private mutating func takeAgain(
    _ asked: Asked, _ known: KnownFile, _ job: Job, _ current: Revision, _ identity: Identity
  ) -> FileOutcome {
    let (request, stamp) = (asked.request, asked.stamp)
    var outcome = nothingNew()
    let hasChanged = identity.request != current.identity.request
    if known.note != nil { outcome.changes.append(.note(job: job.id, file: file, nil, stamp: nil, at: now.wall)) }
    var added: [Slot] = []
    if request.ownCount > current.count {
      added = newSlots(job.id, current, (current.count + 1)...request.count, request)
      outcome.reason = Self.reason(.more, "It asks for more pictures.", added)
      outcome.changes.append(
        .makeCurrent(
          job: job.id, revision: current.number, expected: known.current, count: request.count, newSlots: added,
          stamp: stamp))
    }
    if stamp != known.stamp || hasChanged != job.inputsChanged || !added.isEmpty {
      outcome.changes.append(.seen(job: job.id, stamp: stamp, inputsChanged: hasChanged))
    }
    var back = wantedAgain(job.currentSlots, request)
    if !back.isEmpty, added.isEmpty { outcome.reason = Self.reason(.more, "It is wanted again.", back) }
    outcome.changes += back.map { .move($0, from: .cancelled, outputs: []) }
    // The line "hold: true" came or went, or the file was closed: together with the file's stamp, after which nobody looks
    // again.
    for slot in job.currentSlots where !knowledge.running.contains(slot.key) {
      var slot = slot
      let before = slot.state.name
      switch slot.state {
      case .held(let held) where held.reason == .asked && !request.hold: slot.state = .queued(Queued())
      case .queued where request.hold && !knowledge.memory.isLetGo && !slot.attempts.contains { $0.outcome.mayBePaid }:
        slot.state = Self.askedFor
      case .queued(let queued) where queued.isOfWriter: slot.state = .queued(Queued())
      default: continue
      }
      outcome.changes.append(.move(slot, from: before, outputs: []))
      back.append(slot)
    }
    outcome.effects = [.seenAgain(job.id, stamp)]
    if known.note != nil || hasChanged != job.inputsChanged || !back.isEmpty || !added.isEmpty {
      outcome.effects.append(.reload(job.id, slots: added + back, restored: nil))
    }
    return outcome
  }

  /// A text that the file did not have before. `held`: what its pictures are held for from the start.
  private mutating func takeRevision(
    _ asked: Asked, _ job: Job, _ identity: Identity, isAsked: Bool = false, held: SlotState? = nil
  ) throws(FileNeed) -> FileOutcome {
    let revision = Revision(
      number: job.latest + 1, identity: identity, snapshot: asked.request.snapshot, count: asked.request.count,
      takenAt: now.wall)
    // Something that writes a file over and over must not spend over and over.
    var state = held
    if !isAsked,
      try knowledge.recentRevisions.get(.recentRevisions(job.id, since: now.wall + (.zero - rules.revisionSpan)))
        >= rules.revisionLimit
    {
      state = beyondRevisions
    }
    var slots = newSlots(job.id, revision, 1...asked.request.count, asked.request)
    if let state { slots = slots.map { Slot(key: $0.key, state: state) } }
    var outcome = FileOutcome(
      Self.reason(.changed, isAsked ? "A person asked for it again." : "Its text has changed.", slots))
    outcome.changes = [
      .take(
        .init(
          job: job.id, file: file, expected: job.current, stamp: asked.stamp, revision: revision, slots: slots))
    ]
    outcome.effects = isAsked ? [.isMadeAnew] : []
    outcome.effects += withdrawUnsent(job, except: revision.number)
    outcome.effects.append(.reload(job.id, slots: slots, restored: nil))
    return outcome
  }

  /// The text of an earlier revision is back: its pictures are too, and nothing is paid.
  private mutating func restore(
    _ asked: Asked, _ job: Job, _ earlier: Knowledge.EarlierRevision
  ) -> FileOutcome {
    let request = asked.request
    let slots = earlier.slots.filter { !$0.key.isSurplus }
    let wanted = max(earlier.revision.count, request.ownCount)
    let there = slots.map(\.key.number).max() ?? 0
    var added: [Slot] = []
    if wanted > there { added = newSlots(job.id, earlier.revision, (there + 1)...wanted, request) }
    let back = wantedAgain(slots, request)
    var outcome = FileOutcome(
      Self.reason(
        added.isEmpty ? .restored : .more, "A text that it had before is back, with its pictures.", added + back))
    outcome.changes = [
      .makeCurrent(
        job: job.id, revision: earlier.revision.number, expected: job.current, count: wanted, newSlots: added,
        stamp: asked.stamp)
    ]
    if earlier.revision.snapshot.prompt.isEmpty {
      var fresh = earlier.revision
      fresh.snapshot = request.snapshot
      outcome.changes.append(.refresh(job: job.id, fresh))
    }
    outcome.changes += back.map { .move($0, from: .cancelled, outputs: []) }
    outcome.effects = withdrawUnsent(job, except: earlier.revision.number)
    outcome.effects.append(.reload(job.id, slots: added + back, restored: earlier.revision.number))
    return outcome
  }

  /// Withdraws what was not sent of every other text.
  func withdrawUnsent(_ job: Job, except revision: Int) -> [FileEffect] {
    let unsent = job.slots.values.filter { $0.key.revision != revision && $0.isUnsent }.map(\.key)
    return unsent.isEmpty ? [] : [.withdraw(unsent.inOrder, .superseded)]
  }
}
