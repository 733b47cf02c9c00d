/// What happens to a slot.
public enum SlotEvent: Hashable, Sendable {
  /// Its turn has come. The attempt carries the ids that the caller made.
  case start(attemptID: String, bootID: String)
  /// The intent could not be written beside the source: nothing was sent.
  case couldNotRecord(JobError)
  /// promptdrop is being stopped, and the request was not sent.
  case stoppedBeforeSending
  /// It cannot begin yet: the file is being looked at again, or a reference image is missing.
  case postponed(until: Timestamp, JobError?)
  /// The POST ended.
  case posted(SubmitOutcome)
  /// A query ended.
  case queried(QueryOutcome)
  /// Every picture is under its final name.
  case published
  /// A picture could not be fetched or put in place.
  case fetchFailed(FetchFailure)
  /// A process took the slot over from the journal.
  case restarted
  /// It must wait for a person: `hold: true`, or the burst limit.
  case hold(HeldReason, JobError)
  /// A person let it go on.
  case approved
  /// Its prompt is gone or was replaced.
  case withdrawn(CancelReason)
  /// It was refused for a reason that turned out to be the account's, not its own.
  case refusalWasTheAccounts(JobError)
}

/// What the caller does for a slot, in the order given.
public enum Effect: Hashable, Sendable {
  /// Bring the sidecar up to date. Durable: synced, file and folder, before the next effect begins.
  case writeSidecar(durable: Bool)
  /// Send the request.
  case post
  /// Ask for the task, not before the moment given.
  case query(at: Timestamp)
  /// Fetch and publish the results, not before the moment given.
  case fetch(at: Timestamp)
  /// Give it back to the queue.
  case requeue
  /// Tell the gate of a service that takes nothing at present.
  case serviceTrouble(ServiceTrouble, JobError)
  /// Tell the gate to let nothing out for this long: the service asked for it.
  case slowDown(Duration)
}

/// A decision: what the slot becomes, and what is done before and after that is committed.
public struct Transition: Hashable, Sendable {
  /// Done before the commit.
  public var before: [Effect] = []
  /// What the slot becomes; committed only where the journal still has the state that the decision was made on.
  public var slot: Slot
  /// Whether the journal has to know. False: nothing changed that a restart could not find again.
  public var commits = true
  /// Done after the commit.
  public var after: [Effect] = []
}

extension Slot {
  /// Decides what `event` means for the slot. Nil: it means nothing in this state.
  ///
  /// Pure. `now` is the wall clock, `chance` a number in 0..<1 for the jitter.
  public func on(_ event: SlotEvent, now: Timestamp, policy: RetryPolicy, chance: Double) -> Transition? {
    var next = Transition(slot: self)
    switch (state, event) {
    case (.queued, .start(let attemptID, let bootID)):
      next.slot.state = .submitting
      next.slot.forgetOldRefusals()
      next.slot.attempts.append(
        Attempt(n: (attempts.last?.n ?? 0) + 1, attemptID: attemptID, bootID: bootID, startedAt: now))
      next.after = [.writeSidecar(durable: true), .post]
    case (.queued, .withdrawn(let reason)):
      next.slot.state = .cancelled(reason)
      next.after = [.writeSidecar(durable: false)]
    case (.held(let held), .withdrawn(let reason)) where held.reason.isBeforeSending:
      next.slot.state = .cancelled(reason)
      next.after = [.writeSidecar(durable: false)]
    case (.queued, .hold(let reason, let error)):
      next.slot.state = .held(Held(reason: reason, error: error))
      next.after = [.writeSidecar(durable: true)]
    case (.queued, .postponed(let until, let error)):
      next.slot.state = .queued(Queued(notBefore: until, error: error))
      next.after = error == nil ? [.requeue] : [.writeSidecar(durable: false), .requeue]
    case (.held(let held), .approved) where held.reason.isBeforeSending:
      next.slot.state = .queued(Queued())
      next.after = [.requeue]
    case (.failed, .refusalWasTheAccounts(let error))
    where attempts.last?.outcome == .refused && !attempts.contains(where: { $0.outcome == .refusedForAccount }):
      // Only once: refused again after the account was good again, it is the prompt after all.
      next.slot.attempts[attempts.count - 1].outcome = .refusedForAccount
      next.slot.state = .queued(Queued(error: error))
      next.after = [.writeSidecar(durable: false), .requeue]

    case (.submitting, .couldNotRecord(let error)):
      next.slot.endAttempt(.notSent, now)
      next.slot.state = .queued(Queued(notBefore: now + policy.localTroubleDelay, error: error))
      next.after = [.requeue]
    case (.submitting, .stoppedBeforeSending):
      next.slot.endAttempt(.notSent, now)
      next.slot.state = .queued(Queued())
      next.after = [.writeSidecar(durable: false), .requeue]
    case (.submitting, .posted(let outcome)):
      next.slot.settle(outcome, now: now, policy: policy, chance: chance, into: &next.after)
    case (.submitting, .restarted):
      next.slot.holdUnknown(
        JobError(
          code: HeldReason.submissionOutcomeUnknown.rawValue,
          message: "promptdrop was stopped while this was being submitted; the service may have accepted it."), now)
      next.after = [.writeSidecar(durable: true)]

    case (.submitted(let task), .queried(let outcome)):
      return next.slot.follow(task, outcome, was: self, now: now, policy: policy, chance: chance)
    case (.submitted, .restarted):
      next.commits = false
      next.after = [.writeSidecar(durable: false), .query(at: now)]

    case (.fetching, .published):
      next.before = [.writeSidecar(durable: true)]
      next.slot.state = .done
      next.slot.failures = 0
    case (.fetching(let fetching), .fetchFailed(let failure)):
      next.slot.settle(failure, of: fetching, now: now, policy: policy, chance: chance, into: &next.after)
    case (.fetching(let fetching), .restarted):
      if fetching.results.contains(.inlineElsewhere) {
        next.slot.state = .submitted(fetching.task)
        next.after = [.query(at: now)]
      } else {
        next.commits = false
        next.after = [.fetch(at: fetching.notBefore ?? now)]
      }
    default:
      return nil
    }
    return next
  }

  // A long outage must not grow the history without end; what may have been paid for is never forgotten.
  private mutating func forgetOldRefusals() {
    let free = attempts.indices.filter { [.refused, .notSent].contains(attempts[$0].outcome) }
    guard free.count > 9, let oldest = free.first else { return }
    attempts.remove(at: oldest)
  }

  private mutating func endAttempt(_ outcome: Attempt.Outcome, _ now: Timestamp, taskID: String? = nil) {
    guard !attempts.isEmpty else { return }
    attempts[attempts.count - 1].outcome = outcome
    attempts[attempts.count - 1].endedAt = now
    attempts[attempts.count - 1].taskID = taskID
  }

  private mutating func holdUnknown(_ error: JobError, _ now: Timestamp) {
    endAttempt(.unknown, now)
    var told = error
    told.retryable = false
    told.hint = "Look at the service's own list of tasks before you pay again. It is not sent again by itself."
    state = .held(Held(reason: .submissionOutcomeUnknown, error: told))
  }

  // The three outcomes of a POST; `refused` and `not sent` are one case here because neither is paid.
  private mutating func settle(
    _ outcome: SubmitOutcome, now: Timestamp, policy: RetryPolicy, chance: Double, into effects: inout [Effect]
  ) {
    switch outcome {
    case .accepted(let taskID):
      endAttempt(.accepted, now, taskID: taskID)
      failures = 0
      state = .submitted(TaskRef(taskID: taskID, acceptedAt: now))
      effects = [.writeSidecar(durable: true), .query(at: now + policy.firstQueryDelay)]
    case .unknown(let error, let serviceDown):
      holdUnknown(error, now)
      effects = [.writeSidecar(durable: true)]
      // An outage must hold a handful of jobs, not thousands: the gate closes first.
      if serviceDown { effects.insert(.serviceTrouble(.down, error), at: 0) }
    case .notAccepted(let failure, let reached):
      endAttempt(reached ? .refused : .notSent, now)
      failures += 1
      switch failure.consequence {
      case .permanent:
        failures = 0
        state = .failed(failure.error)
        effects = [.writeSidecar(durable: true)]
      case .transient(let retryAfter):
        let delay = policy.submitDelay(failures: failures, retryAfter: retryAfter, chance: chance)
        state = .queued(Queued(notBefore: now + delay, error: failure.error))
        effects = [.writeSidecar(durable: false), .requeue]
        // A refused request means that the service wants less of everything, a lost network stops everything too.
        effects.append(.slowDown(retryAfter ?? delay))
      case .service(let trouble):
        failures = 0
        state = .queued(Queued(error: failure.error))
        effects = [.serviceTrouble(trouble, failure.error), .writeSidecar(durable: false), .requeue]
      }
    }
  }

  private mutating func follow(
    _ task: TaskRef, _ outcome: QueryOutcome, was: Slot, now: Timestamp, policy: RetryPolicy, chance: Double
  ) -> Transition {
    let age = now - task.acceptedAt
    var after: [Effect] = []
    switch outcome {
    case .report(let report):
      failures = 0
      serviceStatus = report.status
      consumed = report.consumed ?? consumed
      switch report.phase {
      case .running where age >= policy.taskDeadline:
        hold(.deadlinePassed, task, "The task was accepted \(age.brief) ago and is still \"\(report.status)\".")
        after = [.writeSidecar(durable: true)]
      case .running:
        after = [.query(at: now + policy.queryDelay(age: age, chance: chance))]
        // Not for a mere poll.
        if serviceStatus != was.serviceStatus || consumed != was.consumed {
          after.insert(.writeSidecar(durable: false), at: 0)
        }
      case .failed(let words):
        state = .failed(
          JobError(
            code: "task-failed", message: "The service could not make it: \(words)",
            hint: "Change the prompt; saving it with other words submits it anew."))
        after = [.writeSidecar(durable: true)]
      case .succeeded(let results):
        let images = results.filter { if case .text = $0 { false } else { true } }
        if images.isEmpty {
          state = .failed(Slot.noPicture(results))
          after = [.writeSidecar(durable: true)]
        } else {
          state = .fetching(Fetching(task: task, results: images))
          after = [.writeSidecar(durable: false), .fetch(at: now)]
        }
      }
    case .notFound where age >= policy.notFoundGrace:
      hold(.taskLost, task, "The service accepted this task and now says that it does not know it.")
      after = [.writeSidecar(durable: true)]
    case .notFound:
      after = [.query(at: now + policy.queryDelay(age: age, chance: chance))]
    case .failed(let failure):
      failures += 1
      var retryAfter: Duration?
      if case .transient(let wanted) = failure.consequence { retryAfter = wanted }
      let backOff = policy.queryFailureDelay(failures: failures, retryAfter: retryAfter, chance: chance)
      after = [.query(at: now + backOff)]
      if case .service(let trouble) = failure.consequence { after.append(.serviceTrouble(trouble, failure.error)) }
    }
    // A count of failures is not worth a commit: a restart starts it anew.
    var unchanged = was
    unchanged.failures = failures
    return Transition(slot: self, commits: self != unchanged, after: after)
  }

  private mutating func settle(
    _ failure: FetchFailure, of fetching: Fetching, now: Timestamp, policy: RetryPolicy, chance: Double,
    into effects: inout [Effect]
  ) {
    var next = fetching
    var task = fetching.task
    if case .local = failure {} else { failures += 1 }  // A full disk uses up no tries.
    switch failure {
    case .transient(let error, let retryAfter) where failures < policy.fetchTries:
      next.error = error
      next.notBefore = now + policy.fetchDelay(failures: failures, retryAfter: retryAfter, chance: chance)
      state = .fetching(next)
      effects = [.writeSidecar(durable: false), .fetch(at: next.notBefore ?? now)]
    case .expired(let error), .transient(let error, _):
      // A new list of results is a new chance: fresh URLs, perhaps from a host that answers.
      guard task.refreshes < policy.resultRefreshes else { return holdPaid(task, error, &effects) }
      task.refreshes += 1
      failures = 0
      state = .submitted(task)
      effects = [.query(at: now)]
    case .unusable(let error):
      holdPaid(task, error, &effects)
    case .local(let error):
      next.error = error
      next.notBefore = now + policy.localTroubleDelay
      state = .fetching(next)
      effects = [.fetch(at: now + policy.localTroubleDelay)]
    }
  }

  private mutating func holdPaid(_ task: TaskRef, _ error: JobError, _ effects: inout [Effect]) {
    var told = error
    told.retryable = false
    told.hint = "The picture is paid for. Fetch it by its task id \(task.taskID) from the service while it keeps it."
    state = .held(Held(reason: .paidNotFetched, error: told, task: task))
    effects = [.writeSidecar(durable: true)]
  }

  private mutating func hold(_ reason: HeldReason, _ task: TaskRef, _ message: String) {
    let error = JobError(
      code: reason.rawValue, message: message,
      hint: "It is paid for, so it is not submitted again by itself. Ask the service about task \(task.taskID).")
    state = .held(Held(reason: reason, error: error, task: task))
  }

  private static func noPicture(_ results: [ResultItem]) -> JobError {
    let words = results.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: " ")
    let message =
      words.isEmpty
      ? "The task succeeded, but the service returned no picture."
      : "The model answered in words instead of a picture: \(words.prefix(500))"
    return JobError(
      code: "no-picture", message: message, hint: "Ask for a picture more plainly; changed words submit anew.")
  }
}
