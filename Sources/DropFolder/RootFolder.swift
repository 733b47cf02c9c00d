import Glibc
import JobCore
import Synchronization

/// A watched root, open and locked while it is there.
///
/// The lock guards the folder itself: exclusive on the root, shared on each folder above it that can be read, so that a
/// root below or above another agent's is refused too. The kernel drops the locks with the process. A root may go (deleted,
/// moved, unmounted) and come back, also as another folder of the same name.
public final class RootFolder: Sendable {
  /// The absolute, canonical path.
  public let path: [UInt8]
  private let state: Mutex<Place?>
  /// What is known of names in it that may be meant as control files'.
  let controls = ControlTable()

  /// The folder as it is open now. Who works in it keeps the value for as long: the descriptors are closed with it.
  final class Place: Sendable {
    let descriptor: Int32
    private let ancestors: [Int32]

    // Throws `RootRefusal`.
    fileprivate init(_ path: [UInt8]) throws(RootRefusal) {
      let name = DropPath.display(path)
      let folder = Glibc.open(cString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard folder >= 0 else { throw .unusable(name, String(cString: strerror(errno))) }
      var opened: [Int32] = []
      func release(_ refusal: RootRefusal) -> RootRefusal {
        for number in opened + [folder] { close(number) }
        return refusal
      }
      guard flock(folder, LOCK_EX | LOCK_NB) == 0 else { throw release(.locked(name)) }
      var above = DropPath(bytes: Array(path.dropFirst()))
      while !above.bytes.isEmpty {
        above = above.directory
        let number = Glibc.open(cString([UInt8(ascii: "/")] + above.bytes), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { continue }  // Not readable: nobody else of this user watches it either.
        opened.append(number)
        guard flock(number, LOCK_SH | LOCK_NB) == 0 else { throw release(.locked("/" + above.display)) }
      }
      (descriptor, ancestors) = (folder, opened)
    }

    deinit {
      for number in ancestors + [descriptor] { close(number) }
    }
  }

  /// Opens and locks a folder. `mayBeMissing`: one that is not there is waited for (`takeUp`). Throws `RootRefusal`.
  public init(_ path: String, mayBeMissing: Bool = false) throws(RootRefusal) {
    guard let canonical = Self.canonical(path, mayBeMissing: mayBeMissing) else {
      throw .unusable(path, String(cString: strerror(errno)))
    }
    self.path = canonical
    var there = stat()
    if mayBeMissing, stat(cString(canonical), &there) != 0, errno == ENOENT {
      state = Mutex(nil)
    } else {
      let place: Place
      do { place = try Place(canonical) } catch {
        if case .unusable(_, let why) = error { throw .unusable(path, why) }
        throw error
      }
      state = Mutex(place)
    }
  }

  // What is there is resolved; the rest of the path is taken as it is written. Nil with errno.
  private static func canonical(_ path: String, mayBeMissing: Bool) -> [UInt8]? {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
    }
    guard mayBeMissing, errno == ENOENT else { return nil }
    let trimmed = path.utf8.reversed().drop { $0 == UInt8(ascii: "/") }.reversed()
    let parts = DropPath(bytes: Array(trimmed))
    guard !parts.name.isEmpty, parts.name != [46, 46] else { return nil }
    let parent = parts.directory.bytes
    let above = parent.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : String(decoding: parent, as: UTF8.self)
    return canonical(above, mayBeMissing: true).map { ($0 == [47] ? [] : $0) + [47] + parts.name }
  }

  /// The folder as it is open now; nil while it is not there.
  var place: Place? { state.withLock { $0 } }

  /// Whether it is there and open.
  public var isThere: Bool { place != nil }

  /// The root is not what it was: it is closed, and its locks are let go.
  func leave() {
    state.withLock { $0 = nil }
    controls.reset()
  }

  /// Opens and locks it again, where it is there. Throws `RootRefusal` where it must not be used.
  func takeUp() throws(RootRefusal) -> Bool {
    var there = stat()
    guard place == nil, stat(cString(path), &there) == 0 else { return false }
    let new = try Place(path)
    state.withLock { $0 = new }
    return true
  }

  /// Whether the folder still stands under its path.
  var isInPlace: Bool {
    guard let place else { return false }
    var mine = stat()
    var there = stat()
    return fstat(place.descriptor, &mine) == 0 && mine.st_nlink > 0 && stat(cString(path), &there) == 0
      && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino
  }

  /// Whether a folder above it holds a sync tool's mark, which keeps the root on several machines too.
  var isBelowSyncMark: Bool {
    var above = DropPath(bytes: Array(path.dropFirst()))
    while !above.bytes.isEmpty {
      above = above.directory
      var there = stat()
      let mark = [UInt8(ascii: "/")] + above.appending(DropNames.syncMark).bytes
      if lstat(cString(mark), &there) == 0 { return true }
    }
    return false
  }

  /// Whether `other` is this folder, below it, or above it.
  public func overlaps(_ other: [UInt8]) -> Bool {
    let mine = DropPath(bytes: Array(path.dropFirst()))
    let theirs = DropPath(bytes: Array(other.dropFirst()))
    return mine.isBelowOrEqual(theirs) || theirs.isBelowOrEqual(mine)
  }

  /// Whether `other` is this folder or below it.
  public func contains(_ other: [UInt8]) -> Bool {
    DropPath(bytes: Array(other.dropFirst())).isBelowOrEqual(DropPath(bytes: Array(path.dropFirst())))
  }
}

/// Why a folder cannot be watched.
public enum RootRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// It cannot be opened: path and reason.
  case unusable(String, String)
  /// Another agent has it, or a folder above or below it.
  case locked(String)

  /// For the user.
  public var description: String {
    switch self {
    case .unusable(let path, let why): "cannot watch \(path): \(why)"
    case .locked(let path):
      "another promptdrop already watches \(path) (or a folder inside it); two agents on one folder would pay twice"
    }
  }
}
