import Glibc
import JobCore

/// What one look at a folder finds, with a stat for each prompt and each list and for nothing else.
struct FolderLook {
  /// A prompt with its list.
  struct Prompt {
    var key: UInt64
    /// Hashes of its stamp and of its list's; 0: there is no list.
    var own: UInt64, list: UInt64 = 0
    fileprivate var start: Int32
    fileprivate var count: Int32
  }
  /// In the order of their keys.
  private(set) var prompts: [Prompt] = []
  /// Folders to go into.
  private(set) var folders: [[UInt8]] = []
  /// Folders that are left out, and that the user is told of.
  private(set) var leftOut: [[UInt8]] = []
  /// Whether the folder has defaults of its own.
  private(set) var hasDefaults = false
  /// Names of other kinds that may mean something: lists on their way, temporary files of promptdrop's; all that are no
  /// prompts and no lists where that is asked for.
  private(set) var others: [[UInt8]] = []
  /// Whether a sync tool keeps the folder.
  private(set) var hasSyncMark = false
  // The prompts' names, one after the other.
  private var names: [UInt8] = []

  /// The name of a prompt.
  func name(_ prompt: Prompt) -> [UInt8] { Array(names[Int(prompt.start)..<Int(prompt.start + prompt.count)]) }

  /// Looks. Throws `SystemError`.
  init(
    _ folder: borrowing Descriptor, _ hash: FolderHash, wantsAll: Bool, skipping skipped: SkippedFolders
  ) throws(SystemError) {
    let number = folder.number
    var lists: [UInt64: UInt64] = [:]
    var look = Self()
    try FolderListing.each(in: folder) { entry in
      if entry.isFolder { look.enter(folder: entry.bytes, skipping: skipped) }
      if DropNames.mayMatter(entry.name) { look.sort(entry, number, hash, &lists) }
      if wantsAll, !entry.isFolder, DropNames.ending(entry.name) == .other { look.addOther(entry.bytes) }
    }
    if !lists.isEmpty {
      for index in look.prompts.indices {
        guard let list = lists[look.prompts[index].key] else { continue }
        look.prompts[index].list = list
      }
    }
    look.prompts.sort { $0.key < $1.key }
    self = look
  }

  private init() {}

  private mutating func enter(folder name: [UInt8], skipping skipped: SkippedFolders) {
    if !skipped.skips(name) {
      folders.append(name)
    } else if skipped.isListed(name) {
      leftOut.append(name)
    }
    if name == DropNames.syncMark { hasSyncMark = true }
  }

  private mutating func addOther(_ name: [UInt8]) {
    if others.last != name { others.append(name) }
  }

  private mutating func sort(
    _ entry: FolderListing.Entry, _ folder: Int32, _ hash: FolderHash, _ lists: inout [UInt64: UInt64]
  ) {
    let name = entry.name
    switch DropNames.ending(name) {
    case .prompt(let isPlain):
      // A folder called `x.prompt` is looked at as a prompt too, so that somebody says what is wrong with it.
      guard let stamp = Self.stamp(entry, folder) else { return }
      let stem = UnsafeRawBufferPointer(rebasing: name.dropLast(DropNames.endingLength))
      prompts.append(
        Prompt(
          key: hash.key(stem, isPlain: isPlain), own: FolderHash.stamp(stamp),
          start: Int32(names.count), count: Int32(name.count)))
      names.append(contentsOf: name)
    case .list:
      guard !entry.isFolder, let stamp = Self.stamp(entry, folder) else { return }
      lists[hash.key(UnsafeRawBufferPointer(rebasing: name.dropLast(DropNames.endingLength)))] = FolderHash.stamp(stamp)
    case .other:
      guard !entry.isFolder else { return }
      let copy = entry.bytes
      if copy == DropNames.folderDefaults { hasDefaults = true }
      if DropNames.meaning(of: copy) != .other || DropNames.isOwnTemporary(copy) { addOther(copy) }
    }
  }

  private static func stamp(_ entry: FolderListing.Entry, _ folder: Int32) -> FileStamp? {
    var status = stat()
    // Gone again: nothing to tell.
    guard fstatat(folder, entry.cName, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    return status.stamp
  }
}
