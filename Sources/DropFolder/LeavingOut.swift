import CInotifyTools
import JobCore

/// Folders inside of watched ones that are no part of them: recycle bins, snapshots, system folders. For the user.
struct LeftOutFolders {
  typealias Watch = Inotify.Watch

  // Their names, by the folder that they are in.
  private var names: [Watch: Set<[UInt8]>] = [:]
  private var hasChanged = false

  /// These are there, and no others.
  mutating func note(_ names: Set<[UInt8]>, in folder: Watch) {
    guard self.names[folder] ?? [] != names else { return }
    self.names[folder] = names.isEmpty ? nil : names
    hasChanged = true
  }

  /// One came or went. Nothing is heard from inside of it, and nothing has to be.
  mutating func handle(_ event: Inotify.Event) {
    var names = self.names[event.watch] ?? []
    if event.has(IN_CREATE | IN_MOVED_TO) {
      names.insert(event.name)
    } else if event.has(IN_DELETE | IN_MOVED_FROM) {
      names.remove(event.name)
    }
    note(names, in: event.watch)
  }

  mutating func forget(_ folder: Watch) {
    if names.removeValue(forKey: folder) != nil { hasChanged = true }
  }

  /// Each with the folder that it is in.
  var all: [(folder: Watch, name: [UInt8])] {
    names.flatMap { folder, names in names.map { (folder: folder, name: $0) } }
  }

  /// Whether anything has changed since this was asked for last.
  mutating func takeChange() -> Bool {
    defer { hasChanged = false }
    return hasChanged
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
