import CLinux
import Glibc
import JobCore

// Names of reference images that are written in another way than the files are: macOS and some sync tools take letters with
// accents apart.
extension FolderFiles {
  /// What is there instead of a reference image that is not.
  public func lookalike(of reference: FileKey) async -> Lookalike {
    await onWorker { self.findLookalike(of: reference) }
  }

  func findLookalike(of reference: FileKey) -> Lookalike {
    var reached = DropPath.root
    for part in reference.path.bytes.split(separator: UInt8(ascii: "/")).map(Array.init) {
      let exact = reached.appending(part)
      if isThere(FileKey(root: reference.root, path: exact)) {
        reached = exact
        continue
      }
      guard let wanted = String(validating: part, as: UTF8.self) else { return .none }
      var same: [[UInt8]] = []
      var similar: [UInt8]?
      each(in: FileKey(root: reference.root, path: reached)) { name in
        guard let text = String(validating: name, as: UTF8.self) else { return }
        if text == wanted { same.append(name) } else if ControlNames.lookAlike(text, wanted) { similar = name }
      }
      switch same.count {
      case 0: return similar.map { .similar(reached.appending($0)) } ?? .none
      case 1: reached = reached.appending(same[0])
      default: return .several(same.sorted { $0.lexicographicallyPrecedes($1) }.map { reached.appending($0) })
      }
    }
    return .same(FileKey(root: reference.root, path: reached))
  }

  private func isThere(_ file: FileKey) -> Bool {
    do throws(SystemError) {
      _ = try open(file.root, file.path.bytes, pd_o_path)
      return true
    } catch {
      return false
    }
  }

  // A folder that cannot be listed has nothing to offer.
  private func each(in folder: FileKey, _ body: ([UInt8]) -> Void) {
    do throws(SystemError) {
      let opened = try open(folder.root, folder.path.bytes, O_RDONLY | O_DIRECTORY)
      try FolderListing.each(in: opened) { body($0.bytes) }
    } catch {
      return
    }
  }
}
