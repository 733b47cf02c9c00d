import JobCore

/// What each transition has to keep, whatever the history: the rules that `SlotInvariants` holds random ones against.
enum SlotRules {
  static func submitting(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    var broken: [String] = []
    let effects = transition.before + transition.after
    if transition.slot.state == .submitting && before.state != .submitting {
      if transition.after != [.writeSidecar(durable: true), .post] { broken.append("not sidecar, then POST") }
      if !transition.before.isEmpty { broken.append("something is done before the intent is committed") }
      if !transition.commits { broken.append("the intent is not committed") }
      if before.state.name != .queued { broken.append("submits what is not queued") }
    } else if effects.contains(.post) {
      broken.append("POST without the step from queued to submitting")
    }
    if before.state == .submitting, event == .restarted {
      guard case .held(let held) = transition.slot.state, held.reason == .submissionOutcomeUnknown,
        held.error.code == "submission-outcome-unknown", transition.slot.attempts.last?.outcome == .unknown
      else { return broken + ["a restart while submitting is not held as unknown"] }
    }
    if event == .foundUnsent {
      if before.state != .submitting { broken.append("found unsent in \(before.state.name)") }
      if transition.slot.state != .queued(Queued()) || transition.slot.attempts.last?.outcome != .notSent {
        broken.append("found unsent, and not back in the queue as not sent")
      }
    }
    return broken
  }

  // What evidence or a person's word may alter: the one attempt that is meant.
  static func evidence(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    guard case .bound(let taskID, let attemptID) = event else { return [] }
    let after = transition.slot
    var broken: [String] = []
    let changed = zip(before.attempts, after.attempts).filter { $0 != $1 }
    if after.attempts.count != before.attempts.count || changed.count > 1 {
      broken.append("more than one attempt changed")
    }
    for (old, new) in changed {
      var expected = old
      expected.outcome = .accepted
      expected.taskID = taskID
      expected.endedAt = old.endedAt ?? new.endedAt
      if new != expected { broken.append("a bound attempt is not what it was, accepted") }
      if let attemptID, old.attemptID != attemptID { broken.append("evidence for another attempt") }
      if attemptID == nil, old != before.attempts.last { broken.append("a person's word is for the last attempt") }
      if attemptID != nil, old.outcome != .unknown { broken.append("evidence on an attempt that is \(old.outcome)") }
    }
    if attemptID != nil, changed.isEmpty { broken.append("evidence changed nothing, and was taken") }
    if case .submitted(let task) = after.state, task.taskID == taskID { return broken }
    return broken + ["bound, and the task is not followed"]
  }

  // Moments move along, and nothing else does anything.
  static func clock(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    guard case .clockSet(let jump) = event else { return [] }
    var expected = before
    switch before.state {
    case .queued(var queued):
      queued.notBefore = queued.notBefore.map { $0 + jump }
      expected.state = .queued(queued)
    case .submitted(var task):
      task.acceptedAt = task.acceptedAt + jump
      if let next = task.late?.next { task.late?.next = next + jump }
      expected.state = .submitted(task)
    case .fetching(var fetching):
      fetching.task.acceptedAt = fetching.task.acceptedAt + jump
      if let next = fetching.task.late?.next { fetching.task.late?.next = next + jump }
      fetching.notBefore = fetching.notBefore.map { $0 + jump }
      expected.state = .fetching(fetching)
    case .held(var held):
      if let next = held.task?.late?.next { held.task?.late?.next = next + jump }
      expected.state = .held(held)
    default: break
    }
    var broken = transition.slot == expected ? [] : ["a clock that was set changed more than moments"]
    if !(transition.before + transition.after).isEmpty { broken.append("a clock that was set has effects") }
    return broken
  }

  // What may become of a task that is paid for, and of the clock's influence on it.
  static func paid(
    _ before: Slot, _ event: SlotEvent, _ after: Slot, _ now: Timestamp, _ policy: RetryPolicy
  ) -> [String] {
    var broken: [String] = []
    if after.state == .done, event != .published || before.state.name != .fetching { broken.append("done too early") }
    var isRunning = false
    var isFinalWord = false
    if case .queried(.unusable) = event { isRunning = true }
    if case .queried(.report(let report)) = event {
      switch report.phase {
      case .running: isRunning = true
      case .failed, .withoutResult: isFinalWord = true
      case .notUnderstood: break
      case .succeeded(let results): isFinalWord = results.allSatisfy { if case .text = $0 { true } else { false } }
      }
    }
    if before.state.name == .submitted || before.state.name == .fetching {
      let allowed: [StateName] = [.submitted, .fetching, .done, .held] + (isFinalWord ? [.failed] : [])
      if !allowed.contains(after.state.name) { broken.append("a paid task became \(after.state.name)") }
      if case .held(let held) = after.state, held.task == nil { broken.append("held without its task") }
      if let task = before.state.task, let next = after.state.task {
        if next.taskID != task.taskID { broken.append("follows another task") }
        if next.acceptedAt != task.acceptedAt, event.label != "clockSet" { broken.append("the deadline's start moved") }
      }
      // Once it was finished, a task has no deadline.
      let wasFinished = before.state.task?.late?.cause == .notFetched
      let isLate = wasFinished ? false : before.state.task.map { now - $0.acceptedAt >= policy.taskDeadline } ?? false
      var isHeldAsLate = false
      if case .held(let held) = after.state { isHeldAsLate = held.reason == .deadlinePassed }
      if isHeldAsLate != (isRunning && isLate) { broken.append("the deadline was not judged by a report that it runs") }
    }
    return broken
  }

  // What is held, final or given up moves only by what its case says.
  static func settled(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    let after = transition.slot.state
    let isMeant: Bool
    switch (before.state, event) {
    case (.done, _): isMeant = false
    case (.cancelled(let reason), .bound): isMeant = reason == .abandoned
    case (.cancelled, _): isMeant = false
    case (.failed, .refusalWasTheAccounts): isMeant = before.attempts.last?.outcome == .refused
    case (.failed, .retry): isMeant = after == .queued(Queued()) && transition.slot.attempts == before.attempts
    case (.failed, _): isMeant = false
    case (.held(let held), .approved), (.held(let held), .withdrawn): isMeant = held.reason.isBeforeSending
    case (.held(let held), .bound): isMeant = !held.reason.isBeforeSending
    case (.held(let held), .resubmit): isMeant = !held.reason.isBeforeSending && after == .queued(Queued())
    case (.held(let held), .abandon): isMeant = !held.reason.isBeforeSending && after == .cancelled(.abandoned)
    case (.held(let held), .retry):
      // Another look at the task that is known; of an unknown outcome there is none to look at.
      isMeant = held.task != nil && after.name == .submitted && after.task?.taskID == held.task?.taskID
    case (.held(let held), .queried):
      // A picture that is late: only that moves it, and it stays this task's.
      isMeant = held.isStillTried && [.held, .fetching].contains(after.name) && after.task?.taskID == held.task?.taskID
    case (.held(let held), .clockSet): isMeant = held.isStillTried && after.name == .held
    case (.held, _): isMeant = false
    default: isMeant = true
    }
    let isKept =
      switch event {
      case .resubmit, .abandon, .retry: transition.slot.attempts == before.attempts
      default: true
      }
    return (isMeant ? [] : ["\(before.state.name) did not ignore \(event.label)"])
      + (isKept ? [] : ["\(event.label) altered the attempts"])
  }

  static func effects(_ before: Slot, _ event: SlotEvent, _ transition: Transition) -> [String] {
    if case .clockSet = event { return [] }
    var broken: [String] = []
    let after = transition.slot
    let effects = transition.before + transition.after
    // Somebody has to move it on: exactly one thing does.
    let drivers = effects.filter {
      switch $0 {
      case .post, .query, .fetch, .requeue: true
      default: false
      }
    }
    let fits: Bool =
      switch (after.state, drivers.first) {
      case (.queued, .requeue), (.submitting, .post), (.submitted, .query), (.fetching, .fetch): drivers.count == 1
      case (.done, nil), (.failed, nil), (.held, nil), (.cancelled, nil): true
      default: false
      }
    if !fits { broken.append("\(after.state.name) is moved on by \(drivers)") }
    // Of an answer, the journal is the copy that counts.
    var isAnswer = false
    if case .posted = event { isAnswer = after.state.name == .submitted }
    let isNews = after.state.name != before.state.name
    let matters: [StateName] = [.submitting, .submitted, .failed, .held]
    if isNews, matters.contains(after.state.name) || after.state == .cancelled(.abandoned),
      before.state.name != .fetching || after.state.name != .submitted,
      !transition.after.contains(isAnswer ? .writeSidecarSoon : .writeSidecar(durable: true))
    {
      broken.append("\(after.state.name) is not written durably")
    }
    if after.state == .done, transition.before != [.writeSidecar(durable: true)] {
      broken.append("done before the sidecar says so")
    }
    if !transition.commits {
      var same = before
      same.failures = after.failures
      if same != after { broken.append("a change that a restart needs is not committed") }
    }
    return broken
  }
}
