import Glibc
import NIOCore

/// The text of an error number, the present one unless another is given.
func errorText(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }

/// Why NIO failed, without the system call's name where there is an error number.
func errorText(_ error: any Error) -> String {
  (error as? IOError).map { errorText($0.errnoCode) } ?? "\(error)"
}

/// Sockets and folders in the file system.
enum Names {
  /// The kernel keeps this many bytes of a Unix socket's path (`sun_path`, with a final zero byte: unix(7)).
  static let socketPathLimit = 107

  /// Whether the bytes can be a Unix socket's path.
  static func fitsSocket(_ path: String) -> Bool {
    !path.isEmpty && path.utf8.count <= socketPathLimit && !path.utf8.contains(0)
  }

  /// Calls `body` with the path as a socket address; nil where it is none.
  static func withAddress<R>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R? {
    guard fitsSocket(path) else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// A new stream socket that no child inherits; negative with `errno`.
  static func newSocket() -> Int32 {
    socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
  }

  /// What a socket in the file system is good for.
  enum Life: Hashable {
    /// Somebody listens.
    case listening
    /// Nobody listens any more.
    case dead
    /// Nothing has the name.
    case missing
    /// Something else has the name, or it cannot be determined: the reason.
    case unknown(String)
  }

  /// Tries whether somebody listens; a listener sees a connection that ends at once.
  static func life(ofSocket path: String) -> Life {
    var status = stat()
    guard lstat(path, &status) == 0 else { return errno == ENOENT ? .missing : .unknown(errorText()) }
    guard status.st_mode & S_IFMT == S_IFSOCK else { return .unknown("it is not a socket") }
    let probe = newSocket()
    guard probe >= 0 else { return .unknown(errorText()) }
    defer { close(probe) }
    guard let result = withAddress(path, { connect(probe, $0, $1) }) else { return .unknown("its path is too long") }
    // EAGAIN: so many wait to be accepted that no more may.
    if result == 0 || errno == EAGAIN { return .listening }
    switch errno {
    case ECONNREFUSED: return .dead
    case ENOENT: return .missing
    default: return .unknown(errorText())
    }
  }

  /// Makes a folder, and those above it, each with `mode` whatever the umask is. What is there stays as it is. Returns
  /// the reason where it cannot.
  static func makeFolder(_ path: String, mode: mode_t) -> String? {
    var status = stat()
    if stat(path, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR ? nil : "\(path) is not a folder" }
    let parent = folder(of: path)
    if parent != path, let why = makeFolder(parent, mode: max(mode, 0o755)) { return why }
    if mkdir(path, mode) != 0 { return errno == EEXIST ? nil : "\(path): \(errorText())" }
    return chmod(path, mode) == 0 ? nil : "\(path): \(errorText())"
  }

  /// The path of the folder that a name is in.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
