import JobCore

/// The bounds that each delay is documented to keep.
enum DelayBounds {
  static func violation(
    _ before: Slot, _ event: SlotEvent, _ transition: Transition, _ now: Timestamp, _ policy: RetryPolicy
  ) -> String? {
    // A clock that was set is no new delay: see `SlotInvariants`.
    if case .clockSet = event { return nil }
    guard let at = moment(transition) else { return nil }
    let delay = at - now
    let backOff = policy.backOffBase * 0.5...policy.backOffMax
    let refusal = policy.refusalBase...RetryPolicy.longestRefusalDelay
    let (bounds, asked): (ClosedRange<Duration>, Duration?) =
      switch event {
      case .posted(.accepted): (policy.firstQueryDelay...policy.firstQueryDelay, nil)
      case .posted(.notAccepted(let failure, _)) where failure.consequence == .unclear: (refusal, nil)
      case .refusalWasTheAccounts: before.state.name == .failed ? (refusal, nil) : (unchanged(before, now), nil)
      case .posted(.notAccepted(let failure, _)): (backOff, retryAfter(failure))
      case .queried(.failed(let failure)): (backOff, retryAfter(failure))
      // Whatever is said of a task that was finished once, its picture is asked for with a back-off.
      case .queried where before.state.task?.late?.cause == .notFetched && transition.slot.state.name == .submitted:
        (backOff, nil)
      case .queried(.unusable) where transition.slot.state.name == .submitted: (backOff, nil)
      case .queried(.notFound): (policy.queryMin * 0.8...policy.queryMax * 1.2, nil)
      case .queried(.report(let report)) where report.phase == .running:
        (policy.queryMin * 0.8...policy.queryMax * 1.2, nil)
      // What is late is asked for again with a back-off.
      case .queried where transition.slot.state.name == .submitted: (backOff, nil)
      case .queried: (.zero ... .zero, nil)
      case .fetchFailed(.transient(_, let wanted)): (backOff, wanted)
      case .fetchFailed(.local), .couldNotRecord: (policy.localTroubleDelay...policy.localTroubleDelay, nil)
      case .fetchFailed: (backOff, nil)
      case .restarted where before.state.isLate && before.state.name == .submitted:
        (.zero...policy.longestPause, nil)
      case .postponed(let until, _): (until - now...until - now, nil)
      case .restarted where transition.slot.state.name == .fetching:
        (planned(before).map { $0 - now...$0 - now } ?? .zero ... .zero, nil)
      default: (.zero ... .zero, nil)
      }
    // Whatever the service asks for, a day later it is tried again.
    let wanted = asked.map { min($0, RetryPolicy.longestWait) }
    // Times are kept in whole milliseconds.
    let slack = Duration.milliseconds(1)
    if let wanted, delay < wanted { return "Retry-After of \(wanted) undercut: \(delay)" }
    let most = wanted.map { max($0 + policy.backOffBase, bounds.upperBound) } ?? bounds.upperBound
    // With a Retry-After the service has said what it wants: only that bounds a POST from below.
    if delay < bounds.lowerBound - slack, !(isSubmit(event) && wanted != nil) { return "too early: \(delay)" }
    return delay > most + slack ? "too late: \(delay)" : nil
  }

  // What it waits for stays what it was.
  private static func unchanged(_ before: Slot, _ now: Timestamp) -> ClosedRange<Duration> {
    guard case .queued(let queued) = before.state, let notBefore = queued.notBefore else { return .zero ... .zero }
    return notBefore - now...notBefore - now
  }

  private static func isSubmit(_ event: SlotEvent) -> Bool { if case .posted = event { true } else { false } }

  private static func retryAfter(_ failure: Failure) -> Duration? {
    if case .transient(let wanted) = failure.consequence { wanted } else { nil }
  }

  // The moment that a slot which is being fetched waited for.
  private static func planned(_ slot: Slot) -> Timestamp? {
    if case .fetching(let fetching) = slot.state { fetching.notBefore } else { nil }
  }

  private static func moment(_ transition: Transition) -> Timestamp? {
    if case .queued(let queued) = transition.slot.state { return queued.notBefore }
    for effect in transition.after {
      switch effect {
      case .query(let at), .fetch(let at): return at
      default: break
      }
    }
    return nil
  }
}
