import CInotifyTools
import JobCore

// Folders inside of watched ones that are no part of them: recycle bins, snapshots, system folders.
extension WatchedTree {
  // `status` names no more of them than somebody would read.
  private static let mostNamed = 50

  /// Keeps in mind which are there, to tell the user.
  mutating func noteLeftOut(_ names: Set<[UInt8]>, in folder: Watch) {
    guard leftOut[folder] ?? [] != names else { return }
    leftOut[folder] = names.isEmpty ? nil : names
    conditionsChanged = true
  }

  /// One came or went. Nothing is heard from inside of it, and nothing has to be.
  mutating func handleLeftOut(_ event: Inotify.Event) {
    guard options.skipped.isListed(event.name) else { return }
    var names = leftOut[event.watch] ?? []
    if event.has(IN_CREATE | IN_MOVED_TO) {
      names.insert(event.name)
    } else if event.has(IN_DELETE | IN_MOVED_FROM) {
      names.remove(event.name)
    }
    noteLeftOut(names, in: event.watch)
  }

  /// How these folders are watched: not at all, and why.
  var leftOutConditions: [FolderCondition] {
    var found: [FolderCondition] = []
    for (watch, names) in leftOut {
      guard let above = table.folder(watch), let root = roots[above.root] else { continue }
      for name in names {
        found.append(
          FolderCondition(
            path: root.path + [UInt8(ascii: "/")] + above.path.appending(name).bytes, root: above.root, mode: .skipped,
            error: options.skipped.reason(name)))
      }
    }
    found.sort { $0.path.lexicographicallyPrecedes($1.path) }
    guard found.count > Self.mostNamed else { return found }
    let more = found.count - Self.mostNamed
    found.removeLast(more)
    found[found.count - 1].error?.message += " The same is true of \(more) other folders."
    return found
  }
}

extension FolderFiles {
  /// Whether a prompt lies in a folder that is no part of the watched one, so that it counts as deleted. Files that prompts
  /// name, such as reference images, may lie anywhere.
  func isLeftOut(_ file: FileKey) -> Bool {
    guard case .prompt = file.path.name.withUnsafeBytes({ DropNames.ending($0) }) else { return false }
    return skipped.cover(file.path)
  }
}
