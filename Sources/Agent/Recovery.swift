import JobCore

// What a start does with what an earlier process left, and how `once` finds its end.
extension Pipeline {
  /// Takes the slots over that were under way: each goes on by what its state says, and nothing is submitted again.
  func recover() async throws {
    try await ownership.load()
    try await forgiveFormerNames()
    do {
      try await journal.prune(finalSince: wallClock + (.zero - settings.retention))
    } catch JournalError.full {
      // The first commit says so, and waits.
    }
    for key in try await journal.underWay(roots: roots) {
      guard try await jobs.activate(key) else { continue }
      // Each runs on by itself; together they respect the limits on requests.
      start { await self.takeOver(key) }
    }
    try await record([.limitsMayHaveEnded(at: wallClock)])
    try await releaseForeign()
    if settings.burstLimit == 0 { try await releaseBurst() }
    // A sidecar whose state was committed but not written before the process ended is out of date.
    for state in [StateName.held, .failed] {
      for job in try await journal.jobs(try await journal.files(roots: roots, in: state, limit: 10_000)) {
        if let job { try await compareWithSidecar(job) }
      }
    }
    try await rememberRefusals()
    try await verifyLeftovers()
    try await rememberFolders()
    // Last: what was held is not in anybody else's hands any more.
    try await goOnWithLatePictures()
  }

  // What the watcher and the scans of this process need to know of earlier ones.
  private func rememberFolders() async throws {
    for root in roots where try await journal.isEmpty(root) { survey.isNew(root) }
    let mine = Set(roots)
    try await journal.eachStamp { [watcher] file, stamp in if mine.contains(file.root) { watcher.confirm(file, stamp) }
    }
    for (id, former) in try await journal.moving() {
      guard let job = try await journal.jobs([id])[0], mine.contains(job.file.root) else { continue }
      await moved(id, from: former, to: job.file)
    }
    keptPictures.remember(try await journal.withKeptPictures())
    arrivals.formerExcludes = try await journal.rootsOfFormerExcludes()
  }

  /// Writes the sidecar of a job where it says something else. The journal may be the older one: an earlier copy that was put
  /// in its place.
  func compareWithSidecar(_ job: Job) async throws {
    let sidecar: StatusSidecar
    do throws(LocalTrouble) {
      guard let found = try await readSidecar(of: job.file) else { return await showAgain(job) }
      sidecar = found
    } catch {
      return observer.notice(.warning, error.error)
    }
    if has(sidecar, moreThan: job) { return }
    for slot in job.slots.values where [.held, .failed].contains(slot.state.name) {
      // Whoever has it in hand reads the sidecar before writing it.
      guard try await jobs.reserve(slot.key), let entry = jobs[job.id] else { continue }
      let isBehind = try await sidecarKnowsMore(slot.key, entry, sidecar)
      if entry.job.slots[slot.key]?.state.name.isSettled == true { leave(slot.key) }
      if isBehind { return }
    }
    if sidecar.state != job.state || sidecar.jobID != job.id.text { await show(job.id) }
  }

  /// A prompt that is there has no sidecar: the process that was about to write it ended.
  private func showAgain(_ job: Job) async {
    // There is no name for one, or the file is gone.
    guard job.note?.error.code != .nameTooLong, case .file = await files.look(job.file) else { return }
    await show(job.id)
  }

  // A task that was found is asked for at least this long before its deadline counts.
  private static let leastAsking: Duration = .seconds(600)

  private func takeOver(_ key: SlotKey) async {
    guard let entry = jobs[key.job], let slot = entry.job.slots[key] else { return }
    var taskID: String?
    do {
      if try await sidecarHasMore(than: entry.job) { sidecars.protect(entry.job.file) }
      if try await sidecarKnowsMore(key, entry) {
        if entry.job.slots[key]?.state.name.isSettled == true { leave(key) }
        return
      }
      taskID = try await taskFromSidecar(of: slot, entry.job)
    } catch let trouble as LocalTrouble where !trouble.isFatal {
      // Whatever it tells must not be overwritten unread.
      sidecars.protect(entry.job.file)
      observer.notice(.warning, trouble.error)
    } catch {
      return fail(error)
    }
    switch slot.state {
    case .submitting:
      guard let last = slot.attempts.last else { break }
      if last.bootID == surroundings.bootID, marks.wasNotSent(last.attemptID) {
        return await advance(key, .foundUnsent)
      }
      if let taskID { return await advance(key, .posted(.accepted(taskID: taskID))) }
    default:
      // The clock may have been set while nobody looked. One that is behind what was written down would put the deadline
      // off; by one that is ahead it would be over before the service was asked even once.
      // A task that was finished once has no deadline any more.
      let age = slot.state.isLate ? .zero : (slot.state.task?.acceptedAt).map { wallClock - $0 } ?? .zero
      let oldest = max(.zero, settings.policy.taskDeadline - Self.leastAsking)
      let jump = age < .zero ? age : max(.zero, age - oldest)
      if jump != .zero, let moved = slot.on(.clockSet(jump), now: wallClock, policy: settings.policy, jitter: 0) {
        entry.enter(moved.slot)
      }
    }
    await advance(key, .restarted)
  }

  // Held for their number under a limit that is off now.
  private func releaseBurst() async throws {
    for job in try await journal.jobs(try await journal.files(roots: roots, in: .held, limit: 100_000)) {
      for slot in job?.slots.values ?? [:].values {
        guard case .held(let held) = slot.state, held.reason == .burst, try await jobs.activate(slot.key) else {
          continue
        }
        await advance(slot.key, .approved)
      }
    }
  }

  /// Removes temporary files of earlier processes that no picture waits under.
  func removeLeftovers(_ found: [FileKey]) {
    let own = files.temporaryPrefix
    let foreign = found.filter { !$0.path.name.starts(with: own) }
    guard !foreign.isEmpty else { return }
    start { [self] in
      do {
        let planned = try await journal.plannedTemporaries(roots: roots)
        for file in foreign where !planned.contains(file.path.name) {
          // In another's folder it is the other's, who may be writing it.
          if await notOurs(file) == nil { await files.removeTemporary(file) }
        }
      } catch {
        fail(error)
      }
    }
  }

  // MARK: the end of `once`

  private var isIdle: Bool {
    survey.isScanned && survey.isSurveyed && vanished.isEmpty && arrivals.isAtRest && writerLooks.isIdle && jobs.isIdle
      && backlog.isEmpty && journalWriter.isIdle && !arrivals.awaitsControls
  }

  /// Ends `once` where nothing is left that it can do.
  func evaluateOnce(at now: Duration) {
    guard mode == .once, !lifecycle.isConcluding, ending == nil else { return }
    let judge = OnceJudge(
      now: now, deadline: lifecycle.deadline, closed: dispatcher.closed, isRuling: dispatcher.isRuling,
      isScanned: survey.isScanned, isExamining: arrivals.isExamining, isSettling: arrivals.count > 0,
      isRunning: !jobs.isIdle,
      hasTask: dispatcher.closed != nil && jobs.underWay.contains { jobs.slot($0)?.state.task != nil }, isIdle: isIdle,
      heldBackUntil: dispatcher.heldBackUntil, priceWait: ledger.priceWait(),
      pictureWait: lateTries.isClosed ? Self.noPictures(lateTries.count) : nil, wantsLift: ledger.wantsLift,
      nextStart: backlog.wakesAt, localTrouble: localTrouble)
    switch judge.verdict() {
    case .goOn: break
    case .end(let ending): end(ending)
    case .conclude(let why): conclude(why)
    }
  }
}
