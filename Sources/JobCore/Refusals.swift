/// The refusals whose words do not say whom they are about, and what shows it. Submissions and refusals are numbered in
/// the order in which they happen: what counts is which came first, not how long ago.
struct Refusals: Sendable {
  /// What follows from a refusal.
  enum Ruling: Hashable, Sendable {
    /// Nothing yet: it waits.
    case none
    /// It is this prompt's own.
    case own
    /// These are the account's.
    case account([SlotKey])
  }

  private enum Stage {
    // It waits for another prompt to be accepted.
    case waiting
    // The account was blamed; it waits for the account to be good.
    case excused
    // It was given back to the queue, or is final by now: only what was shown by others is remembered.
    case released
  }

  private struct Refused {
    var prompt: String
    var turn: UInt64
    var stage = Stage.waiting
    // Nothing was accepted since.
    var isInRow = true
    // Another prompt, submitted after the refusal, was accepted.
    var isProven = false
    // It is at the service once more, so that nothing can be done about it now.
    var isUnderWay = false
  }

  private var turn: UInt64 = 0
  private var begun: [String: UInt64] = [:]
  private var refused: [SlotKey: Refused] = [:]
  /// So many prompts refused in a row are not about the prompts.
  static let row = 3

  /// A POST begins.
  mutating func began(_ submission: Submission) {
    turn += 1
    begun[submission.attemptID] = turn
    refused[submission.slot]?.isUnderWay = true
  }

  /// A POST ended in a way that tells nothing of prompt or account.
  mutating func ended(_ submission: Submission) {
    begun[submission.attemptID] = nil
    refused[submission.slot] = nil
  }

  /// A POST was refused in clear words.
  mutating func answered(_ submission: Submission) {
    begun[submission.attemptID] = nil
    refused[submission.slot]?.isUnderWay = false
  }

  /// An earlier process left this slot waiting.
  mutating func remember(_ slot: SlotKey, prompt: String, _ blame: Blame) {
    refused[slot] = Refused(prompt: prompt, turn: 0, stage: blame == .account ? .excused : .waiting, isInRow: false)
  }

  /// What is done with a slot is done: nothing has to be known of it any more.
  mutating func forget(_ slot: SlotKey) {
    guard refused[slot]?.isUnderWay == false else { return }
    refused[slot] = nil
  }

  /// Whether the slot was tried one more time.
  func wasExcused(_ slot: SlotKey) -> Bool { refused[slot]?.stage == .released }

  /// These were blamed on the account for another reason.
  mutating func excuse(_ slots: [(prompt: String, slot: SlotKey)]) {
    for (prompt, slot) in slots {
      refused[slot] = Refused(prompt: prompt, turn: turn, stage: .excused, isInRow: false)
    }
  }

  /// A POST was accepted. Whose refusal is the prompt's own now, and what is to be tried again.
  mutating func accepted(_ submission: Submission) -> (own: [SlotKey], again: [SlotKey]) {
    let start = begun.removeValue(forKey: submission.attemptID) ?? 0
    if refused.isEmpty { return ([], []) }
    refused[submission.slot] = nil
    var own: [SlotKey] = []
    var again: [SlotKey] = []
    for (slot, var entry) in refused {
      let isProof = start > entry.turn && entry.prompt != submission.prompt
      entry.isInRow = false
      entry.isProven = entry.isProven || isProof
      switch entry.stage {
      case .waiting where isProof && !entry.isUnderWay:
        entry.stage = .released
        own.append(slot)
      case .excused:
        entry.stage = .released
        if !entry.isUnderWay { again.append(slot) }
      case .waiting, .released: break
      }
      refused[slot] = entry
    }
    return (own.sorted(by: Self.isBefore), again.sorted(by: Self.isBefore))
  }

  /// A POST was refused in unclear words. `isAccountBlamed`: nothing is taken from the account anyway.
  mutating func refused(_ submission: Submission, isAccountBlamed: Bool) -> Ruling {
    begun[submission.attemptID] = nil
    turn += 1
    if refused[submission.slot]?.isProven == true {
      refused[submission.slot] = nil
      return .own
    }
    var entry = Refused(prompt: submission.prompt, turn: turn)
    if isAccountBlamed {
      (entry.stage, entry.isInRow) = (.excused, false)
      refused[submission.slot] = entry
      return .account([submission.slot])
    }
    refused[submission.slot] = entry
    let row = refused.filter { $0.value.isInRow && $0.value.stage == .waiting }
    guard Set(row.values.map(\.prompt)).count >= Self.row else { return .none }
    for slot in row.keys {
      refused[slot]?.stage = .excused
      refused[slot]?.isInRow = false
    }
    return .account(row.keys.sorted(by: Self.isBefore))
  }

  private static func isBefore(_ one: SlotKey, _ other: SlotKey) -> Bool {
    (one.job.text, one.revision, one.number) < (other.job.text, other.revision, other.number)
  }
}
