import Synchronization

/// The memory that all large answers share. What is small is free, so that an answer without pictures always has room.
final class AnswerBudget: Sendable {
  /// What each answer has without asking, in bytes.
  static let free = 262_144
  private let left: Mutex<Int>

  init(_ bytes: Int) { left = Mutex(bytes) }

  fileprivate func take(_ bytes: Int) -> Bool {
    left.withLock { left in
      guard left >= bytes else { return false }
      left -= bytes
      return true
    }
  }

  fileprivate func give(_ bytes: Int) { left.withLock { $0 += bytes } }

  /// One answer's share, given back with the last that holds it.
  final class Share: Sendable {
    private let budget: AnswerBudget
    private let held = Mutex(0)

    init(of budget: AnswerBudget) { self.budget = budget }
    deinit { budget.give(held.withLock { $0 }) }

    /// Makes room for an answer of `bytes` in all; false where there is none.
    func cover(_ bytes: Int) -> Bool {
      held.withLock { held in
        let missing = bytes - AnswerBudget.free - held
        guard missing > 0 else { return true }
        // In steps, so that an answer of unknown length does not ask for every part of it.
        let step = (missing + 1_048_575) / 1_048_576 * 1_048_576
        guard budget.take(step) else { return false }
        held += step
        return true
      }
    }
  }
}

/// An answer that there was no room for at the moment.
struct NoRoom: Error {}
