import JobCore

// The scheduler: which queued slots begin, and when.
extension Pipeline {
  private var capacity: Int {
    min(settings.maxInFlight - jobs.atService, requests.available)
  }

  /// Begins what may begin now.
  func startQueued(at now: Duration) {
    dispatcher.beginTurn()
    guard ledger.priceWait() == nil, hasSeenWhatWasPaid(at: now), !isStopping, capacity > 0, !lateTries.isClosed else {
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
    if !backlog.hasReady { fill() }
  }

  // Where the journal was lost, only the sidecars tell what was spent today, and whose prompts are whose: under a limit, or
  // where a root that is new to the journal has sidecars, what stands in the folders at the start is looked at before
  // anything is submitted.
  private func hasSeenWhatWasPaid(at now: Duration) -> Bool {
    if catchUp.wasSeen { return true }
    guard unsurveyed.isEmpty, readingStrays == 0 else { return false }
    guard settings.spending.areSet || sidecarsAreNew else { return true }
    guard unscanned.isEmpty else { return false }
    return catchUp.isOver(at: now, isSettled: settling.count == 0 && examinations == 0)
  }

  // What changes it is heard of; this is for what is not.
  private static let ownerWait: Duration = .seconds(600)

  // Fetches the next few from the journal, where the backlog is.
  private func fill() {
    guard let asked = backlog.beginFilling() else { return }
    start { [self] in
      do {
        let (open, limitsEnd) = ledger.openRoots()
        let found = try await journal.startable(
          roots: open, at: wallClock, limit: max(64, settings.maxInFlight), except: taken())
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
  /// is in it is durable together, and where a file turns out not to be taken its slot is not moved either.
  func beginAhead(_ changes: [JournalChange]) {
    guard backlog.isEmpty else { return }
    for case .take(let take) in changes where take.expected == nil {
      let keys = take.slots.filter { $0.state == .queued(Queued()) }.map(\.key)
      if !keys.isEmpty, backlog.add(keys, isTaken: jobs.isRunning) {
        jobs.remember(take.job(at: take.revision.takenAt))
      }
    }
    if backlog.hasReady { startQueued(at: now) }
  }

  // What the journal is not asked for.
  private func taken() -> Set<SlotKey> { jobs.underWay.union(backlog.keys).union(dispatcher.asleep(at: wallClock)) }

  /// New slots are in the journal.
  func queued(_ job: Job, _ keys: [SlotKey]) {
    if backlog.add(keys, isTaken: jobs.isRunning) { jobs.remember(job) }
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
      var isFresh = jobs.isJustTaken(key.job)
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
        entry.requests[key] = (request, ticket)
        marks.prepare(attemptID)
        // From here on a stop waits for it, so that nothing says "submitting" once nobody does.
        jobs.beginPost(key)
        await advance(
          key,
          .start(
            attemptID: attemptID, bootID: surroundings.bootID,
            requestSHA: prepared.sha256, callbackSHA: secret.map(reader.digest),
            reserved: reserved?.text))
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

  // Nil: the slot has become something else meanwhile, and goes on as that.
  private struct NotNow: Error {
    var event: SlotEvent?
    init(_ event: SlotEvent?) { self.event = event }
  }

  private struct Prepared {
    var request: SubmitRequest
    // Of what is sent.
    var sha256: String
  }

  // The last look before money is spent: is the prompt still there and the same, and are its reference images?
  private func prepare(
    _ key: SlotKey, _ entry: ActiveJob, isFresh: Bool
  ) async throws -> Result<Prepared, NotNow> {
    let file = entry.job.file
    // What the file says now is what is wanted: a text that was replaced is not sent, unless it was in doubt and a person
    // wants it; nor is one whose file cannot be taken as it stands. Should it come back, so does its place in the queue.
    if key.revision != entry.job.current,
      entry.job.slots[key]?.attempts.contains(where: { $0.outcome.mayBePaid }) != true
    {
      return .failure(NotNow(.withdrawn(.superseded)))
    }
    if let note = entry.job.note {
      // Its place in the queue is kept for the moment in which its file is closed.
      guard note.isOfWriter, note.state == .queued else { return .failure(NotNow(.withdrawn(.superseded))) }
      return .failure(NotNow(.postponed(until: wallClock + pause(for: note), note.error)))
    }
    // Another's sidecar may have been seen since it was taken.
    let owner = entry.job.revisions[key.revision]?.snapshot.owner
    if isFresh, let problem = belonging(file, owner: owner).problem { return .failure(waitForOwner(problem)) }
    let isLetGo = takenThoughOpen[key.job].map { $0 == entry.job.stamp?.prompt } ?? false
    if !isFresh || !isJustTaken(key, entry) {
      let look = await files.lookBeforeSending(file, list: DropNames.list(of: file))
      if let written = look.beingWritten, !isLetGo, let event = try await putOff(key, entry, written) {
        return .failure(NotNow(event))
      }
      switch look.prompt {
      case .file(let stamp, _) where stamp == entry.job.stamp?.prompt: break
      case .missing: return .failure(NotNow(.withdrawn(.sourceGone)))
      default:
        settling.noticed(file, .found, at: now)
        return .failure(NotNow(.postponed(until: wallClock + settings.windows.revision + .seconds(1), nil)))
      }
    }
    if !isFresh {
      let belonging = await belonging(of: file)
      if case .other(let problem) = belonging { return .failure(waitForOwner(problem)) }
      do {
        // What was paid for is followed, whoever the folder belongs to; who wrote the sidecar is known after that.
        if try await sidecarKnowsMore(key, entry) { return .failure(NotNow(nil)) }
        if let problem = await notOurs(file) { return .failure(waitForOwner(problem)) }
        // The intent of a try that was not sent may still stand there, and is forgotten by the journal after some more:
        // then it would look like a submission in doubt.
        if entry.job.slots[key]?.attempts.last?.outcome == .notSent,
          try await told(of: file)?.attempts.contains(where: { $0.attempt.outcome == .begun }) == true
        {
          try await writeSidecar(entry, durable: true)
        }
      } catch let trouble as LocalTrouble where !trouble.isFatal {
        return .failure(NotNow(.postponed(until: wallClock + settings.policy.localTroubleDelay, trouble.error)))
      }
    }
    // An empty text is never sent, whatever the journal holds.
    guard var revision = entry.job.revisions[key.revision], !revision.snapshot.prompt.isEmpty else {
      return .failure(NotNow(.withdrawn(.superseded)))
    }
    var images: [ReferenceImage] = []
    var isChanged = false
    var written: FileKey?
    for (index, image) in revision.snapshot.images.enumerated() {
      if let url = image.url { images.append(.url(url)) }
      guard let path = image.path else { continue }
      do throws(LocalTrouble) {
        let reference = FileKey(root: file.root, path: DropPath(path))
        let content = try await files.referenceContent(
          reference, limit: settings.maxReferenceBytes, evenIfOpen: isLetGo)
        guard let content else {
          written = reference
          break
        }
        images.append(.data(content.bytes, content.format))
        guard content.sha256 != image.sha256 else { continue }
        revision.snapshot.images[index] = ImageInput(path: path, sha256: content.sha256, bytes: content.bytes.count)
        isChanged = true
      } catch {
        // Something happened to it while the job waited: the file is looked at as if it were new.
        settling.noticed(file, .found, at: now)
        return .failure(NotNow(.postponed(until: wallClock + .seconds(5), error.error)))
      }
    }
    if let written {
      let event = try await putOff(key, entry, written)
      return .failure(NotNow(event ?? .postponed(until: wallClock + .seconds(1), nil)))
    }
    if isChanged {
      revision.identity.request = reader.requestHash(revision.snapshot)
      // Once a picture was begun with the former ones, the revision goes on telling of these, in the journal and so in hand
      // too; the attempt has the hash of what it sends.
      if try await commit([.refresh(job: key.job, revision)]).first == .applied {
        entry.job.revisions[key.revision] = revision
      }
    }
    return .success(
      Prepared(
        request: SubmitRequest(snapshot: revision.snapshot, images: images), sha256: revision.identity.request))
  }

  // Whether the file was looked at a moment ago, so that there is no need to look whether it was opened since.
  private func isJustTaken(_ key: SlotKey, _ entry: ActiveJob) -> Bool {
    guard let revision = entry.job.revisions[key.revision] else { return false }
    let age = wallClock - revision.takenAt
    return age >= .zero && age < .seconds(1)
  }

  // `once` does not wait for a person; whoever decides wakes what waits for that.
  private func waitForOwner(_ problem: JobError) -> NotNow {
    NotNow(.postponed(until: wallClock + (mode == .once ? RetryPolicy.longestWait : Self.ownerWait), problem))
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
