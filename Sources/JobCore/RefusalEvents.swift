// Whose a refusal was: what the gate finds out about one is an event of its slot.
extension Slot {
  /// Decides what it means for the slot that its refusal was somebody's. Nil: nothing in this state.
  func onRefusal(_ event: SlotEvent, now: Timestamp, policy: RetryPolicy) -> Transition? {
    var next = Transition(slot: self)
    switch (state, event) {
    case (.failed, .refusalWasTheAccounts(let error))
    where attempts.last?.outcome == .refused && !attempts.contains(where: { $0.outcome == .refusedForAccount }):
      // Only once: refused again after the account was good again, it is the prompt after all. Others try whether it is.
      next.slot.excuseLastAttempt()
      let delay = policy.refusalDelay(failures: 1)
      next.slot.state = .queued(Queued(notBefore: now + delay, error: error, blame: .account))
      next.after = [.writeSidecar(durable: false), .requeue]
    case (.queued(let queued), .refusalWasTheAccounts(let error)) where queued.blame == .unclear:
      next.slot.excuseLastAttempt()
      next.slot.state = .queued(Queued(notBefore: queued.notBefore, error: error, blame: .account))
      next.after = [.writeSidecar(durable: false), .requeue]
    case (.queued(let queued), .refusalWasItsOwn):
      guard let error = queued.error, queued.blame == .unclear else { return nil }
      next.slot.failures = 0
      next.slot.state = .failed(error.asOwnRefusal)
      next.after = [.writeSidecar(durable: true)]
    case (.queued(let queued), .triedAgain) where queued.blame != nil:
      next.slot.state = .queued(Queued(error: queued.error))
      next.after = [.writeSidecar(durable: false), .requeue]
    default: return nil
    }
    return next
  }

  // Once is enough to tell by; a long stop must not grow the history.
  private mutating func excuseLastAttempt() {
    guard attempts.last?.outcome == .refused, !attempts.contains(where: { $0.outcome == .refusedForAccount }) else {
      return
    }
    attempts[attempts.count - 1].outcome = .refusedForAccount
  }
}
