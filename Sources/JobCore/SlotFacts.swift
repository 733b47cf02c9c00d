// What decisions on files ask of slots and of sidecars.

extension Slot {
  /// Whether nothing of it was sent, so that it can simply be withdrawn.
  public var isUnsent: Bool {
    if case .held(let held) = state { return held.reason.isBeforeSending }
    return state.name == .queued
  }

  /// Whether it was withdrawn unsent: it comes back with its text.
  public var isWithdrawn: Bool { state == .cancelled(.superseded) || state == .cancelled(.sourceGone) }

  /// Whether money may have gone for it.
  public var mayBePaid: Bool { attempts.contains { $0.outcome.mayBePaid } || state == .done }

  /// Whether a sidecar has submissions of this slot that the journal does not know, or of the task of one that it does.
  public func learns(from other: Slot) -> Bool {
    // Earlier versions dropped the attempts of pictures that had been finished for long.
    guard state != .done else { return false }
    let known = Dictionary(attempts.map { ($0.attemptID, $0) }, uniquingKeysWith: { first, _ in first })
    return other.attempts.contains { entry in
      guard let own = known[entry.attemptID] else { return entry.outcome.mayBePaid || other.state.name == .failed }
      return entry.taskID != nil && own.taskID == nil && own.outcome.mayBePaid
    }
  }
}

extension SlotState {
  /// Whether a person may have to know: it failed, is held, or was refused.
  public var isNotable: Bool {
    switch self {
    case .failed, .held: true
    case .queued(let queued): queued.blame != nil
    case .submitting, .submitted, .fetching, .done, .cancelled: false
    }
  }
}

extension Attempt.Outcome {
  /// Whether money may have gone.
  public var mayBePaid: Bool {
    switch self {
    case .begun, .accepted, .unknown: true
    case .refused, .refusedForAccount, .notSent: false
    }
  }
}

extension Queued {
  /// Whether it was put off because a program has its file open.
  public var isOfWriter: Bool { error?.code.heldReason == .writerOpen }
}

extension StatusSidecar {
  /// Whether it has submissions or pictures.
  public var tellsOfPayment: Bool { !attempts.isEmpty || !outputs.isEmpty }
}
