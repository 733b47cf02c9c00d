// What a sidecar says that the journal does not know: the folder was copied or moved here, the journal was lost or is an
// older one, or somebody else's sidecar came. What was paid for is never paid for again.
extension FileDecision {
  /// What a sidecar says of a file whose job is known; nil where it says nothing new.
  mutating func believeSidecar(
    _ asked: Asked, _ known: KnownFile, _ job: Job, _ current: Revision
  ) throws(FileNeed) -> FileOutcome? {
    guard let sidecar = asked.sidecar else { return nil }
    let likeSidecar = identity(asked.identity, against: sidecar.identity)
    let adopted = Adoption(sidecar, likeSidecar, count: asked.request.count, now: now.wall)
    // Somebody else's sidecar came for the same text before this one's was sent: what it reports is not paid for again.
    if sidecar.jobID != job.id.text, !job.currentSlots.contains(where: \.mayBePaid), let adopted, adopted.isPaid,
      try !wasPaid(asked.identity, job, current)
    {
      return try takeAdopted(
        asked, job.id, adopted, sidecar, likeSidecar, number: job.latest + 1, isCopy: true)
    }
    // A journal that is out of date does not know a text that the sidecar has.
    guard sidecar.jobID == job.id.text, sidecar.revision > job.latest, sidecar.tellsOfPayment else { return nil }
    if let adopted {
      var outcome = try takeAdopted(asked, job.id, adopted, sidecar, likeSidecar, number: sidecar.revision)
      outcome.effects.insert(.warn(.journalIsBehind(file)), at: 0)
      return outcome
    }
    guard var outcome = try believe(sidecar, job, asked.stamp) else { return nil }
    outcome.effects += sidecarIsRead + [.lookAgain]
    return outcome
  }

  // Whether the file's text is an earlier one that is back, and was paid for here.
  private func wasPaid(_ identity: Identity, _ job: Job, _ current: Revision) throws(FileNeed) -> Bool {
    let present = isUntouched(job) ? identity : self.identity(identity, against: current.identity)
    guard present.asksForMore(than: current.identity) else { return false }
    return try knowledge.earlier.get(.earlier(job.id, like: present))?.slots.contains(where: \.mayBePaid) == true
  }

  /// The file's text is the sidecar's.
  mutating func takeAdopted(
    _ asked: Asked, _ id: JobID, _ adopted: Adoption, _ sidecar: StatusSidecar, _ identity: Identity, number: Int,
    isCopy: Bool = false
  ) throws(FileNeed) -> FileOutcome {
    let snapshot = asked.request.snapshot
    let revision = Revision(
      number: number, identity: identity, snapshot: snapshot, count: adopted.count, takenAt: sidecar.createdAt)
    let earlier = isCopy ? Earlier() : try openEarlier(adopted, id)
    var slots: [Slot] = []
    for var slot in adopted.slots(job: id, revision: number) {
      // What is unsent waits for the end of a doubt, and comes back then.
      if slot.state.name == .queued {
        slot.state = asked.doubt == nil ? firstState(asked.request) : .cancelled(.superseded)
      }
      slots.append(slot)
    }
    let waits = asked.doubt != nil && slots.contains { $0.state == .cancelled(.superseded) }
    // The next look says what it waits for.
    var stamp = asked.stamp
    if waits { stamp.prompt.size = -1 }
    let outputs = adopted.outputs(job: id, revision: number)
    let kind = PriceKey(model: snapshot.model, size: snapshot.sentSize)
    var outcome = FileOutcome(Self.reason(.adopted, "Its sidecar says what became of this text.", slots))
    outcome.changes =
      takes(earlier.unknown + [(revision, slots)], outputs, id, stamp, kind) + catchUp(earlier, kind)
    outcome.effects = sidecarIsRead
    if isNew {
      outcome.effects += [began(id, revision, slots, stamp, outputs: outputs), .goOn(earlier.slots)]
    } else {
      if let known, let job = try job(known) { outcome.effects += withdrawUnsent(job, except: number) }
      outcome.effects += [.reload(id, slots: slots, restored: nil), .goOn(earlier.slots + slots)]
    }
    if waits { outcome.effects.append(.lookAgain) }
    return outcome
  }

  /// Makes the journal what a sidecar says of another text than the file's, so that what was paid for goes on and the file
  /// can be weighed against it. Nil where there is nothing in it to believe. `job`: the file's, where something was taken.
  func believe(_ sidecar: StatusSidecar, _ job: Job?, _ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    guard sidecar.tellsOfPayment, let identity = sidecar.identity,
      let adopted = Adoption(sidecar, identity, count: max(1, sidecar.count), now: now.wall)
    else { return nil }
    let id = known?.job ?? JobID(sidecar.jobID)
    let number = max((job?.latest ?? 0) + 1, sidecar.revision)
    // Its text is not known, and no longer wanted: what was not sent is not sent.
    let slots = adopted.slots(job: id, revision: number).map { slot in
      var slot = slot
      if slot.state.name == .queued { slot.state = .cancelled(.superseded) }
      return slot
    }
    var snapshot = sidecar.snapshot ?? Snapshot(prompt: "", model: "")
    snapshot.prompt = ""
    let revision = Revision(
      number: number, identity: identity, snapshot: snapshot, count: adopted.count, takenAt: sidecar.createdAt)
    var unlike = stamp
    unlike.prompt.size = -1
    let earlier = try openEarlier(adopted, id)
    let kind = PriceKey(model: snapshot.model, size: snapshot.sentSize)
    var outcome = FileOutcome(FileReason(.adopted, .journalIsBehind(file)))
    outcome.changes =
      takes(earlier.unknown + [(revision, slots)], adopted.outputs(job: id, revision: number), id, unlike, kind)
      + catchUp(earlier, kind)
    outcome.effects = [
      .warn(.journalIsBehind(file)), .reload(id, slots: [], restored: nil), .goOn(slots + earlier.slots),
    ]
    return outcome
  }

  /// Takes over what the sidecar of a prompt in a folder that is nobody's tells, where it is likely that this agent wrote it
  /// with a state that was lost since: a task that is paid for is followed, and its picture kept in the state folder.
  /// Nothing is submitted for it before somebody says whose the folder is.
  mutating func followUndecided(_ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    guard isNew, seen.isRead.prompt, seen.isSidecarPerhapsOurs, case .success(let sidecar?) = seen.sidecar,
      sidecar.tellsOfPayment, let identity = sidecar.identity,
      // A copy of a folder whose job is here already.
      try !knowledge.isSidecarsJobKnown.get(.sidecarsJob(JobID(sidecar.jobID))),
      // What is wrong with the prompt is said once the folder is this agent's.
      case .success(var request) = try seen.understood.get(.understanding)
    else { return nil }
    let present = Identity(
      prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA, request: identity.request)
    guard let adopted = Adoption(sidecar, present, count: max(1, sidecar.count), now: now.wall) else {
      return try believe(sidecar, nil, stamp)
    }
    request.snapshot.images = sidecar.snapshot?.images ?? []
    let doubt = doubt(about: request, stamp.prompt)
    return try takeAdopted(
      Asked(request: request, identity: identity, stamp: stamp, doubt: doubt, sidecar: sidecar),
      known?.job ?? JobID(sidecar.jobID), adopted, sidecar, identity, number: max(1, sidecar.revision))
  }

  // MARK: submissions for other texts

  /// What a sidecar says of submissions for other texts that are still open.
  private struct Earlier {
    /// Texts that the journal does not know.
    var unknown: [(revision: Revision, slots: [Slot])] = []
    /// Slots that it knows less of, and the states that it has them in.
    var behind: [(slot: Slot, from: StateName)] = []

    var slots: [Slot] { unknown.flatMap(\.slots) + behind.map(\.slot) }
  }

  private func openEarlier(_ adopted: Adoption, _ id: JobID) throws(FileNeed) -> Earlier {
    var earlier = Earlier()
    let open = adopted.earlier(job: id)
    guard !open.isEmpty else { return earlier }
    let known = try knowledge.slots.get(.slots(id, revisions: open.map(\.revision.number)))
    for (revision, slots) in open {
      let there = known[revision.number] ?? []
      if there.isEmpty { earlier.unknown.append((revision, slots)) }
      for slot in slots {
        guard let own = there.first(where: { $0.key == slot.key }), own.learns(from: slot) else { continue }
        earlier.behind.append((slot, own.state.name))
      }
    }
    return earlier
  }

  private func catchUp(_ earlier: Earlier, _ kind: PriceKey) -> [JournalChange] {
    earlier.behind.map { .move($0.slot, from: $0.from, outputs: []) }
      + earlier.behind.flatMap { Billing.changes(reported: $0.slot, file: file, kind: kind) }
  }

  // The changes that take revisions, one after the other; the last one is current.
  private func takes(
    _ revisions: [(revision: Revision, slots: [Slot])], _ outputs: [Output], _ id: JobID, _ stamp: TakenStamp,
    _ kind: PriceKey
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
}

extension JobError {
  /// A sidecar has a submission that the journal does not know.
  public static func journalIsBehind(_ file: FileKey) -> JobError {
    JobError(
      code: .journalBehind,
      message:
        "The sidecar of \(file.path.display) has a submission that the journal does not know. promptdrop takes it over."
    )
  }
}
