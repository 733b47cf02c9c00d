import JobCore
import Synchronization

/// Prompts that are known as they stand, entered by whoever knows and asked by the scans. Between two whole scans an entry is
/// used up once; one that no scan asked for is forgotten.
final class ConfirmedStamps: Sendable {
  private struct State {
    var fresh: [UInt64: UInt64] = [:]
    var older: [UInt64: UInt64] = [:]
  }
  private let state = Mutex(State())

  /// The prompt is known with this stamp.
  func confirm(_ file: FileKey, _ stamp: TakenStamp) {
    let value = FolderHash.stamp(
      own: FolderHash.stamp(stamp.prompt), list: stamp.list.map { FolderHash.stamp($0) } ?? 0, inputs: stamp.inputs)
    let key = FolderHash.key(of: file)
    state.withLock { $0.fresh[key] = value }
  }

  /// Whether the place was confirmed with this stamp.
  func take(_ key: UInt64, _ stamp: UInt64) -> Bool {
    state.withLock { state in
      if state.fresh[key] == stamp {
        state.fresh[key] = nil
        return true
      }
      if state.older[key] == stamp {
        state.older[key] = nil
        return true
      }
      return false
    }
  }

  /// A scan of everything begins.
  func beginScan() {
    state.withLock { state in
      state.older = state.fresh
      state.fresh = [:]
    }
  }

  /// It has ended: what it did not ask for is not there any more.
  func endScan() { state.withLock { $0.older = [:] } }
}
