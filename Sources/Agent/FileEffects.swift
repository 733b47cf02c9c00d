import JobCore

// What a decision on a file has done for it, once its changes are durable.
extension Pipeline {
  func carryOut(_ effects: [FileEffect], _ file: FileKey, ahead: Set<JobID> = []) async throws {
    for effect in effects {
      switch effect {
      case .sayNotOurs(let problem): sayNotOurs(file, problem)
      case .sayLeftOut(let problem): sayLeftOut(file, problem)
      case .warn(let error): observer.notice(.warning, error)
      case .showNote(let id, let note): await show(note, of: id)
      case .sidecarIsRead: sidecars.wasRead(file)
      case .isMadeAnew: overrides.wantedAnew.remove(file)
      case .began(let job, let slots): await began(job, slots, isAhead: ahead.contains(job.id))
      case .seenAgain(let id, let stamp):
        jobs.seen(id, stamp)
      case .reload(let id, let slots, let restored):
        for slot in slots { backlog.remove(slot.key) }
        jobs.forget(id)
        await reload(id, new: slots) { if let restored { await putBack(id, restored) } }
      case .goOn(let slots): try await goOn(slots)
      case .withdraw(let keys, let reason): for key in keys { await withdraw(key, reason) }
      case .follow(let id, let former, let displaced):
        origins.followed(file)
        if let displaced, displaced.wasTaken { await gaveWay(displaced.job, to: displaced.place) }
        await moved(id, from: former, to: file)
      case .removeSidecar(let job): await removeSidecar(of: file, unlessMoreThan: job)
      case .putKeptBack: putKeptBack()
      case .lookAgain: lookAt(file)
      }
    }
  }

  private func sayLeftOut(_ file: FileKey, _ problem: JobError) {
    guard arrivals.isLeftOut(file) else { return }
    observer.notice(.info, JobError(code: problem.code, message: "\(file.path.display): \(problem.message)"))
  }

  // What keeps a file is said in its sidecar.
  private func show(_ note: FileNote, of id: JobID) async {
    do {
      try await withJob(id) { entry in
        // The file may have been taken since; then nothing is to be said of it any more.
        guard try await journal.known([entry.job.file])[0]?.note == note else { return }
        entry.job.note = note
        observer.changed(entry.job)
        // There is no name for a sidecar, so the log has to do, and `status`.
        if note.error.code == .nameTooLong {
          var error = note.error
          error.message = "\(entry.job.file.path.display): \(error.message)"
          return observer.notice(.warning, error)
        }
        // Where the journal was lost, this is all that is left of what was paid for.
        if try await sidecarHasMore(than: entry.job) { return }
        try await writeSidecar(entry, durable: false)
      }
    } catch let trouble as LocalTrouble {
      observer.notice(.warning, trouble.error)
      localTrouble = trouble.error
    } catch {
      fail(error)
    }
  }

  private func removeSidecar(of file: FileKey, unlessMoreThan job: Job?) async {
    do throws(LocalTrouble) {
      if let job, try await sidecarHasMore(than: job) { return }
      if await notOurs(file) == nil { try await files.removeSidecar(of: file) }
    } catch {
      observer.notice(.warning, error.error)
    }
  }

  // Slots that are new to the journal: those that can begin are in the queue, those under way go on.
  // `isAhead`: they began in the same commit, and may be on their way or have ended by now.
  private func began(_ job: Job, _ slots: [Slot], isAhead: Bool) async {
    // Somebody may have it in hand for what was noted of the file before it could be taken.
    if !isAhead { jobs[job.id]?.bringUpToDate(with: job) }
    if let entry = jobs[job.id] { report(entry) } else { observer.changed(job) }
    if !isAhead { queued(job, slots.filter { $0.state.name == .queued }.map(\.key)) }
    for slot in slots {
      switch slot.state {
      case .submitted:
        do { if try await jobs.activate(slot.key) { await advance(slot.key, .restarted) } } catch { fail(error) }
      case .held: await show(job.id)
      default: break
      }
    }
    if job.state == .queued, let last = slots.last, !jobs.isRunning(last.key), sidecars.awaitsFirst(last.key) {
      schedule(.waiting(last.key), at: now + Self.timeToBegin)
    }
  }

  // Most of what waits has begun by then, and its first sidecar says so: one that says that it waits would be for nobody.
  private static let timeToBegin: Duration = .milliseconds(500)

  /// A slot waits for its turn since a moment. A short queue says so in every sidecar, and so does one in which nothing
  /// moves; in a long one that moves the state is in the journal, and each sidecar comes with its turn.
  func showWaiting(_ key: SlotKey) async {
    guard sidecars.showed(key.job), !isStopping, jobs[key.job] == nil, !jobs.isRunning(key) else { return }
    let isShort = !backlog.isInJournal && backlog.count <= Self.shortQueue
    if isShort || isHeldUp { await sayWaiting(key) }
  }

  // Whether no submission begins at present, whatever is in the queue.
  private var isHeldUp: Bool {
    if let until = dispatcher.heldBackUntil, until > now { return true }
    return dispatcher.closed != nil || lateTries.isClosed || ledger.priceWait() != nil
  }

  /// The end of the process: what was about to say that it waits says so now.
  func showAllWaiting() async {
    for key in sidecars.takeUnshown() where jobs[key.job] == nil { await sayWaiting(key) }
  }

  // Each sidecar costs a sync: in a long queue they would stand in the way of those that are being submitted.
  private static let shortQueue = 256

  private func sayWaiting(_ key: SlotKey) async {
    let wasTaken = jobs.isTaken(key.job)
    do {
      let shown = try await withJob(key.job) { entry in
        await tryToShow(entry) { () async throws(LocalTrouble) in
          // Another agent may have written since the job was taken. What it paid for stays, and is adopted in turn.
          let sidecar = try await readSidecar(of: entry.job.file)
          if knowledge(of: key, entry, in: sidecar) != nil { return }
          compare(entry, with: sidecar)
          try await writeSidecar(entry, durable: false)
        }
        return entry.job
      }
      // Its turn is still to come, and needs no look into the journal; into the sidecar it does.
      if wasTaken, let shown, backlog.contains(key) { jobs.remember(shown, takenAt: nil) }
    } catch {
      fail(error)
    }
  }

  /// Writes a job's sidecar now, as the job is when its turn to be written comes.
  func show(_ id: JobID) async {
    do {
      try await withJob(id) { entry in
        await tryToShow(entry) { () async throws(LocalTrouble) in try await writeSidecar(entry, durable: false) }
      }
    } catch {
      fail(error)
    }
  }

  private func tryToShow(_ entry: ActiveJob, _ write: () async throws(LocalTrouble) -> Void) async {
    do throws(LocalTrouble) { try await write() } catch {
      noticeLocal(error.error, .sidecar, in: entry.job.file.root)
    }
  }

  /// The journal has more of the job than is in hand: its facts are taken over, and once `afterwards` is done, which may
  /// rename pictures, it is reported and its sidecar is brought up to date.
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

  /// The job as it is known best: in hand, or from the journal.
  func inHand(_ id: JobID) async throws -> Job? {
    try await jobs.peek(id)
  }

  /// Withdraws a slot that was not sent, wherever it waits.
  func withdraw(_ key: SlotKey, _ reason: CancelReason) async {
    do {
      takeFromQueue(key)
      guard try await jobs.reserve(key) else { return }
      await advance(key, .withdrawn(reason))
    } catch {
      fail(error)
    }
  }
}
