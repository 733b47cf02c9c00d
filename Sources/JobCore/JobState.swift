extension Slot {
  /// Decides what `event` means for the slot. Nil: it means nothing in this state.
  ///
  /// Pure. `now` is the wall clock, `jitter` a random number in 0..<1.
  public func on(_ event: SlotEvent, now: Timestamp, policy: RetryPolicy, jitter: Double) -> Transition? {
    var next = Transition(slot: self)
    switch (state, event) {
    case (.queued, .start(let attemptID, let bootID, let requestSHA, let callbackSHA, let reserved)):
      next.slot.state = .submitting
      next.slot.forgetOldRefusals()
      var attempt = Attempt(n: (attempts.last?.n ?? 0) + 1, attemptID: attemptID, bootID: bootID, startedAt: now)
      (attempt.requestSHA, attempt.callbackSHA, attempt.reserved) = (requestSHA, callbackSHA, reserved)
      next.slot.attempts.append(attempt)
      // What an earlier task cost is on its own attempt's bill.
      (next.slot.consumed, next.slot.serviceStatus) = (nil, nil)
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
    case (_, .refusalWasTheAccounts), (_, .refusalWasItsOwn), (_, .triedAgain):
      return onRefusal(event, now: now, policy: policy)

    case (.submitting, .couldNotRecord(let error)):
      next.slot.endAttempt(.notSent, now)
      next.slot.state = .queued(Queued(notBefore: now + policy.localTroubleDelay, error: error))
      next.after = [.requeue]
    case (.submitting, .stoppedBeforeSending):
      next.slot.endAttempt(.notSent, now)
      next.slot.state = .queued(Queued())
      next.after = [.writeSidecar(durable: false), .requeue]
    case (.submitting, .posted(let outcome)):
      next.slot.settle(outcome, now: now, policy: policy, jitter: jitter, into: &next.after)
    case (.submitting, .restarted):
      next.slot.holdUnknown(
        JobError(
          code: .held(.submissionOutcomeUnknown),
          message: "promptdrop was stopped while it submitted this prompt. The service may have accepted it."), now)
      next.after = [.writeSidecar(durable: true)]

    case (.submitting, .foundUnsent):
      next.slot.endAttempt(.notSent, now)
      next.slot.state = .queued(Queued())
      next.after = [.writeSidecar(durable: false), .requeue]

    case (_, .bound(let taskID, let attemptID)):
      guard next.slot.bind(taskID, attemptID, now) else { return nil }
      next.after = [.writeSidecar(durable: true), .query(at: now)]
    case (.held(let held), .resubmit) where !held.reason.isBeforeSending:
      next.slot.failures = 0
      next.slot.state = .queued(Queued())
      next.after = [.writeSidecar(durable: false), .requeue]
    case (.held(let held), .abandon) where !held.reason.isBeforeSending:
      next.slot.state = .cancelled(.abandoned)
      next.after = [.writeSidecar(durable: true)]
    case (.failed, .retry):
      next.slot.failures = 0
      next.slot.state = .queued(Queued())
      next.after = [.writeSidecar(durable: false), .requeue]
    case (.held(let held), .retry):
      guard let task = held.task else { return nil }
      next.slot.failures = 0
      next.slot.state = .submitted(task.lookedAtAnew(now))
      next.after = [.writeSidecar(durable: true), .query(at: now)]
    case (.held(let held), .queried(let outcome)):
      guard held.isStillTried, let task = held.task else { return nil }
      return followHeld(task, outcome, now: now, policy: policy, jitter: jitter)
    case (_, .clockSet(let jump)):
      next.slot.state.move(by: jump)
      guard next.slot.state != state else { return nil }

    case (.submitted(let task), .queried(let outcome)):
      return next.slot.follow(task, outcome, was: self, now: now, policy: policy, jitter: jitter)
    case (.submitted(let task), .restarted):
      next.commits = false
      // The pause counts as waited for: it is kept, but no clock that was set makes it longer.
      let soonest = task.late?.next.map { min(max($0, now), now + policy.longestPause) }
      next.after = [.writeSidecar(durable: false), .query(at: soonest ?? now)]

    case (.fetching, .published):
      next.before = [.writeSidecar(durable: true)]
      next.slot.state = .done
      next.slot.failures = 0
    case (.fetching(let fetching), .fetchFailed(let failure)):
      next.slot.settle(failure, of: fetching, now: now, policy: policy, jitter: jitter, into: &next.after)
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

  private mutating func holdUnknown(
    _ error: JobError, _ now: Timestamp, _ reason: HeldReason = .submissionOutcomeUnknown
  ) {
    endAttempt(.unknown, now)
    var shown = error
    shown.retryable = false
    shown.hint = Slot.decideHint
    state = .held(Held(reason: reason, error: shown))
  }

  /// What a person can do about an unknown outcome; the commands are those of the program.
  public static let decideHint =
    "Look at the service's own list of tasks. If the task is there, run `promptdrop resolve FILE --adopt TASK_ID`. If it is "
    + "not, run `promptdrop resolve FILE --resubmit`, which pays again if it was accepted after all, or "
    + "`promptdrop resolve FILE --abandon`. promptdrop does not submit it again by itself."

  // The task of an attempt whose outcome is in doubt: before anybody pays again, this is it.
  private mutating func bind(_ taskID: String, _ attemptID: String?, _ now: Timestamp) -> Bool {
    let index = attempts.lastIndex { attemptID == nil || $0.attemptID == attemptID }
    guard let index, attemptID == nil || attempts[index].outcome == .unknown else { return false }
    switch state {
    case .held(let held):
      // A task that it has already is paid for too, and would be forgotten: the other one gets a slot of its own.
      if held.reason.isBeforeSending || (attemptID != nil && held.task != nil) { return false }
    case .queued, .cancelled(.abandoned): if attempts[index].outcome != .unknown { return false }
    default: return false
    }
    attempts[index].outcome = .accepted
    attempts[index].taskID = taskID
    attempts[index].endedAt = attempts[index].endedAt ?? now
    failures = 0
    state = .submitted(TaskRef(taskID: taskID, acceptedAt: now))
    return true
  }

  // The three outcomes of a POST; `refused` and `not sent` are one case here because neither is paid. What one says of
  // the service as a whole, `SubmitOutcome.serviceTrouble`, counts when it comes, not when it is written down.
  private mutating func settle(
    _ outcome: SubmitOutcome, now: Timestamp, policy: RetryPolicy, jitter: Double, into effects: inout [Effect]
  ) {
    switch outcome {
    case .accepted(let taskID):
      endAttempt(.accepted, now, taskID: taskID)
      failures = 0
      state = .submitted(TaskRef(taskID: taskID, acceptedAt: now))
      effects = [.writeSidecarSoon, .query(at: now + policy.firstQueryDelay)]
    case .unknown(let error, _):
      holdUnknown(error, now)
      effects = [.writeSidecar(durable: true)]
    case .taskOfAnother(let error):
      holdUnknown(error, now, .taskOfAnother)
      effects = [.writeSidecar(durable: true)]
    case .notAccepted(let failure, let reached):
      endAttempt(reached ? .refused : .notSent, now)
      failures += 1
      switch failure.consequence {
      case .permanent:
        failures = 0
        state = .failed(failure.error)
        effects = [.writeSidecar(durable: true)]
      case .unclear:
        let delay = policy.refusalDelay(failures: failures)
        state = .queued(Queued(notBefore: now + delay, error: failure.error, blame: .unclear))
        effects = [.writeSidecar(durable: false), .requeue]
      case .transient(let retryAfter):
        let delay = policy.submitDelay(failures: failures, retryAfter: retryAfter, jitter: jitter)
        state = .queued(Queued(notBefore: now + delay, error: failure.error))
        effects = [.writeSidecar(durable: false), .requeue]
        // A refused request means that the service wants less of everything, a lost network stops everything too.
        effects.append(.slowDown(retryAfter ?? delay))
      case .service:
        failures = 0
        state = .queued(Queued(error: failure.error))
        effects = [.writeSidecar(durable: false), .requeue]
      }
    }
  }

  private mutating func follow(
    _ submitted: TaskRef, _ outcome: QueryOutcome, was: Slot, now: Timestamp, policy: RetryPolicy, jitter: Double
  ) -> Transition {
    let task = submitted.tried(at: now)
    let age = now - task.acceptedAt
    var after: [Effect] = []
    if task.late?.cause == .notFetched, let error = outcome.missError, !outcome.hasPictures {
      // It was finished, and had an address: it is not given up because the service says something else now.
      wait(for: task, Miss(cause: .notFetched, error: error), now: now, policy: policy, jitter: jitter, into: &after)
      return Transition(slot: self, after: after)
    }
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
        after = [.query(at: now + policy.queryDelay(age: age, jitter: jitter))]
        // Not for a mere poll.
        if serviceStatus != was.serviceStatus || consumed != was.consumed {
          after.insert(.writeSidecar(durable: false), at: 0)
        }
      case .failed(let words):
        state = .failed(
          JobError(
            code: .taskFailed, message: "The service could not make it: \(words)",
            hint:
              "Change the text of the prompt: a changed text is submitted again. To submit the same text again, run "
              + "`promptdrop retry FILE`."))
        after = [.writeSidecar(durable: true)]
      case .withoutResult:
        wait(
          for: task, Miss(cause: .noResult, error: .notThere), now: now, policy: policy, jitter: jitter, into: &after)
      case .notUnderstood(let odd):
        state = .held(Held(odd, of: task))
        after = [.writeSidecar(durable: true)]
      case .succeeded(let results):
        let images = results.images
        if images.isEmpty {
          state = .failed(JobError.noPicture(results))
          after = [.writeSidecar(durable: true)]
        } else {
          state = .fetching(Fetching(task: task, results: images))
          // One more try is not reported: what was wrong with the last one is.
          after = (task.late == nil ? [.writeSidecar(durable: false)] : []) + [.fetch(at: now)]
        }
      }
    case .notFound where age >= policy.notFoundGrace:
      hold(.taskLost, task, "The service accepted this task, and now says that it does not know it.")
      after = [.writeSidecar(durable: true)]
    case .notFound:
      after = [.query(at: now + policy.queryDelay(age: age, jitter: jitter))]
    case .unusable(let error) where age >= policy.taskDeadline:
      hold(
        .deadlinePassed, task,
        "The task was accepted \(age.brief) ago, and there is still no usable answer about it: \(error.message)")
      after = [.writeSidecar(durable: true)]
    case .unusable:
      failures += 1
      after = [.query(at: now + policy.queryFailureDelay(failures: failures, retryAfter: nil, jitter: jitter))]
    case .failed(let failure) where failure.consequence == .permanent:
      holdPaid(task, failure.error, &after)
    case .failed(let failure):
      failures += 1
      var retryAfter: Duration?
      if case .transient(let wanted) = failure.consequence { retryAfter = wanted }
      let backOff = policy.queryFailureDelay(failures: failures, retryAfter: retryAfter, jitter: jitter)
      after = [.query(at: now + backOff)]
      if case .service(let trouble) = failure.consequence { after.append(.serviceTrouble(trouble, failure.error)) }
    }
    // A count of failures is not worth a commit: a restart starts it anew.
    let isNews =
      state != was.state || attempts != was.attempts || serviceStatus != was.serviceStatus || consumed != was.consumed
    return Transition(slot: self, commits: isNews, after: after)
  }

  private mutating func holdPaid(_ task: TaskRef, _ error: JobError, _ effects: inout [Effect]) {
    var shown = error
    shown.retryable = false
    shown.hint = Slot.paidHint(task)
    // It was not the picture that could not be had: nothing is tried by itself.
    var task = task
    task.late?.next = nil
    state = .held(Held(reason: .paidNotFetched, error: shown, task: task))
    effects = [.writeSidecar(durable: true)]
  }

  private mutating func hold(_ reason: HeldReason, _ task: TaskRef, _ message: String) {
    let error = JobError(
      code: .held(reason), message: message,
      hint:
        "It is paid for, so promptdrop does not submit it again by itself. Its task id is \(task.taskID). "
        + Slot.retryOrResolve("ask for its picture again, at no cost"))
    state = .held(Held(reason: reason, error: error, task: task))
  }
}

extension SlotState {
  // By how much the wall clock was set, moments of the past and of the future move alike.
  fileprivate mutating func move(by jump: Duration) {
    switch self {
    case .queued(var queued):
      queued.notBefore = queued.notBefore.map { $0 + jump }
      self = .queued(queued)
    case .submitted(var task):
      task.move(by: jump)
      self = .submitted(task)
    case .fetching(var fetching):
      fetching.task.move(by: jump)
      fetching.notBefore = fetching.notBefore.map { $0 + jump }
      self = .fetching(fetching)
    case .held(var held) where held.isStillTried:
      if let next = held.task?.late?.next { held.task?.late?.next = next + jump }
      self = .held(held)
    case .submitting, .done, .failed, .held, .cancelled: break
    }
  }
}
