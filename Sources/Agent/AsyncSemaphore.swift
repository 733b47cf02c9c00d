/// Room for so much at once, given out in the order of asking. It belongs to one actor: being no `Sendable`, it cannot
/// leave that, and who waits goes on there.
final class AsyncSemaphore {
  private let capacity: Int
  private var used = 0
  private var waiting: [(amount: Int, continuation: CheckedContinuation<Void, Never>)] = []
  private var isOpen = false

  /// `capacity`: how much may be given out at once; 1 makes a lock.
  init(_ capacity: Int) { self.capacity = capacity }

  /// What was given out. It comes back when its owner lets go of it: at the latest at the end of its scope, however that
  /// is left.
  struct Permit: ~Copyable {
    fileprivate let semaphore: AsyncSemaphore
    fileprivate let amount: Int

    /// Gives it back before the end of its scope.
    consuming func release() {}

    deinit { semaphore.giveBack(amount) }
  }

  /// How much is left; nothing while somebody waits.
  var available: Int { waiting.isEmpty ? max(0, capacity - used) : 0 }

  /// Takes an amount, where there is room for it now and nobody waits. More than all of it is given to one that is alone.
  func tryAcquire(_ amount: Int = 1) -> Permit? {
    guard waiting.isEmpty, fits(amount) else { return nil }
    return give(amount)
  }

  /// Waits for an amount. After `open` nobody waits: who comes back has to look whether there is still something to do.
  func acquire(_ amount: Int = 1, isolation: isolated (any Actor)? = #isolation) async -> Permit {
    if let permit = tryAcquire(amount) { return permit }
    await withCheckedContinuation { waiting.append((amount, $0)) }
    // Counted by whoever gave it back.
    return Permit(semaphore: self, amount: amount)
  }

  /// Lets everybody through, now and from now on: nothing is held up by others any more.
  func open() {
    isOpen = true
    giveBack(0)
  }

  private func fits(_ amount: Int) -> Bool { isOpen || used == 0 || used + amount <= capacity }

  private func give(_ amount: Int) -> Permit {
    used += amount
    return Permit(semaphore: self, amount: amount)
  }

  private func giveBack(_ amount: Int) {
    used -= amount
    while let first = waiting.first, fits(first.amount) {
      waiting.removeFirst()
      used += first.amount
      first.continuation.resume()
    }
  }
}
