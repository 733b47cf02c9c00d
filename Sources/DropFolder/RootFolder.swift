import Glibc
import JobCore

/// A watched root, open and locked.
///
/// The lock guards the folder itself: exclusive on the root, shared on each folder above it that can be read, so that a
/// root below or above another agent's is refused too. The kernel drops the locks with the process.
public final class RootFolder: Sendable {
  /// The absolute, canonical path.
  public let path: [UInt8]
  let descriptor: Int32
  private let ancestors: [Int32]

  /// Opens and locks a folder. Throws `RootRefusal`.
  public init(_ path: String) throws(RootRefusal) {
    guard let resolved = realpath(path, nil) else { throw .unusable(path, String(cString: strerror(errno))) }
    defer { free(resolved) }
    let canonical = UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
    self.path = canonical
    let folder = open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    descriptor = folder
    guard folder >= 0 else { throw .unusable(path, String(cString: strerror(errno))) }
    var opened: [Int32] = []
    func release(_ refusal: RootRefusal) -> RootRefusal {
      for number in opened + [folder] { close(number) }
      return refusal
    }
    guard flock(folder, LOCK_EX | LOCK_NB) == 0 else { throw release(.locked(DropPath.display(canonical))) }
    var above = DropPath(bytes: Array(canonical.dropFirst()))
    while !above.bytes.isEmpty {
      above = above.directory
      let number = open(cString([UInt8(ascii: "/")] + above.bytes), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard number >= 0 else { continue }  // Not readable: nobody else of this user watches it either.
      opened.append(number)
      guard flock(number, LOCK_SH | LOCK_NB) == 0 else {
        throw release(.locked("/" + above.display))
      }
    }
    ancestors = opened
  }

  deinit {
    for number in ancestors + [descriptor] { close(number) }
  }

  /// The folder through its descriptor: the same folder whatever its own path or those above are renamed to.
  var watchPath: [UInt8] { Array("/proc/self/fd/\(descriptor)/.".utf8) }

  /// Whether the folder still stands under its path.
  var isInPlace: Bool {
    var mine = stat()
    var there = stat()
    return fstat(descriptor, &mine) == 0 && mine.st_nlink > 0 && stat(cString(path), &there) == 0
      && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino
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
