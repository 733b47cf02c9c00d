import Glibc
import JobCore

/// A walk over the names below a root that nothing is known of yet, for what other agents, or this one before its journal was
/// lost, have left there: it has to be known before anything is paid for.
enum Survey {
  /// Walks. At most 10,000 strays are reported, so that a folder of nothing but those does not fill the memory.
  static func of(_ root: RootID, _ place: RootFolder.Place, skipping skipped: SkippedFolders) -> [FolderEvent] {
    var events: [FolderEvent] = []
    var hasSidecars = false
    var open = [DropPath.root]
    while let path = open.popLast() {
      // What cannot be looked through says so in the scan that follows.
      guard let folder = try? place.open(path.bytes, O_RDONLY | O_DIRECTORY) else { continue }
      var prompts: Set<[UInt8]> = []
      var sidecars: [[UInt8]] = []
      // The same.
      try? FolderListing.each(in: folder) { entry in
        if entry.isFolder {
          let name = entry.bytes
          if !skipped.skips(name) { open.append(path.appending(name)) }
        } else if case .prompt = DropNames.ending(entry.name) {
          prompts.insert(DropNames.plainPrompt(entry.bytes) ?? entry.bytes)
        } else if DropNames.mayMatter(entry.name), let prompt = DropNames.promptOfSidecar(entry.bytes) {
          sidecars.append(prompt)
        }
      }
      hasSidecars = hasSidecars || !sidecars.isEmpty
      for prompt in sidecars where !prompts.contains(prompt) && events.count < 10_000 {
        events.append(.strayedSidecar(prompt: FileKey(root: root, path: path.appending(prompt))))
      }
    }
    return events + [.surveyed(root, hasSidecars: hasSidecars)]
  }
}
