/// The tasks that an actor has started, so that it can end them, and wait until none is left.
final class TaskScope {
  private var running: [UInt64: Task<Void, Never>] = [:]
  private var last: UInt64 = 0
  private var waiting: CheckedContinuation<Void, Never>?

  /// The name for the next task.
  func name() -> UInt64 {
    last &+= 1
    return last
  }

  /// A task runs. It calls `ended` last, on the actor.
  func began(_ task: Task<Void, Never>, _ name: UInt64) { running[name] = task }

  /// A task has nothing left to do.
  func ended(_ name: UInt64) {
    running[name] = nil
    guard running.isEmpty else { return }
    waiting?.resume()
    waiting = nil
  }

  /// Cancels all, and returns when they have ended, also those that they start meanwhile.
  func end(isolation: isolated (any Actor)? = #isolation) async {
    for task in running.values { task.cancel() }
    guard !running.isEmpty else { return }
    await withCheckedContinuation { waiting = $0 }
  }
}
