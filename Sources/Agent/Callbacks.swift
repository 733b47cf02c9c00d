import JobCore

// Callbacks of the service. The URL's secret says which attempt one is for; what it claims is committed before it is
// answered, and believed once a query confirms it.
extension Pipeline {
  /// Whether a callback URL with this secret was given out.
  public func knows(secret: String) async -> Bool {
    do {
      return try await journal.callback(reader.digest(secret)) != nil
    } catch {
      fail(error)
      return false
    }
  }

  /// A callback came to a URL of ours. True: what it claims is durable. False: it cannot be written now.
  public func received(secret: String, taskID: String) async -> Bool {
    // A service gives up on an answer that does not come: better to say "later" than to wait for a disk.
    guard !journalWriter.isFull, ending == nil else { return false }
    let evidence = Evidence(secretSHA: reader.digest(secret), taskID: taskID, receivedAt: wallClock)
    do {
      try await record([.evidence(evidence)])
    } catch {
      fail(error)
      return false
    }
    if callbacks.add(evidence) { start { await self.verify(evidence) } }
    return true
  }

  /// What earlier processes received and did not get to.
  func verifyLeftovers() async throws {
    for evidence in try await journal.openEvidence() where callbacks.add(evidence) {
      schedule(.verify(evidence), at: now)
    }
  }

  /// A POST has ended: callbacks that came before its answer can be verified.
  func verifyWaiting(for key: SlotKey) {
    guard !callbacks.isEmpty, jobs.slot(key)?.state.name != .submitting else { return }
    for evidence in callbacks.postEnded(key) { schedule(.verify(evidence), at: now) }
  }

  /// Finds out what a callback is worth, or when that can be found out.
  func verify(_ evidence: Evidence) async {
    guard ending == nil else { return }
    do {
      switch try await verdict(on: evidence) {
      case .settled:
        try await record([.weighed(evidence)])
        callbacks.settle(evidence)
      case .later(let when): schedule(.verify(evidence), at: when)
      case .afterPost(let key): callbacks.wait(evidence, for: key)
      }
    } catch {
      fail(error)
    }
    pump()
  }

  private enum Verdict {
    case settled
    case later(Duration)
    case afterPost(SlotKey)
  }

  private func verdict(on evidence: Evidence) async throws -> Verdict {
    guard let target = try await journal.callback(evidence.secretSHA),
      let job = try await inHand(target.slot.job)
    else { return .settled }
    let key = target.slot
    let slot: Slot?
    if let inHand = job.slots[key] {
      slot = inHand
    } else {
      slot = try await journal.slots(of: key.job, revision: key.revision).first { $0.key == key }
    }
    guard let slot else { return .settled }
    if slot.state == .submitting { return .afterPost(key) }
    // Somebody has it in hand who may make something else of it.
    if slot.state.name == .queued || slot.state.name.isSettled, jobs.isRunning(key) {
      return .later(now + .milliseconds(200))
    }

    if let owner = try await journal.slots(task: evidence.taskID).first {
      // Known already: it is final, so there is no reason to wait for the next query. Somebody else's task is nothing
      // to this attempt.
      // The pauses of a picture that is late are waited for.
      if owner.job == key.job, case .submitted(let task)? = jobs.slot(owner)?.state, task.late == nil {
        queries.wasCalledBack(owner)
        scheduleQuery(owner, at: now)
      }
      return .settled
    }
    if slot.state.task?.taskID == evidence.taskID { return .settled }

    guard await mayAsk(evidence) else { return .later(nextQuery()) }
    let sent = job.revisions[key.revision]?.snapshot.images ?? []
    let report: TaskReport
    switch await ask(evidence.taskID, sent: sent) {
    case nil: return .later(now + .seconds(60))
    case .failed?, .unusable?:
      return .later(now + settings.policy.backOff(failures: callbacks.failed(evidence), jitter: surroundings.jitter()))
    case .notFound?:
      // Right after a submission a task may not be found for a while; what is never found is a forgery.
      if wallClock - evidence.receivedAt >= settings.policy.notFoundGrace { return .settled }
      return .later(now + settings.policy.queryMin + .seconds(1))
    case .report(let answer)?:
      report = answer
      // The task of an earlier attempt, which was given up for another one. Only a picture of it is news.
      if slot.attempts.contains(where: { $0.taskID == evidence.taskID }) {
        guard report.phase.mayHavePicture else { return .settled }
      }
      // Submissions are heard, as far as this one tells; what was waiting for that goes on.
      if dispatcher.confirmed(target.attemptID) { pump() }
    }
    // One at a time: what one turns out to be depends on what the one before became.
    let turn = await accepting.acquire()
    try await accept(evidence.taskID, report, target)
    turn.release()
    return .settled
  }

  // Once whatever is wrong with the service, and then as all queries do.
  private func mayAsk(_ evidence: Evidence) async -> Bool {
    guard !callbacks.hasAsked(evidence) else { return await mayQuery() }
    guard dispatcher.mayAskForCallback(at: now) else { return false }
    callbacks.asks(evidence)
    return true
  }

  // The task is real: it is what became of an attempt in doubt, or a second one that is paid for as well.
  private func accept(_ taskID: String, _ report: TaskReport, _ target: CallbackTarget) async throws {
    let key = target.slot
    guard try await journal.slots(task: taskID).isEmpty else { return }
    takeFromQueue(key)
    // Somebody may have taken it in hand while the task was asked for: then it stays theirs.
    let isOurs = !jobs.isRunning(key)
    guard try await (isOurs ? jobs.reserve(key) : jobs.activate(key)), let entry = jobs[key.job],
      let slot = entry.job.slots[key]
    else { return }
    let event = SlotEvent.bound(taskID: taskID, attemptID: target.attemptID)
    if slot.on(event, now: wallClock, policy: settings.policy, jitter: 0) != nil {
      observer.notice(
        .info,
        JobError(
          code: .outcomeFound,
          message:
            "A callback shows that the submission of \(entry.job.file.path.display) was accepted: its task is \(taskID)."
        ))
      await advance(key, event)
      // It was asked for a moment ago: once for each callback is enough.
      if jobs.slot(key)?.state.task?.taskID == taskID {
        queries.unset(key)
        await advance(key, .queried(.report(report)))
      }
      // Something else happened to the slot in that moment: then this is one task more.
      guard try await journal.slots(task: taskID).isEmpty else { return }
    }
    let now = entry.job.slots[key] ?? slot
    if isOurs { letBe(key) }
    try await addSurplus(taskID, now, target)
  }

  private func addSurplus(_ taskID: String, _ slot: Slot, _ target: CallbackTarget) async throws {
    // Earlier versions dropped the attempts of pictures that had been finished for long.
    var attempt =
      slot.attempts.first { $0.attemptID == target.attemptID }
      ?? Attempt(n: 1, attemptID: target.attemptID, bootID: surroundings.bootID, startedAt: target.madeAt)
    let others = try await journal.slots(of: slot.key.job, revision: slot.key.revision)
    let number = max(SlotKey.surplusBase, others.map(\.key.number).max() ?? 0) + 1
    // What the attempt in doubt cost is on the bill already; a second task of one attempt is a second charge.
    let isEarlier = attempt.taskID == taskID
    let isItsFirst =
      (attempt.outcome == .unknown || isEarlier)
      && !others.contains { other in
        other.key.number > SlotKey.surplusBase && other.attempts.contains { $0.attemptID == target.attemptID }
      }
    attempt.n = 1
    if !isItsFirst { attempt.attemptID += "+\(number)" }
    attempt.outcome = .accepted
    attempt.taskID = taskID
    attempt.endedAt = wallClock
    let surplus = Slot(
      key: SlotKey(job: slot.key.job, revision: slot.key.revision, number: number),
      state: .submitted(TaskRef(taskID: taskID, acceptedAt: wallClock)), attempts: [attempt])
    guard let job = try await inHand(slot.key.job) else { return }
    let bill = [
      JournalChange.charge(
        Billing.charge(attempt, file: job.file, kind: Billing.kind(of: surplus.key, in: job)))
    ]
    guard try await commit([.surplus(surplus)] + bill).first == .applied else { return }
    if isEarlier {
      observer.notice(
        .warning,
        JobError(
          code: .latePicture,
          message:
            "An earlier submission of \(job.file.path.display) was finished after all (task \(taskID)). Its picture is kept too."
        ))
    } else {
      observer.notice(
        .error,
        JobError(
          code: .paidTwice,
          message:
            "One submission of \(job.file.path.display) led to two tasks, and both may have been charged. The second is "
            + "\(taskID). Both pictures are kept.",
          hint: "Ask the service for a refund. Both task ids are in the sidecar."))
    }
    guard try await jobs.activate(surplus.key) else { return }
    jobs[surplus.key.job]?.enter(surplus)
    await advance(surplus.key, .restarted)
  }
}
