import JobCore

// A slot under way: event, transition, guarded commit, effects, until it has to wait for something.
extension Pipeline {
  /// Feeds an event to a slot and follows what comes of it. `alone`: nobody waits for this but the slot's own task, so that a
  /// query which is due at once is a part of it. A task for each costs as much as some system calls.
  func advance(_ key: SlotKey, _ first: SlotEvent, alone: Bool = false) async {
    var event: SlotEvent? = first
    do {
      while let next = event { event = try await step(key, next, alone: alone) }
      verifyWaiting(for: key)
    } catch {
      fail(error)
    }
    endPost(key)
    if let state = jobs.slot(key)?.state.name, state == .queued || state.isSettled { leave(key) }
    pump()
  }

  // What the answer led to is written down by now, so a stop need not wait for this one any longer.
  // Another event may have meant nothing to a submission that is still out.
  private func endPost(_ key: SlotKey) {
    let entry = jobs[key.job]
    guard entry?.job.slots[key]?.state.name != .submitting || entry?.requests[key] == nil else { return }
    if jobs.endPost(key) { postEnded() }
  }

  private func step(_ key: SlotKey, _ event: SlotEvent, alone: Bool) async throws -> SlotEvent? {
    guard let entry = jobs[key.job] else { return nil }
    switch try await move(key, event, entry) {
    case nil: return nil
    case .instead(let event)?: return event
    case .moved(let effects)?:
      for (index, effect) in effects.enumerated() {
        if alone, index == effects.count - 1, case .query(let moment) = effect, moment <= wallClock, !isStopping {
          return await queryAtOnce(key)
        }
        if let next = try await perform(effect, key, entry) { return next }
      }
      return nil
    }
  }

  // The last thing that comes of an event, and due. Whoever waits for the end of what came before waits no longer, and others
  // may begin.
  private func queryAtOnce(_ key: SlotKey) async -> SlotEvent? {
    verifyWaiting(for: key)
    endPost(key)
    queries.unset(key)
    pump()
    let (event, isOutdated) = await askForTask(of: key)
    guard isOutdated else { return event }
    // A callback came meanwhile. First what was heard, then another query.
    start { [self] in
      if let event { await advance(key, event) }
      scheduleQuery(key, at: now)
    }
    return nil
  }

  private enum Move {
    /// It is done and durable; this comes of it.
    case moved([Effect])
    /// Something it needs could not be had: this happened instead.
    case instead(SlotEvent)
  }

  // One event of a slot at a time: another one that comes while this one is being written down finds the new state.
  private func move(_ key: SlotKey, _ event: SlotEvent, _ entry: ActiveJob) async throws -> Move? {
    let turn = await jobs.lock(key, of: entry)
    let moved = try await moveInTurn(key, event, entry)
    turn.release()
    return moved
  }

  private func moveInTurn(_ key: SlotKey, _ event: SlotEvent, _ entry: ActiveJob) async throws -> Move? {
    guard jobs[key.job] === entry, let slot = entry.job.slots[key] else { return nil }
    var policy = settings.policy
    if let revision = entry.job.revisions[key.revision] {
      policy = policy.suited(toImageSize: revision.snapshot.sentSize)
    }
    guard let transition = slot.on(event, now: wallClock, policy: policy, jitter: surroundings.jitter()) else {
      trace(TraceLine.ignored(entry.job.file, event, by: slot))
      return nil
    }
    trace(TraceLine.transition(entry.job.file, event, from: slot, transition))
    if !transition.before.isEmpty {
      entry.enter(transition.slot)
      for effect in transition.before {
        if let instead = try await perform(effect, key, entry) {
          entry.enter(slot)
          return .instead(instead)
        }
      }
    }
    if transition.commits {
      let outputs = transition.slot.state == .done ? entry.job.outputs.filter { $0.slot == key } : []
      let move = JournalChange.move(transition.slot, from: slot.state.name, outputs: outputs)
      let bill = Billing.changes(from: slot, to: transition.slot, of: entry.job)
      do {
        guard try await commit([move] + bill).first == .applied else {
          // Somebody else moved it: what is in hand is out of date, and nothing was begun.
          if let attempt = transition.slot.attempts.last, attempt.attemptID != slot.attempts.last?.attemptID {
            try await record([.release(attemptID: attempt.attemptID)])
          }
          let slots = try await journal.slots(of: key.job, revision: key.revision)
          if let now = slots.first(where: { $0.key == key }) { entry.enter(now) } else { entry.job.slots[key] = nil }
          if isFollowed(key) { dropRequest(key, entry) } else { leave(key) }
          return nil
        }
      } catch {
        if case .submitted = transition.slot.state, !journalWriter.isWaiting(key) {
          await keepTask(of: transition.slot, entry)
        }
        throw error
      }
    }
    entry.enter(transition.slot)
    weighLateness(slot, transition.slot)
    if transition.slot.state == .done, slot.state.isLate { await removeOdd(transition.slot, entry) }
    if slot.state != transition.slot.state || slot.serviceStatus != transition.slot.serviceStatus {
      report(entry)
    }
    return .moved(transition.after)
  }

  /// The journal is broken or full, and a task is paid for: its id goes wherever it still can, so that the next start
  /// finds it.
  func keepTask(of slot: Slot, _ entry: ActiveJob) async {
    entry.enter(slot)
    observer.notice(
      .error,
      JobError(
        code: .taskNotRecorded,
        message: "The journal cannot be written. \(entry.job.file.path.display) was accepted by the service as task "
          + "\(slot.state.task?.taskID ?? "?").",
        hint: slot.state.task.map {
          "promptdrop writes the id into the sidecar. If it is not there either, run "
            + "`promptdrop resolve \(places.argument(entry.job.file)) --adopt \(ShellText.word($0.taskID))`."
        }))
    do throws(LocalTrouble) {
      try await writeSidecar(entry, durable: true)
    } catch {
      observer.notice(.warning, error.error)
    }
  }

  /// Does one thing; returns what happened, where that is an event for the slot.
  private func perform(_ effect: Effect, _ key: SlotKey, _ entry: ActiveJob) async throws -> SlotEvent? {
    switch effect {
    case .writeSidecar(let durable): return try await sidecar(durable: durable, key, entry)
    case .writeSidecarSoon: showSoon(entry)
    case .post: return await post(key, entry)
    case .query(let moment): scheduleQuery(key, at: monotonic(moment))
    case .fetch(let moment):
      if moment <= wallClock { return try await fetchAndPublish(key) }
      schedule(.fetch(key), at: monotonic(moment))
    case .tryLater(let moment): scheduleLate(key, at: monotonic(moment))
    case .requeue:
      if case .queued(let queued)? = entry.job.slots[key]?.state {
        rest(key, queued)
        if !dispatcher.asleep(at: wallClock).contains(key) { requeued(notBefore: queued.notBefore) }
      }
    case .serviceTrouble(let trouble, let error):
      follow(dispatcher.trouble(trouble, error, at: now))
    case .slowDown(let duration): dispatcher.slowDown(for: duration, at: now)
    }
    return nil
  }

  private func sidecar(durable: Bool, _ key: SlotKey, _ entry: ActiveJob) async throws -> SlotEvent? {
    if !durable {
      // "submitting" means money at risk: it must not stand there once that is over.
      if entry.job.slots[key]?.state.name == .queued { await writeOrRetry(entry) } else { progress(entry) }
      return nil
    }
    do throws(LocalTrouble) {
      try await writeSidecar(entry, durable: true)
      localTrouble = journalWriter.isFull ? localTrouble : nil
      return nil
    } catch {
      if error.isFatal { throw error }
      // Its picture is safe; it is reported when there is a place for that again.
      if entry.job.slots[key]?.state == .done,
        error.error.isOfOwner
          || error.error.isOfPlace && entry.job.outputs.allSatisfy({ $0.slot != key || $0.kept != nil })
      {
        return nil
      }
      noticeLocal(error.error, .sidecar, in: entry.job.file.root)
      switch entry.job.slots[key]?.state {
      case .submitting:
        if !error.error.isOfOwner {
          localTrouble = error.error
          if error.error.code != ErrorCode.folderGone { pause(entry.job.file.root) }
        }
        dropRequest(key, entry)
        return .couldNotRecord(error.error)
      case .done: return .fetchFailed(.local(error.error))
      default:
        // The journal has it; the sidecar follows when it can: when its place is back, where that is missing.
        entry.sidecarIsStale = true
        if error.error.isOfPlace || error.error.isOfOwner { return nil }
        entry.sidecarIsDue = true
        schedule(.sidecar(entry.job.id), at: now + settings.policy.localTroubleDelay)
        return nil
      }
    }
  }

  private func post(_ key: SlotKey, _ entry: ActiveJob) async -> SlotEvent? {
    guard !isStopping, let ready = entry.requests[key], await isStillWanted(key, entry, lookedAt: ready.lookedAt),
      !isStopping, entry.requests[key] != nil
    else {
      dropRequest(key, entry)
      return .stoppedBeforeSending
    }
    guard let attemptID = entry.job.slots[key]?.attempts.last?.attemptID else { return .stoppedBeforeSending }
    let submission = submission(key, attemptID, entry)
    dispatcher.began(submission)
    let outcome = await checkingTask(
      of: await service.submit(ready.request) { [marks] in marks.willSend(attemptID) }, key)
    // What a person let pass is sent; what is written from now on is another matter.
    if !entry.job.currentSlots.contains(where: \.isUnsent) { overrides.takenThoughOpen[key.job] = nil }
    entry.requests[key] = nil
    follow(dispatcher.answered(outcome, submission, ready.ticket, at: now))
    return .posted(outcome)
  }

  /// The request is not going to be sent: others have its place. Whether there was one.
  @discardableResult
  func dropRequest(_ key: SlotKey, _ entry: ActiveJob) -> Bool {
    guard let request = entry.requests.take(key) else { return false }
    request.ticket.notSent()
    return true
  }

  func resumeFetch(_ key: SlotKey) async {
    do {
      if let event = try await fetchAndPublish(key) { await advance(key, event) }
    } catch {
      fail(error)
    }
  }
}
