import JobCore
import Synchronization

/// Names of a root's folders that may be meant as control files'. The watching thread keeps those of the folders that inotify
/// hears of, so that nobody has to list a folder for each prompt in it; of others, the last listing is remembered for as long
/// as the folder does not change.
final class ControlTable: Sendable {
  private struct State {
    var isHeard = false
    // Where changes are not heard of.
    var polledDevices: Set<UInt64> = []
    var isShortOfWatches = false
    // Folders that are not here have no such names.
    var heard: [DropPath: ControlNames] = [:]
    var listed: [DropPath: (folder: FileStamp, names: ControlNames)] = [:]

    func hears(_ device: UInt64) -> Bool { isHeard && !isShortOfWatches && !polledDevices.contains(device) }
  }
  private let state = Mutex(State())
  // A few folders' listings are all that a batch of prompts needs.
  private static let mostListed = 64

  /// Nothing is known: the root is gone, or nobody watches it any more.
  func reset() { state.withLock { $0 = State() } }

  // MARK: for the watching thread

  /// A folder was looked through, and changes in it are heard of.
  func set(_ folder: DropPath, _ names: ControlNames) {
    state.withLock { state in
      state.isHeard = true
      state.heard[folder] = names.isEmpty ? nil : names
    }
  }

  /// A folder of this device was looked through, and changes in it are not heard of.
  func setUnheard(device: UInt64, isShortOfWatches: Bool) {
    state.withLock { state in
      state.isHeard = true
      if isShortOfWatches { state.isShortOfWatches = true } else { state.polledDevices.insert(device) }
    }
  }

  /// A file has come. Whether it may be meant as a control file.
  func insert(_ name: [UInt8], in folder: DropPath) -> Bool {
    var known = ControlNames()
    guard known.insert(name) else { return false }
    state.withLock { _ = $0.heard[folder, default: ControlNames()].insert(name) }
    return true
  }

  /// A file has gone, or is known to be what its name says. Whether it was here.
  @discardableResult func remove(_ name: [UInt8], in folder: DropPath) -> Bool {
    state.withLock { state in
      guard state.heard[folder]?.remove(name) == true else { return false }
      if state.heard[folder]?.isEmpty == true { state.heard[folder] = nil }
      return true
    }
  }

  /// Whether the folder has names of lists that are not known to be some prompt's.
  func hasLists(_ folder: DropPath) -> Bool { state.withLock { $0.heard[folder]?.hasLists == true } }

  // MARK: for who reads prompts

  /// Whether every change in all folders is heard of.
  var hearsAll: Bool { state.withLock { $0.isHeard && !$0.isShortOfWatches && $0.polledDevices.isEmpty } }

  /// Whether every change in the folders on this device is heard of.
  func hears(_ device: UInt64) -> Bool { state.withLock { $0.hears(device) } }

  /// The names in a folder whose changes are heard of.
  func heard(_ folder: DropPath) -> ControlNames { state.withLock { $0.heard[folder] ?? ControlNames() } }

  /// The names in a folder; nil where it has to be listed, because nobody hears of its changes. `status`: of the folder now.
  func names(_ folder: DropPath, _ stamp: FileStamp) -> ControlNames? {
    state.withLock { state in
      if state.hears(stamp.device) {
        return state.heard[folder] ?? ControlNames()
      }
      return state.listed[folder].flatMap { $0.folder == stamp ? $0.names : nil }
    }
  }

  /// A folder was listed that was as it is for a while.
  func remember(_ folder: DropPath, _ stamp: FileStamp, _ names: ControlNames) {
    state.withLock { state in
      if state.listed.count >= Self.mostListed { state.listed = [:] }
      state.listed[folder] = (stamp, names)
    }
  }
}
