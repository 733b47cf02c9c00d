import Glibc

/// A folder with entries of agents, and whom in it a command believes.
///
/// An entry says where to send commands, so a false one could misuse a user's decisions. Believed are files
/// - of root or of the user who asks, wherever they lie: nobody else could have written them. They must have one name only
///   and not be writable by others, for somebody could link or give away a file;
/// - of the folder's owner, whoever that is (a service's own user, as a rule), if nobody else can write in the folder, it
///   is itself in a folder where only root or the user who asks can write (so one of them put it there: `/run`, but not
///   `/tmp`), and the socket that is named belongs to the same owner.
final class RegistryFolder {
  private static let largestFile = 1 << 20
  private let descriptor: Int32
  private let path: String
  private let caller: uid_t
  private let trustedOwner: uid_t?

  /// Nil where there is no such folder.
  init?(_ path: String, caller: uid_t) {
    let path = String(decoding: PathText.withoutFinalSlash(Array(path.utf8)), as: UTF8.self)
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    self.path = path
    self.caller = caller
    var folder = stat()
    var parent = stat()
    // The folder above the one that was opened, whatever links the path has.
    if fstat(descriptor, &folder) == 0, fstatat(descriptor, "..", &parent, 0) == 0, folder.st_mode & 0o022 == 0,
      parent.st_mode & 0o022 == 0, parent.st_uid == 0 || parent.st_uid == caller
    {
      trustedOwner = folder.st_uid
    } else {
      trustedOwner = nil
    }
  }

  deinit { close(descriptor) }

  /// The entries of agents that run. Those of agents that are gone are removed where this user may.
  func running() -> [AgentEntry] { names().sorted().compactMap(entry) }

  private func names() -> [String] {
    // The stream takes its descriptor over.
    let copy = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { return [] }
    guard let stream = fdopendir(copy) else {
      close(copy)
      return []
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix(AgentEntry.namePrefix), name.hasSuffix(AgentEntry.nameSuffix) { names.append(name) }
    }
    return names
  }

  private func entry(_ name: String) -> AgentEntry? {
    // No link is followed, and a pipe does not make anybody wait.
    let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1,
      status.st_mode & 0o022 == 0, status.st_size <= Self.largestFile, let entry = AgentEntry(json: content(of: file)),
      believes(status.st_uid, entry.socket)
    else { return nil }
    if Self.isRunning(entry) { return entry }
    discard(name, status, entry)
    return nil
  }

  private func content(of file: Int32) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.largestFile) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, Self.largestFile, 0))
    }
  }

  private func believes(_ owner: uid_t, _ socket: String) -> Bool {
    if owner == 0 || owner == caller { return true }
    guard owner == trustedOwner else { return false }
    var status = stat()
    // Without its socket the agent is gone: nothing is left to be believed, and the file may go.
    guard lstat(socket, &status) == 0 else { return errno == ENOENT }
    return status.st_uid == owner
  }

  // The socket tells most surely: in a container's eyes a process outside does not exist. Where it cannot be tried, for
  // this user may not use it, the process has to do.
  private static func isRunning(_ entry: AgentEntry) -> Bool {
    switch Names.life(ofSocket: entry.socket) {
    case .listening: true
    case .dead, .missing: false
    case .unknown: kill(entry.pid, 0) == 0 || errno != ESRCH
    }
  }

  // Goes on without a word where it may not: the next one perhaps may.
  private func discard(_ name: String, _ read: stat, _ entry: AgentEntry) {
    var present = stat()
    guard fstatat(descriptor, name, &present, AT_SYMLINK_NOFOLLOW) == 0, present.st_ino == read.st_ino,
      present.st_dev == read.st_dev
    else { return }
    unlinkat(descriptor, name, 0)
    // The socket that it has left here, so that they do not pile up; one elsewhere is none of this folder's business.
    guard Names.folder(of: entry.socket) == path, Names.life(ofSocket: entry.socket) == .dead else { return }
    unlink(entry.socket)
  }
}
