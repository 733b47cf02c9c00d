import Glibc
import JobCore

/// The entries of one folder, sorted into what matters.
struct FolderScan {
  /// Folders to go into.
  var folders: [[UInt8]] = []
  /// Names that mean something, in byte order.
  var names: [[UInt8]] = []

  /// Lists a folder, without the folders in it that are no part of it. Throws `SystemError`.
  init(_ folder: borrowing Descriptor, skipping skipped: SkippedFolders = .standard) throws(SystemError) {
    var (folders, names): ([[UInt8]], [[UInt8]]) = ([], [])
    try FolderListing.each(in: folder) { entry in
      let name = entry.bytes
      if entry.isFolder {
        // A folder called `x.prompt` is looked at as a prompt too, so that somebody says what is wrong with it.
        if !skipped.skips(name) { folders.append(name) }
        if case .prompt = DropNames.meaning(of: name) { names.append(name) }
      } else if DropNames.meaning(of: name) != .other || DropNames.isOwnTemporary(name) {
        names.append(name)
      }
    }
    names.sort { $0.lexicographicallyPrecedes($1) }
    (self.folders, self.names) = (folders, names)
  }
}
