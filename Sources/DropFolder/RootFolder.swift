import CLinux
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
  // The absolute path as it was given, perhaps with links in it.
  private let given: [UInt8]
  private let opening: Opening
  private let state: Mutex<Place?>
  // Whether it lay below a sync tool's mark, and when that was looked up.
  private let lastMark = Mutex<(isBelow: Bool, at: ContinuousClock.Instant)?>(nil)
  /// What is known of names in it that may be meant as control files'.
  let controls = ControlTable()
  /// What its folders say about what is in them.
  let facts = FolderFacts()
  /// The sidecars that this process has put into it.
  let sidecars = OwnSidecars()
  /// Whether the path that was given leads through a link, which may be re-pointed without anything being heard.
  let isGivenByLink: Bool

  /// The folder as it is open now. Who works in it keeps the value for as long: the descriptors are closed with it.
  final class Place: Sendable {
    let descriptor: Int32
    let identity: FolderSync.Folder
    /// Whether a server or a program answers for it, and not this machine's kernel alone.
    let isRemote: Bool
    private let opening: Opening
    private let ancestors: [Int32]

    // Throws `RootRefusal`.
    fileprivate init(_ path: [UInt8], _ opening: Opening) throws(RootRefusal) {
      let name = DropPath.display(path)
      let folder = Glibc.open(cString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard folder >= 0 else { throw .unusable(name, SystemError(errno)) }
      var opened: [Int32] = []
      func release(_ refusal: RootRefusal) -> RootRefusal {
        for number in opened + [folder] { close(number) }
        return refusal
      }
      guard flock(folder, LOCK_EX | LOCK_NB) == 0 else { throw release(.locked(name)) }
      var status = stat()
      guard fstat(folder, &status) == 0 else { throw release(.unusable(name, SystemError(errno))) }
      identity = FolderSync.Folder(status)
      var kind: UInt32 = 0
      isRemote = pd_file_system(folder, &kind) != 0 || FileSystemKind(number: kind).isRemote
      var above = DropPath(bytes: Array(path.dropFirst()))
      while !above.bytes.isEmpty {
        above = above.directory
        let number = Glibc.open(cString([UInt8(ascii: "/")] + above.bytes), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { continue }  // Not readable: nobody else of this user watches it either.
        opened.append(number)
        guard flock(number, LOCK_SH | LOCK_NB) == 0 else { throw release(.locked("/" + above.display)) }
      }
      (descriptor, ancestors, self.opening) = (folder, opened, opening)
    }

    deinit {
      for number in ancestors + [descriptor] { close(number) }
    }

    /// Opens a path below the root, never through a symbolic link and never out of the root. Throws `SystemError`.
    func open(_ path: [UInt8], _ flags: Int32) throws(SystemError) -> Descriptor {
      try Descriptor.open(beneath: descriptor, path, flags, by: opening)
    }

    /// A folder of the root, for working with names in it; not to be listed. Throws `SystemError`.
    func folder(_ path: DropPath) throws(SystemError) -> Descriptor {
      if path.bytes.isEmpty { return Descriptor(of: self, descriptor, opening) }
      return try open(path.bytes, O_RDONLY | O_DIRECTORY)
    }
  }

  /// Opens and locks a folder. `mayBeMissing`: one that is not there, or cannot be opened now, is waited for (`takeUp`).
  /// `opening`: how what is below it is opened; nil: as the system allows. Throws `RootRefusal`.
  public init(_ path: String, mayBeMissing: Bool = false, opening: Opening? = nil) throws(RootRefusal) {
    guard let canonical = Self.canonical(path, mayBeMissing: mayBeMissing) else {
      throw .unusable(path, SystemError(errno))
    }
    (self.path, given) = (canonical, Self.absolute(path))
    isGivenByLink = Self.withoutDots(given) != canonical
    self.opening = opening ?? .standard
    do throws(RootRefusal) {
      state = Mutex(try Place(canonical, self.opening))
    } catch {
      switch error {
      case .unusable(_, let why):
        guard mayBeMissing, Self.isWaitedFor(why) else { throw .unusable(path, why) }
        state = Mutex(nil)
      case .locked: throw error
      }
    }
  }

  // The path as it reads; where a link stands before `..`, it is another one.
  private static func withoutDots(_ path: [UInt8]) -> [UInt8] {
    var parts: [ArraySlice<UInt8>] = []
    for part in path.split(separator: UInt8(ascii: "/")) {
      if part.elementsEqual([46, 46]) { _ = parts.popLast() } else if !part.elementsEqual([46]) { parts.append(part) }
    }
    return [47] + parts.joined(separator: [47])
  }

  // What is no folder, or has a name that nothing can have, is a mistake; everything else may be mended while it is
  // waited for: a disk that is not mounted, a server that is away, permissions.
  private static func isWaitedFor(_ error: SystemError) -> Bool {
    ![ENOTDIR, ELOOP, ENAMETOOLONG].contains(error.number)
  }

  private static func absolute(_ path: String) -> [UInt8] {
    if path.hasPrefix("/") { return Array(path.utf8) }
    guard let folder = getcwd(nil, 0) else { return Array(path.utf8) }  // Deleted; the path cannot be followed either.
    defer { free(folder) }
    return UnsafeBufferPointer(start: folder, count: strlen(folder)).map { UInt8(bitPattern: $0) } + [47] + path.utf8
  }

  // What is there is resolved; the rest of the path is taken as it is written. Nil with errno.
  private static func canonical(_ path: String, mayBeMissing: Bool) -> [UInt8]? {
    if let resolved = realpath(path, nil) {
      defer { free(resolved) }
      return UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
    }
    guard mayBeMissing, isWaitedFor(SystemError(errno)) else { return nil }
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
    hearsNothing()
  }

  /// Something may have been missed.
  func forgetAll() {
    facts.forgetAll()
    sidecars.forgetAll()
  }

  /// Nobody watches it any more: what is remembered of it cannot be trusted.
  func hearsNothing() {
    controls.reset()
    forgetAll()
  }

  /// Opens and locks it again, where it is there. Throws `RootAbsence` where it cannot be used.
  func takeUp() throws(RootAbsence) {
    guard place == nil else { return }
    let there = try found()
    let new: Place
    do throws(RootRefusal) {
      new = try Place(path, opening)
    } catch {
      if case .unusable(_, let why) = error, why.isOfPlace { throw .missing }
      throw .refused(error)
    }
    // A link may have been re-pointed meanwhile: what was opened is what was looked at, or the next check finds out.
    guard Self.isSame(new.descriptor, there) else { throw .missing }
    state.withLock { $0 = new }
  }

  /// Why the folder does not stand under its path any more; nil where it does, or is not open at all.
  var absence: RootAbsence? {
    guard let place else { return nil }
    do throws(RootAbsence) {
      return Self.isSame(place.descriptor, try found()) ? nil : .missing
    } catch {
      return error
    }
  }

  /// Whether the folder still stands under its path.
  var isInPlace: Bool { place != nil && absence == nil }

  // What stands under the path, where the path that was given leads there too.
  private func found() throws(RootAbsence) -> stat {
    var there = stat()
    guard stat(cString(path), &there) == 0 else { throw RootAbsence(SystemError(errno), path) }
    guard isGivenByLink else { return there }
    var meant = stat()
    guard stat(cString(given), &meant) == 0 else { throw RootAbsence(SystemError(errno), given) }
    guard meant.st_dev == there.st_dev, meant.st_ino == there.st_ino else {
      throw .leadsElsewhere(
        given, to: Self.canonical(String(decoding: given, as: UTF8.self), mayBeMissing: false) ?? given)
    }
    return there
  }

  private static func isSame(_ folder: Int32, _ there: stat) -> Bool {
    var mine = stat()
    return fstat(folder, &mine) == 0 && mine.st_nlink > 0 && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino
  }

  // Nothing is heard from above the root: an answer is good for as long as the pipeline's own about a folder's owner.
  private static let markLife: Duration = .seconds(2)

  /// As `isBelowSyncMark`, where that was asked for a moment ago; else nil.
  var lastIsBelowSyncMark: Bool? {
    lastMark.withLock { last in
      guard let last, .now - last.at < Self.markLife else { return nil }
      return last.isBelow
    }
  }

  /// Whether a folder above it holds a sync tool's mark, which keeps the root on several machines too.
  var isBelowSyncMark: Bool {
    let isBelow = findSyncMarkAbove()
    lastMark.withLock { $0 = (isBelow, .now) }
    return isBelow
  }

  private func findSyncMarkAbove() -> Bool {
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
