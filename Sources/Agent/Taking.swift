import JobCore

// A complete, settled file against what is known of it: new, changed, restored, renamed, or nothing to do.
extension Pipeline {
  func decide(
    _ file: FileKey, _ known: KnownFile?, _ request: PromptRequest, _ told: StatusSidecar?, _ stamp: TakenStamp,
    _ doubt: Doubt?, nearList: Bool, age: Duration, start: Duration
  ) async throws -> Plan? {
    let whole = Identity(
      prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA,
      request: reader.requestHash(request.snapshot))
    let likeTold = identity(whole, nearList: nearList, against: told?.identity)
    guard let known, known.current > 0, let job = try await inHand(known.job),
      let current = job.revisions[known.current]
    else {
      return try await takeNew(file, known, request, whole, told, likeTold, stamp, doubt, nearList: nearList)
    }
    let isUntouched = isUntouched(job)
    let identity = isUntouched ? whole : identity(whole, nearList: nearList, against: current.identity)
    // Somebody else's sidecar came for the same text before this one's was sent: what it tells of is not paid for again.
    if let told, told.jobID != job.id.text, !job.currentSlots.contains(where: \.mayBePaid),
      let adopted = Adoption(told, likeTold, count: request.count, now: wallClock), adopted.isPaid
    {
      settling.finishedUnlessNoticed(file)
      return try await takeAdopted(
        file, known, job.id, adopted, told, request, likeTold, stamp, doubt, number: job.latest + 1, isCopy: true)
    }
    // A journal that is out of date does not know of a text that the sidecar tells of.
    if let told, told.jobID == job.id.text, told.revision > job.latest, told.tellsOfPayment {
      if let adopted = Adoption(told, likeTold, count: request.count, now: wallClock) {
        settling.finishedUnlessNoticed(file)
        observer.notice(.warning, Self.behind(file))
        return try await takeAdopted(
          file, known, job.id, adopted, told, request, likeTold, stamp, doubt, number: told.revision)
      }
      if try await believe(told, file, known, job, stamp) {
        keptSidecars.remove(file)
        settling.noticed(file, .found, at: now)
        return nil
      }
    }
    keptSidecars.remove(file)
    if wantedAnew.contains(file) {
      settling.finishedUnlessNoticed(file)
      if let doubt { return plan(doubt, file, known, stamp, start) }
      wantedAnew.remove(file)
      return try await takeRevision(file, job, request, whole, stamp, isAsked: true)
    }
    guard identity.asksForMore(than: current.identity) else {
      settling.finishedUnlessNoticed(file)
      if let doubt {
        if wouldLetGo(job, current, request) { return plan(doubt, file, known, stamp, start) }
        if doubt.isOfControlFile {
          // What was not sent waits for the file that has just come or changed; the rest stays as it was taken.
          if isUntouched, hasNewControls(known, stamp) { return plan(doubt, file, known, stamp, start) }
          if !request.hold { return letStay(file, known, job, stamp) }
        }
      }
      return takeAgain(file, known, job, current, request, identity, stamp)
    }
    if case .wait = settling.isRevision(file, age: age, at: now) { return nil }
    let earlier = try await journal.revision(of: job.id, like: identity)
    // Another prompt may have been renamed over this one.
    if earlier == nil || renames.former(of: file) != nil {
      switch try await origin(of: file, known, identity, stamp, grace: settings.copyGrace) {
      case .renamed(let moved, let former): return follow(file, known, moved, from: former)
      case .notYet: return nil
      case .none: break
      }
    }
    settling.finishedUnlessNoticed(file)
    if let earlier {
      // Its pictures come back in any case; what would be paid for besides waits.
      if let doubt, try await wouldPay(job, earlier, request) { return plan(doubt, file, known, stamp, start) }
      return try await restore(file, job, earlier, request, stamp)
    }
    if let told, told.jobID == job.id.text,
      let adopted = Adoption(told, likeTold, count: request.count, now: wallClock)
    {
      observer.notice(.warning, Self.behind(file))
      let number = max(job.latest + 1, told.revision)
      return try await takeAdopted(file, known, job.id, adopted, told, request, likeTold, stamp, doubt, number: number)
    }
    if let doubt { return plan(doubt, file, known, stamp, start) }
    let held = nearList && identity.source == current.identity.source ? heldStill(job) : nil
    return try await takeRevision(file, job, request, identity, stamp, held: held)
  }

  // MARK: a file that is not known

  private func takeNew(
    _ file: FileKey, _ known: KnownFile?, _ request: PromptRequest, _ identity: Identity, _ told: StatusSidecar?,
    _ likeTold: Identity, _ stamp: TakenStamp, _ doubt: Doubt?, nearList: Bool
  ) async throws -> Plan? {
    // A copy that has a sidecar which tells of an end needs nothing else to be told what it is.
    let isTold = told.map { $0.state.isSettled && Adoption($0, likeTold, count: request.count, now: wallClock) != nil }
    // A list under nearly the right name says nothing of where the file comes from.
    var textual = identity
    if nearList { textual.list = nil }
    switch try await origin(
      of: file, known, textual, stamp, grace: isTold == true ? .zero : settings.copyGrace)
    {
    case .renamed(let moved, let former): return follow(file, known, moved, from: former)
    case .notYet: return nil
    case .none: settling.finishedUnlessNoticed(file)
    }
    var id = known?.job ?? JobID(surroundings.newID())
    // The folder was copied, and the first one is still here: its tasks are the first one's.
    let isCopy = if let told { try await journal.jobs([JobID(told.jobID)])[0] != nil } else { false }
    if let told, let adopted = Adoption(told, likeTold, count: request.count, now: wallClock) {
      if known == nil, !isCopy { id = JobID(told.jobID) }
      return try await takeAdopted(
        file, known, id, adopted, told, request, likeTold, stamp, doubt, number: max(1, told.revision), isCopy: isCopy)
    }
    if let told, !isCopy, try await believe(told, file, known, nil, stamp) {
      settling.noticed(file, .found, at: now)
      return nil
    }
    if let doubt { return plan(doubt, file, known, stamp, now) }
    let revision = Revision(
      number: 1, identity: identity, snapshot: request.snapshot, count: request.count, takenAt: wallClock)
    keptSidecars.remove(file)
    var slots = newSlots(id, revision, 1...request.count, request)
    // Held for a person before the journal was lost, and still.
    if let told, told.identity == identity, told.reason == HeldReason.burst.rawValue, settings.burstLimit > 0 {
      slots = slots.map { Slot(key: $0.key, state: beyondBurst) }
    }
    return take(file, known, id, revision, slots, stamp, isNew: true)
  }

  private func take(
    _ file: FileKey, _ known: KnownFile?, _ id: JobID, _ revision: Revision, _ slots: [Slot], _ stamp: TakenStamp,
    outputs: [Output] = [], isNew: Bool
  ) -> Plan {
    var plan = Plan(file: file)
    plan.changes = [
      .take(
        .init(
          job: id, file: file, expected: known?.current, stamp: stamp, revision: revision, slots: slots,
          outputs: outputs))
    ]
    let job = Job(
      id: id, file: file, current: revision.number, latest: revision.number, stamp: stamp,
      revisions: [revision.number: revision],
      slots: Dictionary(slots.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }), outputs: outputs,
      createdAt: known?.note?.since ?? revision.takenAt)
    plan.then = { [self] in await began(job, slots) }
    return plan
  }

  // Slots that are new to the journal: those that can begin are in the queue, those under way go on.
  private func began(_ job: Job, _ slots: [Slot]) async {
    // Somebody may have it in hand for what was noted of the file before it could be taken.
    jobs[job.id]?.bringUpToDate(with: job)
    observer.changed(job)
    queued(job, slots.filter { $0.state.name == .queued }.map(\.key))
    for slot in slots {
      switch slot.state {
      case .submitted:
        do { if try await jobs.activate(slot.key) { await advance(slot.key, .restarted) } } catch { fail(error) }
      case .held: await show(job.id)
      default: break
      }
    }
    if job.state == .queued, settings.maxInFlight - jobs.underWay.count - backlog.count < 0 { await showWaiting(job) }
  }

  // A short queue says so in every sidecar; in a long one the state is in the journal, and each sidecar comes with its
  // turn.
  private func showWaiting(_ job: Job) async {
    guard !backlog.isInJournal, jobs[job.id] == nil else { return }
    await show(job.id)
  }

  /// Writes a job's sidecar now, as the job is when its turn to be written comes.
  func show(_ id: JobID) async {
    do {
      try await withJob(id) { entry in
        do throws(LocalTrouble) {
          try await writeSidecar(entry, durable: false)
        } catch {
          noticeLocal(error.error, .sidecar, in: entry.job.file.root)
        }
      }
    } catch {
      fail(error)
    }
  }

  func takeAdopted(
    _ file: FileKey, _ known: KnownFile?, _ id: JobID, _ adopted: Adoption, _ told: StatusSidecar,
    _ request: PromptRequest, _ identity: Identity, _ seen: TakenStamp, _ doubt: Doubt?, number: Int,
    isCopy: Bool = false
  ) async throws -> Plan {
    let revision = Revision(
      number: number, identity: identity, snapshot: request.snapshot, count: adopted.count, takenAt: told.createdAt)
    let slots = adopted.slots(job: id, revision: number).map { slot in
      guard slot.state.name == .queued else { return slot }
      var slot = slot
      // What is unsent waits for the end of a doubt, and comes back then.
      slot.state = doubt == nil ? firstState(request) : .cancelled(.superseded)
      return slot
    }
    let waits = doubt != nil && slots.contains { $0.state == .cancelled(.superseded) }
    // The next look says what it waits for.
    var stamp = seen
    if waits { stamp.prompt.size = -1 }
    let outputs = adopted.outputs(job: id, revision: number)
    let earlier = isCopy ? Earlier() : try await openEarlier(adopted, id)
    let kind = PriceKey(model: request.snapshot.model, size: request.snapshot.sentSize)
    var plan = take(file, known, id, revision, slots, stamp, outputs: outputs, isNew: false)
    plan.changes =
      takes(earlier.unknown + [(revision, slots)], outputs, id, file, known, stamp, kind) + catchUp(earlier, file, kind)
    let then = plan.then
    plan.then = { [self] in
      keptSidecars.remove(file)
      if known?.current ?? 0 == 0 {
        await then()
      } else {
        do {
          if let job = try await inHand(id) { await withdrawUnsent(job, except: number) }
        } catch {
          fail(error)
        }
        await reload(id, new: slots)
      }
      do { try await goOn(earlier.slots + (known?.current ?? 0 == 0 ? [] : slots)) } catch { fail(error) }
      if waits { settling.noticed(file, .found, at: now) }
    }
    return plan
  }

  // MARK: a file that is known

  private func takeAgain(
    _ file: FileKey, _ known: KnownFile, _ job: Job, _ current: Revision, _ request: PromptRequest,
    _ identity: Identity, _ stamp: TakenStamp
  ) -> Plan {
    var plan = Plan(file: file)
    let hasChanged = identity.request != current.identity.request
    if known.note != nil { plan.changes.append(.note(job: job.id, file: file, nil, stamp: nil, at: wallClock)) }
    var added: [Slot] = []
    if request.ownCount > current.count {
      added = newSlots(job.id, current, (current.count + 1)...request.count, request)
      plan.changes.append(
        .makeCurrent(
          job: job.id, revision: current.number, expected: known.current, count: request.count, newSlots: added,
          stamp: stamp))
    }
    if stamp != known.stamp || hasChanged != job.inputsChanged || !added.isEmpty {
      plan.changes.append(.seen(job: job.id, stamp: stamp, inputsChanged: hasChanged))
    }
    var back = wantedAgain(job.currentSlots, request)
    plan.changes += back.map { .move($0, from: .cancelled, outputs: []) }
    // The line "hold: true" came or went, or the file was closed: together with the file's stamp, after which nobody looks
    // again.
    for slot in job.currentSlots where !jobs.isRunning(slot.key) {
      var slot = slot
      let before = slot.state.name
      switch slot.state {
      case .held(let held) where held.reason == .asked && !request.hold: slot.state = .queued(Queued())
      case .queued where request.hold && !letGo.contains(job.id) && !slot.attempts.contains { $0.outcome.mayBePaid }:
        slot.state = Self.askedFor
      case .queued(let queued) where queued.isOfWriter: slot.state = .queued(Queued())
      default: continue
      }
      plan.changes.append(.move(slot, from: before, outputs: []))
      back.append(slot)
    }
    let moved = back
    plan.then = { [self] in
      jobs.seen(job.id, stamp)
      if known.note != nil || hasChanged != job.inputsChanged || !moved.isEmpty || !added.isEmpty {
        for slot in moved { backlog.remove(slot.key) }
        jobs.forget(job.id)
        await reload(job.id, new: added + moved)
      }
    }
    return plan
  }

  /// Withdraws what was not sent of every other text.
  func withdrawUnsent(_ job: Job, except revision: Int) async {
    for slot in job.slots.values where slot.key.revision != revision && slot.isUnsent {
      await withdraw(slot.key, .superseded)
    }
  }

  /// The journal has more of the job than is in hand: its facts are taken over, and once `afterwards` is done, which may
  /// rename pictures, people are told and its sidecar is brought up to date.
  func reload(_ id: JobID, new slots: [Slot], afterwards: () async -> Void = {}) async {
    do {
      guard let fresh = try await journal.jobs([id])[0] else { return }
      jobs[id]?.bringUpToDate(with: fresh)
      await afterwards()
      guard let job = try await inHand(id) else { return }
      observer.changed(job)
      queued(job, slots.filter { $0.state.name == .queued }.map(\.key))
      await show(job.id)
    } catch {
      fail(error)
    }
  }
}
