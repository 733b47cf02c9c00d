/// One line of a trace: what happened to a slot or a file, and what came of it. Made only where a trace is wanted.
public enum TraceLine {
  /// A transition: `cat.prompt 1/1: posted accepted ta5c97…: submitting -> submitted; query`. The numbers are those of revision
  /// and slot.
  public static func transition(_ file: FileKey, _ event: SlotEvent, from before: Slot, _ transition: Transition)
    -> String
  {
    let effects = (transition.before + transition.after).map(\.traceWord).joined(separator: ", ")
    let key = before.key
    return "\(file.path.display) \(key.revision)/\(key.number): \(event.traceWords): \(before.state.name.rawValue) -> "
      + "\(transition.slot.state.name.rawValue)\(effects.isEmpty ? "" : "; \(effects)")"
  }

  /// A decision on a file: `cat.prompt: new: It is new.`, with the code of what keeps it.
  public static func decision(_ file: FileKey, _ outcome: FileOutcome) -> String {
    let reason = outcome.reason
    return "\(file.path.display): \(reason.kind.rawValue)\(reason.code.map { ", \($0)" } ?? ""): \(reason.message)"
  }

  /// An event that changes nothing in the state that the slot is in.
  public static func ignored(_ file: FileKey, _ event: SlotEvent, by slot: Slot) -> String {
    let key = slot.key
    return "\(file.path.display) \(key.revision)/\(key.number): \(event.traceWords): \(slot.state.name.rawValue) stays"
  }
}

extension SlotEvent {
  // What happened, with what decides what comes of it.
  fileprivate var traceWords: String {
    switch self {
    case .start(let attemptID, bootID: _, requestSHA: _, callbackSHA: _, let reserved):
      "start of attempt \(attemptID)\(reserved.map { ", \($0) credits reserved" } ?? "")"
    case .couldNotRecord(let error): "could not record, \(error.code)"
    case .stoppedBeforeSending: "stopped before sending"
    case .postponed(let until, let error): "postponed until \(until.rfc3339)\(error.map { ", \($0.code)" } ?? "")"
    case .posted(let outcome): "posted, \(outcome.traceWords)"
    case .queried(let outcome): "queried, \(outcome.traceWords)"
    case .published: "published"
    case .fetchFailed(let failure): "fetch failed, \(failure.error.code)"
    case .restarted: "restarted"
    case .hold(let reason, _): "hold, \(reason.rawValue)"
    case .approved: "approved"
    case .withdrawn(let reason): "withdrawn, \(reason.rawValue)"
    case .refusalWasTheAccounts: "refusal was the account's"
    case .refusalWasItsOwn: "refusal was its own"
    case .triedAgain: "tried again"
    case .foundUnsent: "found unsent"
    case .bound(let taskID, let attemptID):
      "bound to task \(taskID)\(attemptID.map { " of attempt \($0)" } ?? "")"
    case .resubmit: "resubmit"
    case .abandon: "abandon"
    case .retry: "retry"
    case .clockSet(let jump): "clock set by \(jump)"
    }
  }
}

extension SubmitOutcome {
  fileprivate var traceWords: String {
    switch self {
    case .accepted(let taskID): "accepted as task \(taskID)"
    case .taskOfAnother(let error): "accepted as a task of another, \(error.code)"
    case .notAccepted(let failure, let reached):
      "not accepted, \(failure.error.code), \(reached ? "the service saw it" : "nothing left")"
    case .unknown(let error, _): "outcome unknown, \(error.code)"
    }
  }
}

extension QueryOutcome {
  fileprivate var traceWords: String {
    switch self {
    case .report(let report): "the task is \(report.phase.traceWord)"
    case .notFound: "task not found"
    case .unusable(let error): "unusable answer, \(error.code)"
    case .failed(let failure): "no answer, \(failure.error.code)"
    }
  }
}

extension TaskReport.Phase {
  fileprivate var traceWord: String {
    switch self {
    case .running: "running"
    case .succeeded(let items): "finished with \(items.count) items"
    case .withoutResult: "finished without a result"
    case .notUnderstood: "finished with a result that is not understood"
    case .failed: "failed"
    }
  }
}

extension Effect {
  fileprivate var traceWord: String {
    switch self {
    case .writeSidecarSoon: "write sidecar soon"
    case .writeSidecar(let durable): durable ? "write sidecar and sync" : "write sidecar"
    case .post: "post"
    case .query(let moment): "query at \(moment.rfc3339)"
    case .fetch(let moment): "fetch at \(moment.rfc3339)"
    case .tryLater(let moment): "try later at \(moment.rfc3339)"
    case .requeue: "requeue"
    case .serviceTrouble(let trouble, _): "service trouble, \(trouble.rawValue)"
    case .slowDown(let duration): "slow down for \(duration)"
    }
  }
}
