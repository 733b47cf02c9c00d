import CLinux
import Glibc

/// How a path below a folder is opened without following a link and without leaving the folder. Mounts below it are entered.
public enum Opening: String, CaseIterable, Sendable {
  /// The kernel walks the path: openat2(2), with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS.
  case whole
  /// One component after the other is opened, each with O_NOFOLLOW: openat(2). For kernels before 5.6, and for systemd's and
  /// container runtimes' filters, which cannot see what openat2 is asked for and answer ENOSYS or EPERM to all of it.
  case stepwise

  /// The way that this system allows, found out once by trying. Throws `OpeningRefusal` where it allows none.
  public static func here() throws(OpeningRefusal) -> Opening { try found.get() }

  /// The same; where nothing is allowed, every call says so itself.
  static let standard: Opening = (try? found.get()) ?? .stepwise

  private static let found: Result<Opening, OpeningRefusal> = {
    let top = Glibc.open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard top >= 0 else { return .failure(OpeningRefusal(whole: ENOSYS, stepwise: errno)) }
    defer { close(top) }
    var answers: [Opening: Int32] = [:]
    for way in [Opening.whole, .stepwise] {
      let number = way.tried(top, cString([UInt8(ascii: ".")]), pd_o_path | O_DIRECTORY, 0)
      if number >= 0 {
        close(number)
        return .success(way)
      }
      answers[way] = errno
    }
    return .failure(OpeningRefusal(whole: answers[.whole] ?? 0, stepwise: answers[.stepwise] ?? 0))
  }()

  /// Opens a path below a folder. Throws `SystemError`: ELOOP where a component is a symbolic link, EXDEV where the path is
  /// absolute or has a `..` in it.
  func descriptor(_ folder: Int32, _ path: [UInt8], _ flags: Int32, _ mode: mode_t) throws(SystemError) -> Int32 {
    let slash = UInt8(ascii: "/")
    if path.first == slash { throw SystemError(EXDEV) }
    if Self.leadsUp(path) { throw SystemError(EXDEV) }
    if self == .whole, flags & (pd_o_path | O_DIRECTORY) == 0, !path.isEmpty, !path.contains(slash) {
      // A mere name leads nowhere else: openat, which has less to check, opens the same, and no link.
      return try Self.stepwise.once(folder, path, flags, mode)
    }
    guard self == .stepwise, !path.isEmpty else {
      return try once(folder, path.isEmpty ? [UInt8(ascii: ".")] : path, flags, mode)
    }
    let parts = path.split(separator: slash)
    guard let last = parts.last else { return try once(folder, [UInt8(ascii: ".")], flags, mode) }
    var place = folder
    defer { if place != folder { close(place) } }
    for part in parts.dropLast() {
      // O_PATH: a folder that may be passed but not listed is passed.
      let next = try once(place, Array(part), pd_o_path | O_DIRECTORY, 0)
      if place != folder { close(place) }
      place = next
    }
    // A slash at the end: what is meant is a folder.
    return try once(place, Array(last), path.last == slash ? flags | O_DIRECTORY : flags, mode)
  }

  // Whether a component is `..`.
  private static func leadsUp(_ path: [UInt8]) -> Bool {
    let (dot, slash) = (UInt8(ascii: "."), UInt8(ascii: "/"))
    var dots = 0
    var length = 0
    for byte in path {
      if byte == slash {
        if dots == 2, length == 2 { return true }
        (dots, length) = (0, 0)
      } else {
        dots += byte == dot ? 1 : 0
        length += 1
      }
    }
    return dots == 2 && length == 2
  }

  // One call; a single component where this is stepwise.
  private func once(_ folder: Int32, _ name: [UInt8], _ flags: Int32, _ mode: mode_t) throws(SystemError) -> Int32 {
    var tries = 0
    while true {
      let (number, failure) = withCString(name) { name in
        let number = tried(folder, name, flags, mode)
        return (number, number < 0 ? errno : 0)
      }
      if number >= 0 { return number }
      // EAGAIN: a rename raced with the kernel's walk, which asks for another try. Or somebody has a lease on the file, and
      // that lasts.
      tries += 1
      if failure != EINTR && (failure != EAGAIN || tries > 100) { throw SystemError(failure) }
    }
  }

  // A descriptor, or -1 with errno.
  private func tried(_ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
    guard self == .stepwise else { return pd_open_beneath(folder, name, flags | O_CLOEXEC, mode) }
    let number = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC, mode)
    if number < 0 {
      if errno == ENOTDIR { errno = Self.whyNoFolder(folder, name) }
      return number
    }
    // With O_PATH, O_NOFOLLOW opens the link itself.
    var status = stat()
    guard flags & pd_o_path != 0, flags & O_DIRECTORY == 0 else { return number }
    if fstat(number, &status) == 0, !status.isLink { return number }
    close(number)
    errno = ELOOP
    return -1
  }

  // Of a link that should be a folder openat says that it is none; openat2 says what it is. Where it is a folder by now,
  // another try finds it.
  private static func whyNoFolder(_ folder: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return errno }
    return status.isLink ? ELOOP : status.isFolder ? EAGAIN : ENOTDIR
  }
}

/// No way to open a path below a folder safely is allowed here: what both calls answered, as numbers of errno(3).
public struct OpeningRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  let whole: Int32, stepwise: Int32

  /// For the user.
  public var description: String {
    "Files below a folder cannot be opened safely here: openat2 answers \"\(SystemError(whole).text)\", and openat with O_PATH "
      + "and O_NOFOLLOW \"\(SystemError(stepwise).text)\". Let the filter of system calls allow openat (in a systemd unit: "
      + "SystemCallFilter=@system-service), or use a kernel from 2.6.39 on."
  }
}
