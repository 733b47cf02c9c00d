import JobCore
import Synchronization

/// Which tasks the journal may have, so that of one that is new it need not be asked: almost every answer of the service
/// names a new one, and to ask the journal's thread takes longer than all else that is done with the answer.
///
/// There is a bit for each value of the last 20 bits of a task's key. One that is not set says for certain that no slot has
/// the task; one that is set says nothing, and the table is looked into. No bit is ever taken back: that what was asked for
/// was not written after all costs a look.
final class TaskKeys: Sendable {
  private struct State {
    // 128 KB: of 60,000 tasks, every seventeenth new one is looked for in vain.
    var bits = [UInt64](repeating: 0, count: 1 << 14)
    var areRead = false
  }
  private let state = Mutex(State())

  /// Whether the tasks of the file are among them.
  var areRead: Bool { state.withLock { $0.areRead } }

  /// The tasks of the file.
  func enter(all keys: [Int64]) {
    state.withLock { state in
      for key in keys { state.bits[Self.place(key)] |= Self.bit(key) }
      state.areRead = true
    }
  }

  /// The tasks that slots have by these changes, if they apply. In no other way does a slot come to a task.
  func enter(of changes: [JournalChange]) { for change in changes { enter(of: change) } }

  private func enter(of change: JournalChange) {
    switch change {
    case .move(let slot, from: _, outputs: _), .surplus(let slot): enter(of: slot)
    case .take(let take): for slot in take.slots { enter(of: slot) }
    case .makeCurrent(_, revision: _, expected: _, count: _, newSlots: let slots, stamp: _):
      for slot in slots { enter(of: slot) }
    case .announced(let change, _): enter(of: change)
    default: break
    }
  }

  private func enter(of slot: Slot) {
    guard let key = slot.taskID.map(JobRecord.key) else { return }
    state.withLock { $0.bits[Self.place(key)] |= Self.bit(key) }
  }

  /// Whether a slot may have a task with this key.
  func mayHave(_ key: Int64) -> Bool { state.withLock { $0.bits[Self.place(key)] & Self.bit(key) != 0 } }

  private static func place(_ key: Int64) -> Int { Int(key >> 6 & 0x3FFF) }
  private static func bit(_ key: Int64) -> UInt64 { 1 << UInt64(key & 63) }
}
