import JobCore

/// Lets submissions out: what the service takes at present, and how many a minute. Every answer of the service is
/// reported here, and what follows from it is returned. Times are monotonic.
final class Dispatcher {
  /// What an answer of the service means beyond its own slot.
  enum News {
    /// It takes submissions again.
    case opened
    /// It takes none.
    case closed(JobError)
    /// What was found out about earlier refusals happens to these slots.
    case refusals([SlotKey], SlotEvent)
  }

  /// How many submissions may begin.
  enum Admission {
    /// As many as there is room for.
    case all
    /// One, which tries.
    case one
    /// A query has to show whether any may.
    case probe
    /// None yet.
    case none
  }

  private var gate: ServiceGate
  private var pace: SubmissionPace
  /// When the next may begin, where something here holds it back.
  private(set) var heldBackUntil: Duration?
  // How many groups of refusals are being decided again.
  private var rulings = 0
  // Until when what was refused rests, where nobody waits for that.
  private var resting: [SlotKey: Timestamp] = [:]

  init(_ settings: AgentSettings) {
    gate = ServiceGate(probeInterval: settings.probeInterval)
    pace = SubmissionPace(perMinute: settings.submissionsPerMinute)
  }

  /// Set while the service takes nothing.
  var closed: ServiceGate.Closed? { gate.closed }

  // MARK: letting out

  /// Nothing is held back until `admit` or `takesAnother` says so.
  func beginTurn() { heldBackUntil = nil }

  /// How many may begin now. What is admitted counts as given out: it needs a ticket each.
  func admit(at now: Duration) -> Admission {
    // Before the gate: what that gives out counts as given.
    guard isWithinPace(at: now) else { return .none }
    switch gate.permission(at: now) {
    case .submit: return .all
    case .submitOne: return .one
    case .wait(let until):
      heldBackUntil = until
      return .none
    case .probe:
      heldBackUntil = now + .seconds(1)
      return .probe
    }
  }

  /// Whether the limit a minute lets another one out; it counts as begun.
  func takesAnother(at now: Duration) -> Bool {
    guard isWithinPace(at: now) else { return false }
    pace.began(at: now)
    return true
  }

  private func isWithinPace(at now: Duration) -> Bool {
    let next = pace.next(at: now)
    if next > now { heldBackUntil = next }
    return next <= now
  }

  /// The leave for one that was admitted. `tries`: it is the one that tries.
  func ticket(_ slot: SlotKey, tries: Bool) -> Ticket {
    if tries { gate.tries(slot) }
    return Ticket(slot, self)
  }

  /// A submission did not get as far as the service, see `Ticket`.
  fileprivate func notSent(_ slot: SlotKey) { gate.submitNotSent(slot) }

  // MARK: answers to submissions

  /// A POST begins.
  func began(_ submission: Submission) { gate.began(submission) }

  /// How a POST ended: reported at once, not when it is written down. In the milliseconds of that, the next ones would go out
  /// into the outage.
  func answered(_ outcome: SubmitOutcome, _ submission: Submission, _ ticket: Ticket, at now: Duration) -> [News] {
    ticket.close()
    switch outcome {
    case .accepted:
      let shown = gate.accepted(submission)
      if !shown.isOpening, shown.own.isEmpty, shown.again.isEmpty { return [] }
      return (shown.isOpening ? [.opened] : [])
        + [.refusals(shown.own, .refusalWasItsOwn), .refusals(shown.again, .triedAgain)]
    case .taskOfAnother, .unknown(_, serviceDown: false):
      gate.ended(submission)
      gate.unknown(submission, at: now)
      return []
    case .unknown(_, serviceDown: true):
      gate.ended(submission)
      guard let (trouble, error) = outcome.serviceTrouble else { return [] }
      return self.trouble(trouble, error, at: now, of: submission)
    case .notAccepted(let failure, let reached):
      if reached { gate.submitAnswered() } else { gate.submitNotSent(submission.slot) }
      return refused(failure, submission, at: now)
    }
  }

  private func refused(_ failure: Failure, _ submission: Submission, at now: Duration) -> [News] {
    switch failure.consequence {
    case .transient(let retryAfter):
      gate.ended(submission)
      if let retryAfter { gate.slowDown(for: retryAfter, at: now) }
      return []
    case .service(let trouble):
      gate.ended(submission)
      return self.trouble(trouble, failure.error, at: now)
    case .permanent where failure.error.code == ErrorCode.requestTooLarge:
      gate.ended(submission)
      return []
    case .permanent:
      let alike = gate.refused(failure.error.message, submission)
      if alike.isEmpty { return [] }
      return blameAccount(alike, "The service refuses every prompt in the same way: \(failure.error.message)", at: now)
    case .unclear:
      switch gate.refusedUnclearly(submission) {
      case .none: return []
      case .own: return [.refusals([submission.slot], .refusalWasItsOwn)]
      case .account(let slots, isNew: true):
        return blameAccount(
          slots, "The service refused several prompts in a row, the last with: \(failure.error.message)", at: now)
      case .account(let slots, isNew: false):
        return [.refusals(slots, .refusalWasTheAccounts(gate.closed?.error ?? failure.error))]
      }
    }
  }

  // Several prompts in a row: nothing has failed.
  private func blameAccount(_ slots: [SlotKey], _ message: String, at now: Duration) -> [News] {
    let error = JobError(
      code: .account, message: message,
      hint: "Check the account's credits and state at the service. promptdrop goes on by itself.", retryable: true)
    return (gate.suspectAccount(error, at: now) ? [.closed(error)] : [])
      + [.refusals(slots, .refusalWasTheAccounts(error))]
  }

  /// The service takes nothing.
  func trouble(
    _ trouble: ServiceTrouble, _ error: JobError, at now: Duration, of submission: Submission? = nil
  ) -> [News] {
    gate.trouble(trouble, error, at: now, of: submission) ? [.closed(error)] : []
  }

  /// The service asked for less.
  func slowDown(for duration: Duration, at now: Duration) { gate.slowDown(for: duration, at: now) }

  /// The service confirms that it accepted this attempt, whose outcome was unknown. Whether submissions go on because of
  /// that.
  func confirmed(_ attemptID: String) -> Bool { gate.confirmed(attemptID) }

  // MARK: queries

  /// What may be done now about a task that is to be asked for: `.submit` stands for going ahead.
  func queryPermission(at now: Duration) -> ServiceGate.Permission { gate.queryPermission(at: now) }

  /// The same where a callback named the task: whether it may be asked for.
  func mayAskForCallback(at now: Duration) -> Bool { gate.callbackPermission(at: now) == .submit }

  /// When a query that was not let out may be tried again.
  func nextQuery(at now: Duration) -> Duration { gate.nextQuery(at: now) }

  /// How the query of a task went.
  func queried(_ outcome: QueryOutcome, _ taskID: String, at now: Duration) -> [News] {
    switch outcome {
    case .report, .notFound: return gate.queryAnswered(taskID) ? [.opened] : []
    case .unusable(let error): return gate.queryUnusable(error, taskID, at: now) ? [.closed(error)] : []
    case .failed(let failure):
      guard case .transient(let retryAfter) = failure.consequence,
        gate.queryFailed(failure.error, taskID, retryAfter: retryAfter, at: now)
      else { return [] }
      return [.closed(failure.error)]
    }
  }

  /// How a query of no task went, which is free: any answer that is the API's own opens the gate.
  func probed(_ outcome: QueryOutcome, at now: Duration) -> [News] {
    switch outcome {
    case .report, .notFound: return gate.queryAnswered() ? [.opened] : []
    case .failed(let failure):
      guard case .service(let trouble) = failure.consequence else { return [] }
      return self.trouble(trouble, failure.error, at: now)
    // It answers, and nobody can read it: it is not well yet.
    case .unusable: return []
    }
  }

  // MARK: refusals

  /// An earlier process left this slot waiting with an unclear refusal. `prompt`: the hash of its text.
  func remember(_ slot: SlotKey, prompt: String, _ blame: Blame) { gate.remember(slot, prompt: prompt, blame) }

  /// What followed from its refusal is carried out.
  func forget(_ slot: SlotKey) { gate.forget(slot) }

  /// Whether refusals are being decided again.
  var isRuling: Bool { rulings > 0 }
  /// Refusals are decided again from now on.
  func beginRuling() { rulings += 1 }
  /// They were.
  func endRuling() { rulings -= 1 }

  /// What was refused is left alone until then; nil: it is not.
  func rest(_ slot: SlotKey, until: Timestamp?) { resting[slot] = until }

  /// What is left alone at this moment.
  func asleep(at wall: Timestamp) -> Set<SlotKey> {
    resting.isEmpty ? [] : Set(resting.filter { $0.value > wall }.keys)
  }
}

/// The leave to submit one slot, with what that takes from others: one of the requests at once, and the memory that its
/// reference images need. It is answered once: with the POST's outcome, or as not sent; at the latest by being dropped,
/// so that a trial that was not made never keeps the others waiting.
final class Ticket {
  let slot: SlotKey
  private let dispatcher: Dispatcher
  private var isOpen = true
  private var request: AsyncSemaphore.Permit?
  private var references: AsyncSemaphore.Permit?

  /// The reference images of all requests may take this much memory at once, in bytes: eight requests with four large
  /// photographs each would take more than a small machine has. A request that is larger than all of it goes alone.
  static let referenceBytes = 67_108_864

  fileprivate init(_ slot: SlotKey, _ dispatcher: Dispatcher) { (self.slot, self.dispatcher) = (slot, dispatcher) }

  deinit { if isOpen { dispatcher.notSent(slot) } }

  /// Takes its place among the requests at once. False: there is none.
  func takePlace(_ requests: AsyncSemaphore) -> Bool {
    guard let permit = requests.tryAcquire() else { return false }
    request = consume permit
    return true
  }

  /// Waits for the memory for so many bytes: whether it had to. Others use its place for a request meanwhile.
  func takeReferences(
    _ bytes: Int, from room: AsyncSemaphore, requests: AsyncSemaphore, whileWaiting: () -> Void
  ) async -> Bool {
    guard bytes > 0 else { return false }
    if let permit = room.tryAcquire(bytes) {
      references = consume permit
      return false
    }
    request = nil
    whileWaiting()
    references = await room.acquire(bytes)
    request = await requests.acquire()
    return true
  }

  /// It is not going to be sent, or was not.
  func notSent() {
    if isOpen { dispatcher.notSent(slot) }
    close()
  }

  /// Its POST has ended.
  fileprivate func close() {
    isOpen = false
    request = nil
    references = nil
  }
}

extension Job {
  /// How many bytes the reference images of a slot's request take, in its root.
  func referenceBytes(_ key: SlotKey) -> Int {
    let images = revisions[key.revision]?.snapshot.images ?? []
    return images.reduce(0) { $0 + ($1.path == nil ? 0 : $1.bytes ?? 0) }
  }
}
