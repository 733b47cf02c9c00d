/// One at a time, across suspensions, in the order of asking. For use on one actor.
final class AsyncLock {
  private var isLocked = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func lock(isolation: isolated (any Actor)? = #isolation) async {
    if isLocked {
      await withCheckedContinuation { waiting.append($0) }
    } else {
      isLocked = true
    }
  }

  func unlock() {
    if waiting.isEmpty {
      isLocked = false
    } else {
      waiting.removeFirst().resume()
    }
  }
}
