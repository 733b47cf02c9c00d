import JobCore

// Submissions: which queued slots begin, and when, up to the intent.
extension Pipeline {
  private var capacity: Int {
    min(settings.maxInFlight - jobs.atService, requests.available)
  }

  /// Begins what may begin now.
  func startQueued(at now: Duration) {
    dispatcher.beginTurn()
    guard lifecycle.isWorking, ledger.priceWait() == nil, hasSeenWhatWasPaid(at: now), !isStopping, capacity > 0,
      !lateTries.isClosed
    else {
      return
    }
    guard backlog.hasReady else { return fill() }
    var room = capacity
    let admission = dispatcher.admit(at: now)
    switch admission {
    case .all: break
    case .one: room = 1
    case .none: return
    case .probe:
      start { await self.probe() }
      return
    }
    while room > 0, backlog.hasReady, dispatcher.takesAnother(at: now), let key = backlog.takeFirst() {
      room -= 1
      start(dispatcher.ticket(key, tries: admission == .one))
    }
    if backlog.isLow { fill() }
  }

  // Where the journal was lost, only the sidecars say what was spent today, and whose prompts are whose: under a limit, or
  // where a root that is new to the journal has sidecars, what stands in the folders at the start is looked at before
  // anything is submitted.
  private func hasSeenWhatWasPaid(at now: Duration) -> Bool {
    if catchUp.wasSeen { return true }
    guard survey.isSurveyed else { return false }
    guard settings.spending.areSet || survey.foundSidecars else { return true }
    guard survey.isScanned else { return false }
    return catchUp.isOver(at: now, isSettled: arrivals.isAtRest)
  }

  // Fetches the next few from the journal, where the backlog is.
  private func fill() {
    guard let asked = backlog.beginFilling() else { return }
    start { [self] in
      do {
        let (open, limitsEnd) = ledger.openRoots()
        let found = try await journal.startable(
          roots: open, at: wallClock, limit: max(64, settings.maxInFlight), except: taken())
        // Their jobs together, in one trip.
        try await jobs.prepare(found.map(\.job))
        backlog.filled(found, isTaken: jobs.isRunning)
        if found.isEmpty {
          let next = try await journal.nextStart(roots: open, except: taken())
          backlog.journalIsEmpty(asked, next: [next.map(monotonic), limitsEnd].compactMap { $0 }.min())
        }
      } catch {
        fail(error)
      }
      backlog.endFilling()
      pump()
    }
  }

  /// These changes are about to be committed. What they take, and what may begin at once, begins in the same commit: what
  /// is in it is durable together, and where a file turns out not to be taken its slot is not moved either. The jobs whose
  /// slots are in the queue now: they are not to be queued again, for they may have ended by then.
  func beginAhead(_ changes: [JournalChange]) -> Set<JobID> {
    guard backlog.isEmpty else { return [] }
    var ahead: Set<JobID> = []
    // A job that two files name, as copies of a folder do, goes to whichever is taken: which one that is, is not known yet.
    let takes = changes.compactMap { if case .take(let take) = $0, take.expected == nil { take } else { nil } }
    let named = Dictionary(takes.map { ($0.job, 1) }, uniquingKeysWith: +)
    for take in takes where named[take.job] == 1 && jobs[take.job] == nil && !jobs.isTaken(take.job) {
      let keys = take.slots.filter { $0.state == .queued(Queued()) }.map(\.key)
      guard !keys.isEmpty, keys.count == take.slots.count, backlog.add(keys, isTaken: jobs.isRunning) else { continue }
      jobs.remember(take.job(at: take.revision.takenAt), takenAt: now)
      ahead.insert(take.job)
    }
    if backlog.hasReady { startQueued(at: now) }
    return ahead
  }

  /// What was to begin was not taken after all.
  func giveUpAhead(_ take: JournalChange.Take) {
    for slot in take.slots { backlog.remove(slot.key) }
    jobs.forget(take.job)
  }

  // What the journal is not asked for.
  private func taken() -> Set<SlotKey> {
    var taken = jobs.underWay
    taken.formUnion(backlog.keys)
    taken.formUnion(dispatcher.asleep(at: wallClock))
    return taken
  }

  /// New slots are in the journal.
  func queued(_ job: Job, _ keys: [SlotKey]) {
    if backlog.add(keys, isTaken: jobs.isRunning) { jobs.remember(job, takenAt: now) }
  }

  /// A slot is in the queue again, from `notBefore` on; nil: from now on.
  func requeued(notBefore: Timestamp?) {
    guard let notBefore, notBefore > wallClock else { return backlog.journalHasNew() }
    backlog.wake(at: monotonic(notBefore))
  }

  /// The slot is about to become something else: it does not wait for its turn any more.
  func takeFromQueue(_ key: SlotKey) {
    backlog.remove(key)
    jobs.forget(key.job)
  }

  private func start(_ ticket: Ticket) {
    let key = ticket.slot
    // Two at once would be two submissions in the making, and the end of one that of the other.
    guard jobs.claim(key) else { return backlog.journalHasNew() }
    guard ticket.takePlace(requests) else {
      jobs.unclaim(key)
      return backlog.putBack(key)
    }
    start { await self.begin(ticket) }
  }

  private func begin(_ ticket: Ticket) async {
    let key = ticket.slot
    do {
      var isFresh = jobs.isJustTaken(key.job, at: now)
      guard try await jobs.activate(key), let entry = jobs[key.job] else { return notNow(ticket) }
      let bytes = entry.job.referenceBytes(key)
      let hasWaited = await ticket.takeReferences(bytes, from: referenceRoom, requests: requests) { pump() }
      if hasWaited { isFresh = false }
      guard case .queued? = entry.job.slots[key]?.state, !isStopping else { return notNow(ticket) }
      let attemptID = surroundings.newID()
      let day = SpendBook.day(of: wallClock)
      let reserved: Credits?
      switch try await ledger.reserve(attemptID, for: key, of: entry.job) {
      case .go(let amount): reserved = amount
      case .waitForPrice(let why):
        waitForPrice(why)
        backlog.putBack(key)
        return notNow(ticket)
      case .wait(let until, let why, let wholeAgent):
        limit(entry.job.file.root, wholeAgent: wholeAgent, until: until, why)
        ticket.notSent()
        return await advance(key, .postponed(until: until, why))
      }
      let lookedAt = now
      switch try await prepare(key, entry, isFresh: isFresh) {
      case .failure(let why):
        ledger.release(attemptID)
        ticket.notSent()
        if let event = why.event { return await advance(key, event) }
        switch entry.job.slots[key]?.state {
        case .queued?: letBe(key)
        case let state? where !state.name.isSettled: break
        default: leave(key)
        }
        pump()
      case .success(let prepared):
        var request = prepared.request
        // Midnight has passed meanwhile: it was weighed against another day's limits.
        if isStopping || SpendBook.day(of: wallClock) != day {
          ledger.release(attemptID)
          requeued(notBefore: nil)
          return notNow(ticket)
        }
        let secret = settings.callbackBase.map { _ in surroundings.newSecret() }
        request.callbackURL = settings.callbackBase.flatMap { base in secret.map { "\(base)/callback/\($0)" } }
        entry.requests[key] = ReadyRequest(request: request, ticket: ticket, lookedAt: lookedAt)
        marks.prepare(attemptID)
        // From here on a stop waits for it, so that nothing says "submitting" once nobody does.
        jobs.beginPost(key)
        // Reference images are not to be held in memory for longer than their POST takes.
        await advance(
          key,
          .start(
            attemptID: attemptID, bootID: surroundings.bootID,
            requestSHA: prepared.sha256, callbackSHA: secret.map(reader.digest),
            reserved: reserved?.text), alone: bytes == 0)
        // The slot had become something else in that moment: nothing was begun.
        if entry.job.slots[key]?.attempts.contains(where: { $0.attemptID == attemptID }) != true {
          dropRequest(key, entry)
          ledger.release(attemptID)
          marks.clear(attemptID)
        }
      }
    } catch {
      fail(error)
    }
  }

  // It is left in the queue as it is.
  private func notNow(_ ticket: Ticket) {
    let key = ticket.slot
    ticket.notSent()
    if !isFollowed(key) { leave(key) }
    pump()
  }
}

extension JournalChange.Take {
  /// The job of a file that is new, as it is once this is committed.
  func job(at moment: Timestamp) -> Job {
    Job(
      id: job, file: file, current: revision.number, latest: revision.number, stamp: stamp,
      revisions: [revision.number: revision],
      slots: Dictionary(slots.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }), outputs: outputs,
      createdAt: moment)
  }
}
