import JobCore
import TestKit

extension SplitMix64 {
  /// Any event with any contents.
  mutating func event() -> SlotEvent {
    switch Int.random(in: 0..<14, using: &self) {
    case 0: .start(attemptID: "attempt-\(next())", bootID: "boot")
    case 1: .couldNotRecord(error())
    case 2: posted()
    case 3, 4: queried()
    case 5: .published
    case 6: fetchFailed()
    case 7: .restarted
    case 8: .hold(one(of: [.burst, .asked, .conflictCopy]), error())
    case 9: .approved
    case 10: .withdrawn(percent(50) ? .sourceGone : .superseded)
    case 11: .refusalWasTheAccounts(error())
    case 12: .stoppedBeforeSending
    default: .postponed(until: start + milliseconds(0...100_000), optional { $0.error() })
    }
  }

  /// An event that means something in this state, so that long histories come about.
  mutating func likelyEvent(in state: SlotState) -> SlotEvent {
    switch state {
    case .queued: percent(90) ? .start(attemptID: "attempt-\(next())", bootID: "boot") : event()
    case .submitting: percent(80) ? posted() : .couldNotRecord(error())
    case .submitted: queried()
    case .fetching: percent(85) ? fetchFailed() : percent(50) ? .published : .restarted
    case .failed: .refusalWasTheAccounts(error())
    case .held: percent(50) ? .approved : event()
    case .done, .cancelled: event()
    }
  }

  private mutating func posted() -> SlotEvent {
    switch Int.random(in: 0..<10, using: &self) {
    case 0..<4: .posted(.accepted(taskID: "ta-\(next())"))
    case 4: .posted(.unknown(error(), serviceDown: percent(50)))
    default: .posted(.notAccepted(failure(), reached: percent(50)))
    }
  }

  private mutating func queried() -> SlotEvent {
    let outcome: QueryOutcome =
      switch Int.random(in: 0..<12, using: &self) {
      case 0: .notFound
      case 1...3: .failed(failure())
      case 4: report(.failed(text(upTo: 5)), "failed", consumed: optional { _ in "0.500000" })
      case 5, 6: report(.succeeded(results()), "success", consumed: optional { _ in "0.500000" })
      default: report(.running, one(of: ["pending", "in_progress", "new-word"]), consumed: optional { _ in "0.1" })
      }
    return .queried(outcome)
  }

  private mutating func fetchFailed() -> SlotEvent {
    let why: FetchFailure =
      switch Int.random(in: 0..<10, using: &self) {
      case 0: .expired(error())
      case 1..<7: .transient(error(), retryAfter: optional { $0.milliseconds(0...100_000_000) })
      case 7: .unusable(error())
      default: .local(error())
      }
    return .fetchFailed(why)
  }
}
