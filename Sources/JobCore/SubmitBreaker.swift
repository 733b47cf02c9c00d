/// After a submission whose fate nobody knows, answered queries do not prove that submissions are answered too: one goes
/// out to try, and each failure doubles the wait before the next, so that a service that only queries survive holds a
/// handful of jobs. It closes, so that all go on, when a submission is answered, when its last trial is confirmed, or when
/// every submission is whose outcome became unknown since it opened. Time is monotonic and passed in.
struct SubmitBreaker: Sendable {
  private struct Open {
    var failures = 0
    var trialAt: Duration = .zero
    // While a trial is out nothing else goes; should it never be heard of again, only for so long.
    var outUntil: Duration = .zero
    // Which slot tries; nil inside while a trial is out: nobody said.
    var trialSlot: SlotKey?
    var lastTrial: String?
    var unconfirmed: Set<String> = []
  }

  private var open: Open?
  private let interval: Duration
  private static let longestWait: Duration = .seconds(4 * 3600)
  private static let longestTrial: Duration = .seconds(300)

  /// Makes a closed one. `interval`: the wait after the second failure; after the first there is none.
  init(interval: Duration) { self.interval = interval }

  /// What may be done now. `submitOne` is given out once until the trial has ended.
  mutating func permission(at now: Duration) -> ServiceGate.Permission {
    guard let open else { return .submit }
    let next = max(open.trialAt, open.outUntil)
    guard now >= next else { return .wait(until: next) }
    self.open?.outUntil = now + Self.longestTrial
    self.open?.trialSlot = nil
    return .submitOne
  }

  /// This slot is the trial.
  mutating func tries(_ slot: SlotKey) {
    if open?.outUntil ?? .zero > .zero { open?.trialSlot = slot }
  }

  /// A submission got no answer. Nil: nobody can say which. One that was on its way before counts for nothing but itself.
  mutating func failed(_ submission: Submission?, at now: Duration) {
    var next = open ?? Open()
    if let submission { next.unconfirmed.insert(submission.attemptID) }
    let isTrial =
      next.outUntil > .zero && (submission == nil || next.trialSlot == nil || next.trialSlot == submission?.slot)
    if isTrial, let submission { next.lastTrial = submission.attemptID }
    if open == nil || isTrial {
      next.failures += 1
      // The first time, a single lost answer: as soon as the service answers again. Then a minute, two, four, …
      next.trialAt =
        now + (next.failures == 1 ? .zero : min(interval * (1 << min(next.failures - 2, 12)), Self.longestWait))
      (next.outUntil, next.trialSlot) = (.zero, nil)
    }
    open = next
  }

  /// The outcome of a submission is unknown for a reason that opens nothing.
  mutating func unknown(_ submission: Submission, at now: Duration) {
    if open != nil { failed(submission, at: now) }
  }

  /// A submission was answered, whatever the answer: submissions are heard.
  mutating func answered() { open = nil }

  /// A submission did not get as far as the service. Where it was the trial, or nobody knows, the next may try.
  mutating func notSent(_ slot: SlotKey?) {
    guard let trial = open?.trialSlot, let slot, slot != trial else {
      open?.outUntil = .zero
      open?.trialSlot = nil
      return
    }
  }

  /// The service confirms that it accepted this attempt. Whether that closed the breaker.
  mutating func confirmed(_ attemptID: String) -> Bool {
    guard open?.unconfirmed.remove(attemptID) != nil else { return false }
    guard open?.lastTrial == attemptID || open?.unconfirmed.isEmpty == true else { return false }
    open = nil
    return true
  }
}
