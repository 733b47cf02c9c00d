// What a picture that does not come means for its slot. Object stores lag by seconds to minutes, so whatever a host
// answers, it is tried again, each time with a fresh query and the URL of that: for some minutes as if nothing were wrong;
// then the slot is held, so that its user knows, and is tried on with long pauses for as long as such URLs live.
extension Slot {
  /// A picture could not be fetched or put in place.
  mutating func settle(
    _ failure: FetchFailure, of fetching: Fetching, now: Timestamp, policy: RetryPolicy, jitter: Double,
    into effects: inout [Effect]
  ) {
    let urls = fetching.results.compactMap { if case .url(let url) = $0 { url } else { nil } }
    var miss = Miss(cause: .notFetched, error: failure.error, urls: urls)
    var task = fetching.task
    switch failure {
    case .local(let error):
      // Nothing is wrong with the picture: a full disk uses up no patience.
      var next = fetching
      next.error = error
      next.notBefore = now + policy.localTroubleDelay
      state = .fetching(next)
      effects = [.fetch(at: now + policy.localTroubleDelay)]
      return
    case .transient(_, let retryAfter): miss.retryAfter = retryAfter
    case .expired: break
    case .damaged(let damage, _): task.note(damage)
    // Time does not mend this, so it is held at once. Another URL or other settings may still bring the picture.
    case .unusable: miss.isFinal = true
    }
    wait(for: task, miss, now: now, policy: policy, jitter: jitter, into: &effects)
  }

  /// A try that did not bring the picture.
  struct Miss {
    var cause: Late.Cause
    var error: JobError
    /// Where it was said to be; empty: as before.
    var urls: [String] = []
    var retryAfter: Duration?
    var isFinal = false
  }

  /// The picture of the task is late: it is asked for anew.
  mutating func wait(
    for paid: TaskRef, _ miss: Miss, now: Timestamp, policy: RetryPolicy, jitter: Double, into effects: inout [Effect]
  ) {
    var task = paid
    task.refreshes += 1
    failures = 0
    // Where a picture had an address once, a result that is missing is only one more miss.
    let cause = task.late?.cause == .notFetched ? .notFetched : miss.cause
    let isSameWait = task.late?.cause == cause
    let waited = isSameWait ? task.late?.waited ?? .zero : .zero
    if !isSameWait { task.damage = task.damage.map { Damage(part: $0.part, sha256: $0.sha256) } }
    // A list that has become shorter does not say where the others are: the longer one does.
    let before = task.late?.urls ?? []
    var late = Late(
      cause: cause, waited: waited, next: nil, error: miss.error,
      urls: miss.urls.count < before.count ? before : miss.urls)
    let patience = cause == .noResult ? policy.notFoundGrace : policy.fetchPatience
    let isOver = waited >= patience || miss.isFinal || (miss.retryAfter ?? .zero) > patience
    if isOver, cause == .noResult {
      state = .failed(JobError.noPicture([]))
      effects = [.writeSidecar(durable: true)]
      return
    }
    guard isOver else {
      let delay = policy.fetchDelay(
        failures: isSameWait ? task.refreshes : 1, retryAfter: miss.retryAfter, jitter: jitter)
      late.rest(delay, from: now)
      late.error.retryable = true
      task.late = late
      state = .submitted(task)
      effects = [.writeSidecar(durable: false), .query(at: now + delay)]
      return
    }
    late.waited = max(waited, patience)
    if waited < policy.resultLifetime {
      let delay = policy.latePause(waited: late.waited, retryAfter: miss.retryAfter, jitter: jitter)
      late.rest(delay, from: now)
    }
    task.late = late
    hold(late, task, policy)
    effects = [.writeSidecar(durable: true)]
    if let next = late.next { effects.append(.tryLater(at: next)) }
  }

  private mutating func hold(_ late: Late, _ task: TaskRef, _ policy: RetryPolicy) {
    var error = late.error
    error.retryable = late.next != nil
    let byItself =
      late.next == nil
      ? "" : "promptdrop tries again by itself, at no cost, for \(policy.resultLifetime.brief) in all. "
    error.hint = (late.error.hint.map { $0 + " " } ?? "") + Slot.paidHint(task, byItself)
    state = .held(Held(reason: .paidNotFetched, error: error, task: task))
  }

  /// What can be done about a picture that is paid for and out of reach.
  static func paidHint(_ task: TaskRef, _ byItself: String = "") -> String {
    "The picture is paid for; its task id is \(task.taskID). \(byItself)"
      + retryOrResolve("fetch it again now, at no cost")
  }

  /// The commands for a task that is paid for. `purpose`: what `retry` does, after "to".
  static func retryOrResolve(_ purpose: String) -> String {
    "To \(purpose), run `promptdrop retry FILE`. To pay for another one, run `promptdrop resolve FILE --resubmit`. To give "
      + "it up, run `promptdrop resolve FILE --abandon`."
  }

  /// What a query says of a slot that is held, and still tried. Only a picture moves it; whatever else comes is one more
  /// miss, for it was paid for and was finished once.
  func followHeld(
    _ held: TaskRef, _ outcome: QueryOutcome, now: Timestamp, policy: RetryPolicy, jitter: Double
  ) -> Transition {
    let task = held.tried(at: now)
    var next = Transition(slot: self)
    if case .report(let report) = outcome, case .succeeded(let results) = report.phase, outcome.hasPictures {
      next.slot.serviceStatus = report.status
      next.slot.consumed = report.consumed ?? consumed
      next.slot.state = .fetching(Fetching(task: task, results: results.images))
      next.after = [.fetch(at: now)]
      return next
    }
    let miss = Miss(cause: .notFetched, error: outcome.missError ?? task.late?.error ?? state.error ?? .notThere)
    next.slot.wait(for: task, miss, now: now, policy: policy, jitter: jitter, into: &next.after)
    return next
  }
}

extension Fetching {
  /// Why these results cannot be taken for all that the task made; nil: they can. A task's pictures are distinguished by their
  /// place in the list: where fewer are listed than before, nobody knows which one is missing. `placed`: those of them
  /// that are in place, from 1.
  public func shortfall(placed: Set<Int>) -> JobError? {
    let known = max(placed.max() ?? 0, task.late?.urls.count ?? 0)
    guard results.count < known, !(1...known).allSatisfy(placed.contains) else { return nil }
    return JobError(
      code: .resultIncomplete,
      message: "The task made \(known) pictures, and the service lists only \(results.count) of them now.",
      retryable: true)
  }
}

extension [ResultItem] {
  /// Those that are pictures.
  var images: [ResultItem] { filter { if case .text = $0 { false } else { true } } }
}

extension QueryOutcome {
  /// Whether it names pictures.
  var hasPictures: Bool {
    if case .report(let report) = self, case .succeeded(let results) = report.phase {
      !results.images.isEmpty
    } else {
      false
    }
  }

  /// Why it brings no picture of a task that was finished before; nil: it says nothing of that.
  var missError: JobError? {
    switch self {
    case .notFound:
      JobError(
        code: .taskForgotten, message: "The service finished this task, and now says that it does not know it.",
        retryable: true)
    case .unusable(let error): error
    case .failed(let failure): failure.consequence == .permanent ? failure.error : nil
    case .report(let report):
      switch report.phase {
      case .running:
        JobError(
          code: .taskNotFinal,
          message: "The service finished this task, and now says that it is \"\(report.status)\".", retryable: true)
      case .failed(let words):
        JobError(
          code: .taskFailed, message: "The service finished this task, and now says that it failed: \(words)",
          retryable: true)
      case .succeeded, .withoutResult, .notUnderstood: .notThere
      }
    }
  }
}

extension JobError {
  /// The task succeeded, and there is no result yet.
  static let notThere = JobError(
    code: .resultNotThere, message: "The task succeeded, and its result is not there yet.",
    hint: "promptdrop asks again by itself.", retryable: true)
}
