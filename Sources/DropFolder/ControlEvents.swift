import Glibc
import JobCore

// Files that may be meant as control files and do not have the exact names of such: their prompts are looked at when they
// come, change or go, as they are for the exact names.
extension WatchedTree {
  // Whose list it is, is found by looking through the folder. Lists come in crowds, mostly before their prompts: a moment
  // later most have found theirs, and a large folder is looked through less often.
  private static let controlLookDelay: Duration = .milliseconds(250)
  private static let controlLookDelayPerPrompt: Duration = .microseconds(100)

  /// What one look at a folder has found.
  func noteControls(_ names: ControlNames, _ folder: FileKey, _ watch: Watch) {
    guard let root = roots[folder.root], let node = folders[watch] else { return }
    let table = root.controls
    // Before anything is forgotten: who reads after that remembers nothing more.
    defer { if node.way.isPolled { root.forgetAll() } }
    switch node.way {
    case .inotify: table.set(folder.path, names)
    case .polling(.outOfWatches), .polling(.unavailable): table.setUnheard(device: node.device, isShortOfWatches: true)
    case .polling: table.setUnheard(device: node.device, isShortOfWatches: false)
    }
  }

  /// A file has come or changed.
  mutating func controlSeen(_ name: [UInt8], _ meaning: DropNames.Meaning, _ folder: FileKey, _ watch: Watch) {
    guard let root = roots[folder.root] else { return }
    switch meaning {
    case .prompt(let stem): root.controls.remove(DropNames.imageList(stem: stem), in: folder.path)
    case .imageList(let stem):
      if isThere(DropNames.prompt(stem: stem), folder) { return }
      if root.controls.insert(name, in: folder.path) { lookForPrompts(of: watch) }
    case .other:
      guard name.withUnsafeBytes(ControlNames.mayMatter), root.controls.insert(name, in: folder.path) else { return }
      lookForPrompts(of: watch)
      tellOfDefaults(name, folder)
    case .conflictCopy, .imageListOnItsWay, .folderDefaults: break
    }
  }

  /// A file is gone.
  mutating func controlLost(_ name: [UInt8], _ folder: FileKey, _ watch: Watch) {
    guard roots[folder.root]?.controls.remove(name, in: folder.path) == true else { return }
    lookForPrompts(of: watch)
    tellOfDefaults(name, folder)
  }

  // Where it may be meant as the defaults, all that is below is concerned.
  private mutating func tellOfDefaults(_ name: [UInt8], _ folder: FileKey) {
    var names = ControlNames()
    names.insert(name)
    if names.folderDefaults != .none { news.add(.defaultsChanged(folder: folder)) }
  }

  private func isThere(_ name: [UInt8], _ folder: FileKey) -> Bool {
    guard let place = roots[folder.root]?.place else { return false }
    var status = stat()
    return fstatat(place.descriptor, cString(folder.path.appending(name).bytes), &status, AT_SYMLINK_NOFOLLOW) == 0
  }

  private mutating func lookForPrompts(of watch: Watch) {
    guard !looks.isScheduled(watch) else { return }
    let known = folders[watch]?.seen.entries.count ?? 0
    looks.schedule(watch, at: .now + Self.controlLookDelay + Self.controlLookDelayPerPrompt * known)
  }
}
