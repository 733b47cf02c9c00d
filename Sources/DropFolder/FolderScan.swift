import Glibc
import JobCore

/// The entries of one folder, sorted into what matters.
struct FolderScan {
  /// Folders to go into.
  var folders: [[UInt8]] = []
  /// Names that mean something, in byte order.
  var names: [[UInt8]] = []

  /// Lists a folder. `other` says whether a further name matters. Throws `SystemError`.
  init(beneath root: Int32, _ path: DropPath, alsoWanted other: ([UInt8]) -> Bool) throws(SystemError) {
    let folder = try Descriptor.open(beneath: root, path.bytes, O_RDONLY | O_DIRECTORY)
    // The stream takes the descriptor that it is given over, so it gets one of its own.
    let duplicate = fcntl(folder.number, F_DUPFD_CLOEXEC, 0)
    guard duplicate >= 0 else { throw SystemError(errno) }
    guard let stream = fdopendir(duplicate) else {
      let failure = SystemError(errno)
      close(duplicate)
      throw failure
    }
    defer { closedir(stream) }
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw SystemError(errno) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      switch Self.kind(of: entry.pointee.d_type, name, in: folder) {
      case UInt8(DT_DIR):
        // A folder called `x.prompt` is looked at as a prompt too, so that somebody says what is wrong with it.
        if name != [46] && name != [46, 46] && !DropNames.isSkippedFolder(name) { folders.append(name) }
        if case .prompt = DropNames.meaning(of: name) { names.append(name) }
      default:
        if DropNames.meaning(of: name) != .other || DropNames.isOwnTemporary(name) || other(name) { names.append(name) }
      }
    }
    names.sort { $0.lexicographicallyPrecedes($1) }
  }

  private static func kind(of type: UInt8, _ name: [UInt8], in folder: borrowing Descriptor) -> UInt8 {
    guard type == UInt8(DT_UNKNOWN) else { return type }
    // Some file systems do not say it in the listing.
    var status = stat()
    guard fstatat(folder.number, cString(name), &status, AT_SYMLINK_NOFOLLOW) == 0 else { return type }
    return status.isFolder ? UInt8(DT_DIR) : UInt8(DT_REG)
  }
}
