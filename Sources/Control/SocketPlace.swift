import Glibc

/// A listening Unix socket's name in the file system.
struct SocketPlace: Sendable {
  /// How many may wait to be accepted.
  static let backlog: Int32 = 128

  let path: String
  private let device: dev_t
  private let inode: ino_t

  /// Makes a socket that listens under `path` and belongs to `group`, with `mode`.
  ///
  /// Under its own name it never has wider rights: it is made in a folder that only this user can enter, gets its group
  /// and mode there, and is linked into place once it listens. (A umask would do as well, but it is the whole process's,
  /// and other threads make files.) Returns the descriptor, which is the caller's. Throws `ControlError.unusable`.
  static func listen(path: String, group: String?, mode: mode_t) throws(ControlError) -> (Int32, SocketPlace) {
    guard path.hasPrefix("/"), !path.hasSuffix("/") else { throw .unusable(path, "the path has to be absolute") }
    guard Names.fitsSocket(path) else {
      throw .unusable(
        path, "the path of a Unix socket can have \(Names.socketPathLimit) bytes, and this one has \(path.utf8.count)")
    }
    let owner = try group.map { name throws(ControlError) in try number(ofGroup: name, path) }
    let parent = Names.folder(of: path)
    if let why = Names.makeFolder(parent, mode: 0o755) { throw .unusable(path, why) }
    try clear(path)

    let workshop = try Workshop(in: parent, for: path)
    defer { workshop.remove() }
    let descriptor = Names.newSocket()
    guard descriptor >= 0 else { throw .unusable(path, errorText()) }
    do {
      let place = try workshop.build(descriptor, owner, mode, path)
      return (descriptor, place)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Takes the name away if it is still this socket's. To be called while the socket is open: till then its inode's
  /// number cannot be another's.
  func remove() {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
    unlink(path)
  }

  // What a dead process left behind goes; what lives, or is not a socket, stays.
  private static func clear(_ path: String) throws(ControlError) {
    switch Names.life(ofSocket: path) {
    case .missing: return
    case .listening: throw .unusable(path, "another agent listens there")
    case .unknown(let why): throw .unusable(path, "something is there already: \(why)")
    case .dead:
      guard unlink(path) == 0 || errno == ENOENT else {
        throw .unusable(path, "what a dead process left there cannot be removed: \(errorText())")
      }
    }
  }

  private static func number(ofGroup name: String, _ path: String) throws(ControlError) -> gid_t {
    var buffer = [CChar](repeating: 0, count: 65_536)
    var entry = group()
    var found: UnsafeMutablePointer<group>?
    let result = getgrnam_r(name, &entry, &buffer, buffer.count, &found)
    if result == 0, found != nil { return entry.gr_gid }
    if name.utf8.allSatisfy({ (48...57).contains($0) }), let number = gid_t(name), number != .max { return number }
    throw .unusable(path, "there is no group \"\(name)\"" + (result == 0 ? "" : " (\(errorText(result)))"))
  }

  /// A folder that only this user can enter, beside the socket's final name.
  private struct Workshop {
    private let path: String
    private let folder: Int32

    init(in parent: String, for socket: String) throws(ControlError) {
      var template = Array("\(parent)/.promptdrop-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw .unusable(socket, "\(parent): \(errorText())") }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard folder >= 0 else {
        let why = errorText()
        rmdir(path)
        throw .unusable(socket, why)
      }
    }

    func remove() {
      unlinkat(folder, "s", 0)
      close(folder)
      rmdir(path)
    }

    func build(
      _ descriptor: Int32, _ group: gid_t?, _ mode: mode_t, _ final: String
    ) throws(ControlError) -> SocketPlace {
      // By way of the descriptor, for this folder's own path may be longer than a socket's may be.
      guard Names.withAddress("/proc/self/fd/\(folder)/s", { bind(descriptor, $0, $1) }) == 0 else {
        throw .unusable(final, errorText())
      }
      if let group, fchownat(folder, "s", .max, group, AT_SYMLINK_NOFOLLOW) != 0 {
        throw .unusable(final, "it cannot be given to the group \(group): \(errorText())")
      }
      var status = stat()
      guard fchmodat(folder, "s", mode & 0o777, 0) == 0, fstatat(folder, "s", &status, AT_SYMLINK_NOFOLLOW) == 0,
        Glibc.listen(descriptor, SocketPlace.backlog) == 0
      else { throw .unusable(final, errorText()) }
      // Not renamed: whoever came first meanwhile keeps the name.
      guard linkat(folder, "s", AT_FDCWD, final, 0) == 0 else {
        throw .unusable(final, errno == EEXIST ? "another agent listens there" : errorText())
      }
      return SocketPlace(path: final, device: status.st_dev, inode: status.st_ino)
    }
  }
}
