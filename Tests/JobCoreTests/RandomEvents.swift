import JobCore
import TestKit

extension SplitMix64 {
  /// Any event with any contents; some name an attempt of the slot.
  mutating func event(for slot: Slot) -> SlotEvent {
    switch Int.random(in: 0..<22, using: &self) {
    case 0: begin()
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
    case 13: .foundUnsent
    case 14: bound(slot)
    case 15: .resubmit
    case 16: .abandon
    case 17: .retry
    case 18: .refusalWasItsOwn
    case 19: .triedAgain
    case 20: .clockSet(one(of: [.seconds(365 * 86_400), .seconds(-365 * 86_400), milliseconds(-90_000...90_000)]))
    default: .postponed(until: start + milliseconds(0...100_000), optional { $0.error() })
    }
  }

  /// An event that means something in this state, so that long histories come about.
  mutating func likelyEvent(for slot: Slot) -> SlotEvent {
    switch slot.state {
    case .queued(let queued) where queued.blame != nil && percent(50):
      one(of: [.refusalWasItsOwn, .triedAgain, .refusalWasTheAccounts(error())])
    case .queued: percent(90) ? begin() : event(for: slot)
    case .submitting: percent(80) ? posted() : percent(50) ? .foundUnsent : .couldNotRecord(error())
    case .submitted: queried()
    case .fetching: percent(85) ? fetchFailed() : percent(50) ? .published : .restarted
    case .failed: percent(50) ? .refusalWasTheAccounts(error()) : .retry
    case .held(let held):
      held.isStillTried && percent(60)
        ? queried()
        : held.reason.isBeforeSending ? .approved : one(of: [.resubmit, .retry, bound(slot), event(for: slot)])
    case .cancelled: percent(50) ? bound(slot) : event(for: slot)
    case .done: event(for: slot)
    }
  }

  private mutating func begin() -> SlotEvent {
    .start(
      attemptID: "attempt-\(next())", bootID: "boot", requestSHA: optional { _ in "ab12" },
      callbackSHA: optional { "cd\($0.next())" }, reserved: optional { _ in "0.500000" })
  }

  // The attempt's own id as evidence has it, somebody else's, or none as a person gives it.
  private mutating func bound(_ slot: Slot) -> SlotEvent {
    let ids = slot.attempts.map(\.attemptID) + ["attempt-of-another-slot"]
    return .bound(taskID: "ta-\(next())", attemptID: percent(30) ? nil : one(of: ids))
  }

  private mutating func posted() -> SlotEvent {
    switch Int.random(in: 0..<10, using: &self) {
    case 0..<4: .posted(.accepted(taskID: "ta-\(next())"))
    case 4: .posted(percent(80) ? .unknown(error(), serviceDown: percent(50)) : .taskOfAnother(error()))
    default: .posted(.notAccepted(failure(), reached: percent(50)))
    }
  }

  private mutating func queried() -> SlotEvent {
    let outcome: QueryOutcome =
      switch Int.random(in: 0..<15, using: &self) {
      case 12: .unusable(error())
      case 13: report(.withoutResult, "success", consumed: optional { _ in "0.500000" })
      case 14: report(.notUnderstood(OddResult(why: "it is odd", answer: [123])), "success", consumed: nil)
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
      case 7: percent(50) ? .unusable(error()) : .damaged(Damage(part: 1, sha256: one(of: ["aa", "bb"])), error())
      default: .local(error())
      }
    return .fetchFailed(why)
  }
}
