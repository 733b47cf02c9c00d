import Glibc
import JobCore

/// The folder that the journal is in, locked by the kernel for this process: one process writes a journal.
public final class StateFolder: Sendable {
  /// Its absolute path.
  public let path: String
  /// Whether an agent has worked with it before: then it is no new one, even where its journal is lost.
  public let hasHistory: Bool
  private let lock: Int32

  /// Makes the folder (readable by its owner only) where it is missing, and locks it. Throws `StateRefusal`.
  public init(_ path: String) throws(StateRefusal) {
    try Self.make(path)
    guard let resolved = realpath(path, nil) else { throw .unusable(path, String(cString: strerror(errno))) }
    defer { free(resolved) }
    let folder = String(cString: resolved)
    self.path = folder
    hasHistory = ["journal.sqlite", "journal-backup.sqlite", "send-marks", IdentityFile.name].contains { name in
      access("\(folder)/\(name)", F_OK) == 0
    }
    lock = open("\(self.path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw .unusable(path, String(cString: strerror(errno))) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      close(lock)
      throw .locked(self.path)
    }
  }

  deinit { close(lock) }

  /// When a file of the folder was last written; nil where there is none.
  func modified(_ name: String) -> Timestamp? {
    var status = stat()
    guard stat("\(path)/\(name)", &status) == 0 else { return nil }
    return Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
  }

  /// Removes a file of the folder, if it is there.
  func remove(_ name: String) throws(JournalError) {
    guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
      throw .full("cannot remove \(path)/\(name): \(String(cString: strerror(errno)))")
    }
  }

  /// Gives a file a second name, in the place of a file that has it. Where that cannot be (a file system without hard links,
  /// a folder of this name) it goes without.
  func link(_ name: String, as second: String) {
    unlink("\(path)/\(second)")
    Glibc.link("\(path)/\(name)", "\(path)/\(second)")
  }

  /// Makes a new file durable, and gives it its name in the place of an older one.
  func publish(_ temporary: String, as name: String) throws(JournalError) {
    let file = open("\(path)/\(temporary)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .full("cannot open \(path)/\(temporary): \(String(cString: strerror(errno)))") }
    defer { close(file) }
    guard fsync(file) == 0, rename("\(path)/\(temporary)", "\(path)/\(name)") == 0 else {
      throw .full("cannot write \(path)/\(name): \(String(cString: strerror(errno)))")
    }
    try sync()
  }

  private static func make(_ path: String) throws(StateRefusal) {
    var status = stat()
    if stat(path, &status) == 0 { return }
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try make(String(path[..<slash])) }
    if mkdir(path, 0o700) != 0 && errno != EEXIST { throw .unusable(path, String(cString: strerror(errno))) }
  }

  /// Makes the names in the folder durable: SQLite does not notice when its own sync of the folder fails.
  func sync() throws(JournalError) {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .broken("cannot open \(path): \(String(cString: strerror(errno)))") }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw .broken("cannot sync \(path): \(String(cString: strerror(errno)))") }
  }
}

/// Why a state folder cannot be used.
public enum StateRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// It cannot be made or opened: path and reason.
  case unusable(String, String)
  /// Another agent uses it.
  case locked(String)

  /// For the user.
  public var description: String {
    switch self {
    case .unusable(let path, let why): "cannot use the state folder \(path): \(why)"
    case .locked(let path):
      "another promptdrop uses the state folder \(path); stop it, or give this one its own with --state-dir"
    }
  }
}
