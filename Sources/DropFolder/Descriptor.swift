import CLinux
import Glibc
import JobCore

/// An open file or folder, closed when it is let go, unless it is lent.
struct Descriptor: ~Copyable {
  let number: Int32
  private let way: Opening
  // Whose it is, and stays open for as long.
  private let lender: RootFolder.Place?

  /// Takes an open descriptor over. `way`: how what is below it is opened.
  init(owning number: Int32, _ way: Opening = .standard) {
    (self.number, self.way, lender) = (number, way, nil)
  }

  /// Borrows the descriptor of an open root. It must not be listed: the place in a listing is the descriptor's, and so
  /// everybody's.
  init(of root: RootFolder.Place, _ number: Int32, _ way: Opening) {
    (self.number, self.way, lender) = (number, way, root)
  }

  deinit { if lender == nil { close(number) } }

  /// Opens a path below a folder, never through a symbolic link and never out of the folder. Throws `SystemError`.
  static func open(
    beneath folder: Int32, _ path: [UInt8], _ flags: Int32, mode: mode_t = 0, by way: Opening = .standard
  ) throws(SystemError) -> Descriptor {
    Descriptor(owning: try way.descriptor(folder, path, flags, mode), way)
  }

  /// Opens a path below this folder, in the way that this folder was opened. Throws `SystemError`.
  func open(_ path: [UInt8], _ flags: Int32, mode: mode_t = 0) throws(SystemError) -> Descriptor {
    try Descriptor.open(beneath: number, path, flags, mode: mode, by: way)
  }

  /// Reads up to `limit` bytes from the start. Throws `SystemError`.
  func read(limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let wanted = min(limit - bytes.count, bytes.isEmpty ? 65_536 : 1_048_576)
      var failure: Int32 = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
        let got = pread(number, buffer.baseAddress, wanted, off_t(bytes.count))
        failure = got < 0 ? errno : 0
        count = max(got, 0)
      }
      if failure == EINTR { continue }
      if failure != 0 { throw SystemError(failure) }
      if chunk.isEmpty { break }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      if chunk.count < wanted && bytes.count < 65_536 { break }
    }
    return bytes
  }

  /// Reads up to `count` bytes from a place. Throws `SystemError`.
  func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
    while true {
      var failure: Int32 = 0
      let part = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        let got = pread(number, buffer.baseAddress, count, off_t(offset))
        failure = got < 0 ? errno : 0
        filled = max(got, 0)
      }
      if failure == 0 { return part }
      if failure != EINTR { throw SystemError(failure) }
    }
  }

  /// Writes all bytes at the present end of the file. Throws `SystemError`.
  func write(_ bytes: [UInt8]) throws(SystemError) {
    var done = 0
    while done < bytes.count {
      let got = bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress?.advanced(by: done), bytes.count - done) }
      if got < 0 {
        if errno == EINTR { continue }
        throw SystemError(errno)
      }
      done += got
    }
  }

  /// Makes the content, or a folder's names, durable. Throws `SystemError`.
  func sync() throws(SystemError) {
    // EINVAL: the file system has no such thing for it, as some network ones have none for folders. No retry changes that.
    if fsync(number) != 0, errno != EINVAL { throw SystemError(errno) }
  }

  /// Which folder it is, whatever its path. Throws `SystemError`.
  func place() throws(SystemError) -> FolderSync.Folder {
    if let lender { return lender.identity }
    return FolderSync.Folder(try status())
  }

  /// What the file system says of a name in this folder; links are not followed. Throws `SystemError`.
  func status(of name: [UInt8]) throws(SystemError) -> stat {
    var status = stat()
    let failure = withCString(name) { fstatat(number, $0, &status, AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0 }
    if failure != 0 { throw SystemError(failure) }
    return status
  }

  /// The mount that a name in this folder is on; of the folder itself, where the name is empty. Throws `SystemError`.
  func mount(of name: [UInt8] = []) throws(SystemError) -> UInt64 {
    var id: UInt64 = 0
    if pd_mount_id(number, cString(name), &id) != 0 { throw SystemError(errno) }
    return id
  }

  /// What the file system says of it. Throws `SystemError`.
  func status() throws(SystemError) -> stat {
    var status = stat()
    if fstat(number, &status) != 0 { throw SystemError(errno) }
    return status
  }
}

/// A failed system call.
public struct SystemError: Error, Hashable, Sendable {
  /// As errno(3) has it.
  public let number: Int32
  init(_ number: Int32) { self.number = number }
  /// In words, such as "Permission denied".
  public var text: String { String(cString: strerror(number)) }
  /// Whether no such folder is in that place: it is gone, or something else is there.
  var isOfPlace: Bool { [ENOENT, ENOTDIR, ELOOP, EXDEV, ESTALE].contains(number) }
}

/// Calls `body` with the bytes and a zero after them, for as long as it takes; on the stack, as names are short.
func withCString<T>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { terminated in
    let raw = UnsafeMutableRawBufferPointer(terminated)
    raw.copyBytes(from: bytes)
    raw[bytes.count] = 0
    // A buffer of at least one byte has an address.
    return body(UnsafePointer(terminated.baseAddress.unsafelyUnwrapped))
  }
}

func cString(_ bytes: [UInt8]) -> [CChar] {
  [CChar](unsafeUninitializedCapacity: bytes.count + 1) { terminated, count in
    let raw = UnsafeMutableRawBufferPointer(terminated)
    raw.copyBytes(from: bytes)
    raw[bytes.count] = 0
    count = bytes.count + 1
  }
}

extension stat {
  var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
  var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
  var isLink: Bool { st_mode & S_IFMT == S_IFLNK }

  var stamp: FileStamp {
    func nanoseconds(_ time: timespec) -> Int64 {
      Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
    }
    return FileStamp(
      device: UInt64(st_dev), inode: UInt64(st_ino), size: Int64(st_size), modified: nanoseconds(st_mtim),
      changed: nanoseconds(st_ctim))
  }

  /// How long ago its inode was changed, by the wall clock; negative where the clocks disagree.
  func age(now: timespec) -> Duration {
    .seconds(Int64(now.tv_sec) - Int64(st_ctim.tv_sec)) + .nanoseconds(Int64(now.tv_nsec) - Int64(st_ctim.tv_nsec))
  }

  var kindName: String {
    switch st_mode & S_IFMT {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a FIFO"
    case S_IFLNK: "a symbolic link"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "not a regular file"
    }
  }
}

/// The wall clock, as the file system stamps with it. The coarse clock is the kernel's own source for change times: a
/// file changed just now is never older than its stamp says.
func coarseWallClock() -> timespec {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME_COARSE, &now)
  return now
}
