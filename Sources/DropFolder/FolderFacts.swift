import JobCore
import Synchronization

/// What the folders of a root say about all that is in them and below: their defaults, and whether a sync tool keeps them.
/// Remembered only where every change is heard of.
///
/// Who reads remembers, and the watching thread forgets: when it hears of a file that matters, when it looks through a folder,
/// and when it may have missed something. What was read while something was forgotten is not remembered: the change may have
/// come after the reading.
final class FolderFacts: Sendable {
  /// What the control files of one folder say.
  struct Facts: Sendable {
    /// No more bytes than this were read of a file.
    var limit: Int
    /// Its own defaults; none where it has none.
    var defaults: [FolderDefaults] = []
    /// Files that may be meant as such.
    var unclear: [UnclearControl] = []
    /// Whether a sync tool's mark stands in it; nil while nobody has looked.
    var isMarked: Bool?
  }

  private struct State {
    var changes: UInt64 = 0
    var folders: [DropPath: Facts] = [:]
  }
  private let state = Mutex(State())
  // Beyond this many it begins anew: an entry saves four calls, and costs as much as a listing's.
  private static let mostFolders = 4096

  /// How often something was forgotten: asked for before a reading that is to be remembered.
  var changes: UInt64 { state.withLock { $0.changes } }

  /// What is known of a folder.
  func known(_ folder: DropPath, limit: Int) -> Facts? {
    state.withLock { $0.folders[folder].flatMap { $0.limit == limit ? $0 : nil } }
  }

  /// Whether a sync tool's mark stands in the folder, where that is known.
  func isMarked(_ folder: DropPath) -> Bool? { state.withLock { $0.folders[folder]?.isMarked } }

  /// Whether anything is known of the folder, so that changes in it are heard of.
  func knows(_ folder: DropPath) -> Bool { state.withLock { $0.folders[folder] != nil } }

  /// Says what was read in a folder whose changes are heard of, since `changes` was asked for.
  func remember(_ facts: Facts, of folder: DropPath, since changes: UInt64) {
    state.withLock { state in
      guard state.changes == changes else { return }
      if state.folders.count >= Self.mostFolders { state.folders = [:] }
      state.folders[folder] = facts
    }
  }

  /// Says whether a mark was seen in a folder of which more is known.
  func remember(isMarked: Bool, of folder: DropPath, since changes: UInt64) {
    state.withLock { state in
      if state.changes == changes { state.folders[folder]?.isMarked = isMarked }
    }
  }

  /// Something in the folder has changed, or it is looked through.
  func forget(_ folder: DropPath) {
    state.withLock { state in
      state.changes &+= 1
      state.folders[folder] = nil
    }
  }

  /// Folders have moved, or something was not heard.
  func forgetAll() {
    state.withLock { state in
      state.changes &+= 1
      state.folders = [:]
    }
  }
}
