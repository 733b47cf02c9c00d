import JobCore

/// Roots that are not open, and why roots cannot be used, open or not.
struct RootAbsences {
  private var gone: Set<RootID> = []
  private var errors: [RootID: JobError] = [:]
  private var hasChanged = false

  /// Whether every root can be used, as far as that is known.
  var areNone: Bool { errors.isEmpty }
  /// Whether one has to be looked for.
  var needChecks: Bool { !gone.isEmpty || !errors.isEmpty }
  /// Why roots cannot be used, in the order of their numbers.
  var all: [(root: RootID, error: JobError)] {
    errors.sorted { $0.key.number < $1.key.number }.map { (root: $0.key, error: $0.value) }
  }

  func error(of root: RootID) -> JobError? { errors[root] }
  func isGone(_ root: RootID) -> Bool { gone.contains(root) }

  mutating func noteGone(_ root: RootID) { gone.insert(root) }

  /// It is open again.
  mutating func isOpen(_ root: RootID) {
    gone.remove(root)
    hasChanged = true
  }

  /// It cannot be used, for this reason. Whether that is new.
  mutating func note(_ error: JobError, of root: RootID) -> Bool {
    guard errors.updateValue(error, forKey: root) != error else { return false }
    hasChanged = true
    return true
  }

  /// It has been looked through. Whether that is new.
  mutating func isReadable(_ root: RootID) -> Bool {
    guard errors.removeValue(forKey: root) != nil else { return false }
    hasChanged = true
    return true
  }

  /// Whether anything has changed since this was asked for last.
  mutating func takeChange() -> Bool {
    defer { hasChanged = false }
    return hasChanged
  }
}
