import JobCore
import Synchronization

/// The sidecars that this process has put into a root: which files they are, and what is in them.
///
/// Two ask. The watching thread, whether a rename is of this process's own doing where the kernel's cookie does not tell
/// (`OwnMoves`). And whoever replaces a sidecar or wants to know what it says: one that is still the file that was put there
/// need not be opened.
///
/// A file is known by device, inode, size and times. All but the change time are those of the temporary file, and are entered
/// before that gets its name, so that no event comes too early for them. The rename sets the change time: the first look
/// afterwards enters it. Whatever happens to the file between the two is an event of another kind (`forget`).
final class OwnSidecars: Sendable {
  /// A sidecar as it was put in its place.
  fileprivate struct Version {
    var stamp: FileStamp
    /// Whether the change time is known.
    var isSettled = false
    /// What is in it; nil for a large one, and where the job is done: nine of ten here are such, and hardly anybody asks.
    var bytes: [UInt8]?
  }
  /// The last one, and the one before, without its bytes: an event of that may still be on its way when the last one is
  /// entered.
  fileprivate struct Entry {
    var last: Version
    var before: Version?
  }
  private struct State {
    var fresh: [DropPath: Entry] = [:]
    var older: [DropPath: Entry] = [:]
  }
  private let state = Mutex(State())
  // Twice as many at most: those of the jobs that are under way. Of any other, the file tells.
  private static let mostFresh = 512
  private static let mostBytes = 8192

  /// A file with these bytes is about to get the name. `stamp`: of the file under its temporary name.
  func willPlace(_ sidecar: DropPath, _ stamp: FileStamp, _ bytes: [UInt8]) {
    let isKept = bytes.count <= Self.mostBytes && !StatusSidecar.isOfDone(bytes)
    let version = Version(stamp: stamp, bytes: isKept ? bytes : nil)
    state.withLock { state in
      let before = state.fresh[sidecar] ?? state.older.removeValue(forKey: sidecar)
      if state.fresh.count >= Self.mostFresh { (state.older, state.fresh) = (state.fresh, [:]) }
      state.fresh[sidecar] = Entry(last: version, before: before?.last.withoutBytes)
    }
  }

  /// Whether a file that was seen under the name is one that this process put there, and nothing was done to it since.
  func isOwn(_ sidecar: DropPath, _ seen: FileStamp) -> Bool { version(sidecar, seen) != nil }

  /// What is in the file that was seen under the name, where this process put it there.
  func bytes(_ sidecar: DropPath, _ seen: FileStamp) -> [UInt8]? { version(sidecar, seen)?.bytes }

  /// Whether anything is known of the name, so that a look at it is worth while.
  func knows(_ sidecar: DropPath) -> Bool {
    state.withLock { $0.fresh[sidecar] != nil || $0.older[sidecar] != nil }
  }

  /// Somebody else has written to what stands under the name, or has taken it away; or a file did not get the name after all.
  func forget(_ sidecar: DropPath) {
    state.withLock { state in
      state.fresh[sidecar] = nil
      state.older[sidecar] = nil
    }
  }

  /// Nothing is heard any more, or something was not heard.
  func forgetAll() { state.withLock { $0 = State() } }

  private func version(_ sidecar: DropPath, _ seen: FileStamp) -> Version? {
    state.withLock { state in
      if let found = state.fresh[sidecar]?.match(seen) { return found }
      return state.older[sidecar]?.match(seen)
    }
  }
}

extension OwnSidecars.Entry {
  fileprivate mutating func match(_ seen: FileStamp) -> OwnSidecars.Version? {
    if last.match(seen) { return last }
    return before?.match(seen) == true ? before : nil
  }
}

extension OwnSidecars.Version {
  // Nobody asks what was in it: it is about to be another file.
  fileprivate var withoutBytes: OwnSidecars.Version {
    var version = self
    version.bytes = nil
    return version
  }

  fileprivate mutating func match(_ seen: FileStamp) -> Bool {
    var known = stamp
    if !isSettled { known.changed = seen.changed }
    guard known == seen else { return false }
    (stamp, isSettled) = (known, true)
    return true
  }
}
