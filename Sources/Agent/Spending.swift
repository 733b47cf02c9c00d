import JobCore

// What the ledger says, as it concerns what waits.
extension Pipeline {
  /// Nothing can be written in this root: its prompts wait together, and a few of them try in a while.
  func pause(_ root: RootID) {
    guard ledger.pause(root, for: settings.policy.localTroubleDelay) else { return }
    for key in backlog.leaveToJournal(allBut: 0) { jobs.forget(key.job) }
  }

  /// Nothing more of this root, or of all, before the day is over.
  func limit(_ root: RootID, wholeAgent: Bool, until: Timestamp, _ why: JobError) {
    guard ledger.limit(root, wholeAgent: wholeAgent, .init(until: until, error: why)) else { return }
    observer.notice(.warning, why)
    // A few say it in their sidecars; a long backlog stays in the journal, which knows that it waits.
    for key in backlog.leaveToJournal(allBut: wholeAgent ? 64 : backlog.count) { jobs.forget(key.job) }
  }

  /// Nothing is under way any more: what may be lifted is lifted soon.
  func liftWhenIdle() {
    if jobs.isIdle, let due = ledger.liftWhenIdle() { schedule(.liftLimits, at: due) }
  }

  /// What waits for the next day may have room today.
  func liftLimits() async {
    guard ledger.beginLift() else { return }
    do {
      try await record([.limitsMayHaveEnded(at: wallClock)])
    } catch {
      return fail(error)
    }
    ledger.lift()
    backlog.journalHasNew()
    pump()
  }

  /// One is under way whose price nobody knows: the next begins when that is known, or with the next day.
  func waitForPrice(_ why: JobError) {
    guard let midnight = ledger.waitForPrice(why) else { return }
    observer.notice(.info, why)
    backlog.wake(at: monotonic(midnight))
  }
}

extension JournalChange {
  /// What waits for the end of a day, or for a moment that no wait reaches, may be weighed anew.
  static func limitsMayHaveEnded(at now: Timestamp) -> JournalChange {
    .undelay(code: .dailyLimit, beyond: now + RetryPolicy.longestWait * 2, now: now)
  }
}
