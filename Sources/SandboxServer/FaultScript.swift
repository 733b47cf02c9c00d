/// An ordered list of faults with their remaining counts: the first that fits is applied and counted down.
struct FaultScript: Sendable {
  private(set) var faults: [Fault] = []

  init(_ faults: [Fault] = []) { self.faults = faults }

  var isEmpty: Bool { faults.isEmpty }

  mutating func add(_ fault: Fault) { faults.append(fault) }

  mutating func removeAll() { faults.removeAll() }

  /// Takes the first fault of `slot` that `fits`, and forgets it when that was its last time.
  mutating func take(_ slot: Fault.Kind.Slot, where fits: (Fault) -> Bool = { _ in true }) -> Fault? {
    guard let index = faults.firstIndex(where: { $0.kind.slot == slot && fits($0) }) else { return nil }
    let fault = faults[index]
    // Its count is how often each task is affected, so it is the task that counts.
    if fault.kind != .queryNotFound, fault.kind != .queryNoResult, let remaining = fault.remaining {
      if remaining > 1 { faults[index].remaining = remaining - 1 } else { faults.remove(at: index) }
    }
    return fault
  }

  /// Reads the faults written as `[sandbox: KIND[=ARG][:COUNT]]` inside a prompt.
  static func embedded(in prompt: String) throws -> FaultScript {
    var script = FaultScript()
    let marker = "[sandbox:"
    // A byte search first: nearly every prompt has none, and Substring search is slow.
    guard prompt.contains("["), var rest = prompt.firstRange(of: marker).map({ prompt[$0.upperBound...] }) else {
      return script
    }
    while let end = rest.firstIndex(of: "]") {
      script.add(try Fault(parsing: String(rest[..<end])))
      rest = rest[rest.index(after: end)...]
      guard let next = rest.firstRange(of: marker) else { break }
      rest = rest[next.upperBound...]
    }
    return script
  }
}
