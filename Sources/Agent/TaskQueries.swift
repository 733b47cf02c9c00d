import JobCore

/// Which tasks are asked for, and when: one query of a task at a time. Times are monotonic.
struct TaskQueries {
  private var due: [SlotKey: Duration] = [:]
  // Tasks that are being asked for, and whether to ask once more afterwards.
  private var asking: [SlotKey: Bool] = [:]
  // Tasks that a callback named since they were last asked for.
  private var calledBack: Set<SlotKey> = []
  // Tasks that are not asked for while the service takes no queries: since when.
  private var waiting: [SlotKey: Duration] = [:]

  /// A task is asked for then, and not at another time that was set before.
  mutating func set(_ slot: SlotKey, at moment: Duration) { due[slot] = moment }

  /// It is not asked for at the time that was set.
  mutating func unset(_ slot: SlotKey) { due[slot] = nil }

  /// The time has come. False: another time was set meanwhile.
  mutating func isDue(_ slot: SlotKey, _ moment: Duration) -> Bool {
    guard due[slot] == moment else { return false }
    due[slot] = nil
    return true
  }

  /// The task is being asked for from now on. False: it is already, and will be once more afterwards: what was asked
  /// before may be answered with what was so before.
  mutating func begin(_ slot: SlotKey) -> Bool {
    guard asking[slot] == nil else {
      asking[slot] = true
      return false
    }
    asking[slot] = false
    return true
  }

  /// It is not being asked for any more. Whether it is to be asked for once more.
  mutating func end(_ slot: SlotKey) -> Bool { asking.removeValue(forKey: slot) ?? false }

  /// A callback named the task.
  mutating func wasCalledBack(_ slot: SlotKey) { calledBack.insert(slot) }

  /// Whether a callback named it since it was last asked for; that is one reason to ask.
  mutating func takeCallback(_ slot: SlotKey) -> Bool { calledBack.remove(slot) != nil }

  /// It waits for the service to take queries.
  mutating func wait(_ slot: SlotKey, since now: Duration) { waiting[slot] = waiting[slot] ?? now }

  /// It waits for that no more.
  mutating func waitNoMore(_ slot: SlotKey) { waiting[slot] = nil }

  /// The service takes queries again: what waited for that, and since when.
  mutating func takeWaiting() -> [(slot: SlotKey, since: Duration)] {
    defer { waiting = [:] }
    return waiting.filter { due[$0.key] != nil }.map { (slot: $0.key, since: $0.value) }
  }

  /// The slot is no longer under way.
  mutating func forget(_ slot: SlotKey) {
    due[slot] = nil
    asking[slot] = nil
    waiting[slot] = nil
    calledBack.remove(slot)
  }
}
