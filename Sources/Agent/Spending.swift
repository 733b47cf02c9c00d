import JobCore

// The bill: set aside before the POST, released where nothing was accepted, made exact by the service's own word.
extension Pipeline {
  /// Opens the book where the day is a new one, and sets aside what the slot will cost.
  func setAside(_ attemptID: String, _ key: SlotKey, _ job: Job) async throws -> SpendBook.Permission {
    try await openBook()
    let kind = priceKey(key, job)
    let permission = book.permission(root: job.file.root, kind: kind, at: wallClock)
    // At once, because others may be asking in the same moment; the journal has it with the intent.
    if case .go(let amount) = permission {
      book.enter(
        Charge(
          attemptID: attemptID, root: job.file.root, folder: job.file.path.directory, kind: kind,
          day: SpendBook.day(of: wallClock), reserved: amount?.text))
    }
    return permission
  }

  func priceKey(_ key: SlotKey, _ job: Job) -> PriceKey {
    let snapshot = job.revisions[key.revision]?.snapshot
    return PriceKey(model: snapshot?.model ?? "", size: snapshot?.sentSize)
  }

  /// The book is open for today when this returns.
  func openBook() async throws {
    guard book.needsOpening(at: wallClock) else { return }
    let turn = await openingBook.acquire()
    // Somebody may have opened it meanwhile, and midnight may pass.
    while book.needsOpening(at: wallClock) {
      let day = SpendBook.day(of: wallClock)
      let (charges, prices) = (try await journal.charges(day: day), try await journal.prices())
      book.open(day: day, charges: charges, prices: prices)
    }
    turn.release()
  }

  // MARK: limits that are reached

  /// The roots that may submit, and when the first of the others may, monotonic.
  func openRoots() -> ([RootID], Duration?) {
    let (wall, now) = (wallClock, now)
    limited = limited.filter { $0.value.until > wall }
    paused = paused.filter { $0.value > now }
    let ends = limited.values.map { monotonic($0.until) } + paused.values
    return (roots.filter { limited[$0] == nil && paused[$0] == nil }, ends.min())
  }

  /// Nothing can be written in this root: its prompts wait together, and a few of them try in a while.
  func pause(_ root: RootID) {
    guard paused.updateValue(now + settings.policy.localTroubleDelay, forKey: root) == nil else { return }
    for key in backlog.leaveToJournal(allBut: 0) { jobs.forget(key.job) }
  }

  /// Nothing more of this root, or of all, before the day is over.
  func limit(_ root: RootID, wholeAgent: Bool, until: Timestamp, _ why: JobError) {
    let newly = (wholeAgent ? roots : [root]).filter { limited[$0]?.error.code != why.code }
    for root in newly { limited[root] = (until, why) }
    guard !newly.isEmpty else { return }
    observer.notice(.warning, why)
    // A few say it in their sidecars; a long backlog stays in the journal, which knows that it waits.
    for key in backlog.leaveToJournal(allBut: wholeAgent ? 64 : backlog.count) { jobs.forget(key.job) }
  }

  // Something that was set aside is free again: what waits for the next day may have room today. Seldom enough that a long
  // backlog costs nothing, unless there is nothing else to do.
  private func liftLimits() {
    guard !limited.isEmpty, !isLifting else { return }
    isLifting = true
    schedule(.liftLimits, at: max(now, liftedAt.map { $0 + .seconds(60) } ?? now))
  }

  /// Nothing is under way any more: what may be lifted is lifted soon.
  func liftWhenIdle() {
    guard isLifting, jobs.isIdle, let liftedAt else { return }
    schedule(.liftLimits, at: max(now, liftedAt + .seconds(1)))
  }

  /// The limits are weighed anew.
  func weighLimitsAnew() async {
    guard isLifting else { return }
    (isLifting, liftedAt) = (false, now)
    do {
      try await record([.limitsMayHaveEnded(at: wallClock)])
    } catch {
      return fail(error)
    }
    limited = [:]
    backlog.journalHasNew()
    pump()
  }

  /// One is under way whose price nobody knows: the next begins when that is known, or with the next day.
  func waitForPrice(_ why: JobError) {
    guard waitsForPrice == nil else { return }
    observer.notice(.info, why)
    waitsForPrice = why
    let midnight = Timestamp(milliseconds: (SpendBook.day(of: wallClock) + 1) * 86_400_000)
    backlog.wake(at: monotonic(midnight))
  }

  // MARK: what a transition means for the bill

  /// The changes of the bill that are committed together with the slot's.
  func bill(from before: Slot, to after: Slot, _ job: Job) -> [JournalChange] {
    guard let attempt = after.attempts.last else { return [] }
    if attempt.outcome == .begun, before.attempts.last?.attemptID != attempt.attemptID {
      return [.charge(charge(attempt, job.file, priceKey(after.key, job)))] + expected(attempt, after.key)
    }
    if before.attempts.last?.outcome == .begun {
      switch attempt.outcome {
      case .refused, .refusedForAccount, .notSent: return [.release(attemptID: attempt.attemptID)]
      case .begun, .accepted, .unknown: return []
      }
    }
    // A price counts once it is final: until then, what was set aside does.
    guard before.state.name == .submitted || before.state.name == .held, let task = before.state.task,
      let paid = after.attempts.last(where: { $0.taskID == task.taskID })
    else { return [] }
    // A task that failed costs nothing, unless the service says otherwise. One that succeeded does, picture or not.
    let consumed: String?
    switch after.state {
    case .fetching: consumed = after.consumed
    case .failed(let error): consumed = after.consumed ?? (error.isNoPicture ? nil : "0")
    default: return []
    }
    guard let consumed else { return [] }
    return [.charge(charge(paid, job.file, priceKey(after.key, job), consumed: consumed))]
  }

  func charge(_ attempt: Attempt, _ file: FileKey, _ kind: PriceKey, consumed: String? = nil) -> Charge {
    Charge(
      attemptID: attempt.attemptID, root: file.root, folder: file.path.directory, kind: kind,
      day: SpendBook.day(of: attempt.startedAt), reserved: attempt.reserved, consumed: consumed)
  }

  /// What a sidecar tells was paid for: each attempt that may have been, with the price where that is final. It counts for
  /// its day, and late callbacks still find their attempt.
  func bill(of told: Slot, _ file: FileKey, _ kind: PriceKey) -> [JournalChange] {
    let priced = told.state == .done ? told.attempts.last { $0.outcome == .accepted }?.attemptID : nil
    return told.attempts.filter(\.outcome.mayBePaid).flatMap { attempt in
      let consumed = attempt.attemptID == priced ? told.consumed : nil
      return [.chargeTold(charge(attempt, file, kind, consumed: consumed))] + expected(attempt, told.key)
    }
  }

  private func expected(_ attempt: Attempt, _ key: SlotKey) -> [JournalChange] {
    guard let secret = attempt.callbackSHA else { return [] }
    return [
      .expectCallback(
        CallbackTarget(secretSHA: secret, slot: key, attemptID: attempt.attemptID, madeAt: attempt.startedAt))
    ]
  }

  /// The same for the book in memory, once the journal has it.
  func enterBill(_ changes: [JournalChange]) {
    for change in changes {
      switch change {
      case .charge(let charge): if book.enter(charge) { liftLimits() }
      case .chargeTold(let charge): book.enterTold(charge)
      case .release(let attemptID):
        book.release(attemptID)
        liftLimits()
      case .move(let slot, _, _):
        if let attempt = slot.attempts.last, attempt.outcome != .begun { marks.clear(attempt.attemptID) }
        continue
      default: continue
      }
      waitsForPrice = nil
    }
  }
}

extension JournalChange {
  /// What waits for the end of a day, or for a moment that no wait reaches, may be weighed anew.
  static func limitsMayHaveEnded(at now: Timestamp) -> JournalChange {
    .undelay(code: .dailyLimit, beyond: now + RetryPolicy.longestWait * 2, now: now)
  }
}
