import Synchronization

/// Everything that changes, behind one lock. One event loop is nearly alone in taking it, so it costs little.
final class SandboxState: Sendable {
  struct Store: Sendable {
    var faults: FaultScript
    var tasks = TaskTable()
    var prompts = PromptTable()
    var ledger = Ledger()
    var counters = SandboxCounters()
    /// The task that was accepted last.
    var lastTask: String?

    /// The first fault that fits: of the task's own, else of the script for all.
    mutating func take(
      _ slot: Fault.Kind.Slot, task id: String? = nil, where fits: (Fault) -> Bool = { _ in true }
    ) -> Fault? {
      if let id, let own = tasks[id]?.faults.take(slot, where: fits) { return own }
      return faults.isEmpty ? nil : faults.take(slot, where: fits)
    }
  }

  let options: SandboxOptions
  private let store: Mutex<Store>

  init(_ options: SandboxOptions) {
    self.options = options
    store = Mutex(Store(faults: FaultScript(options.faults)))
  }

  func withLock<Value: Sendable>(_ body: (inout Store) -> Value) -> Value {
    store.withLock { body(&$0) }
  }
}
