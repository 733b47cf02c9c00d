import Synchronization

/// Whether a submission may leave, asked once. The answer and the verdict "never sent" cannot pass each other: after
/// `close` nothing leaves any more that had not left.
final class SendPermit: Sendable {
  /// What became of it.
  enum Verdict { case neverAsked, calledOff, given }

  private enum State { case open, ended(Verdict) }
  private let state = Mutex(State.open)
  private let willSend: @Sendable () -> Bool

  init(_ willSend: @escaping @Sendable () -> Bool) { self.willSend = willSend }

  /// Asks. Who asks a second time is refused. `willSend` is called under the lock: it
  /// must not block, and who asks for the outcome meanwhile has to wait for it.
  func use() -> Bool {
    state.withLock { state in
      guard case .open = state else { return false }
      let isGiven = willSend()
      state = .ended(isGiven ? .given : .calledOff)
      return isGiven
    }
  }

  /// Ends the permit, and tells whether the first byte may have left: only where it was given.
  func close() -> Verdict {
    state.withLock { state in
      if case .ended(let verdict) = state { return verdict }
      state = .ended(.neverAsked)
      return .neverAsked
    }
  }
}
