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
  /// Folders that are left out, and that are reported.
  private(set) var leftOut: [[UInt8]] = []
  /// The name of the folder's own defaults.
  private(set) var defaults: [UInt8]?
  /// Names that may be meant as control files': lists that are no prompt's here, and what only looks like one or like
  /// defaults.
  private(set) var controls = ControlNames()
  /// Names of other kinds that may mean something: lists on their way, temporary files of promptdrop's; all that are no
  /// prompts and no lists where that is asked for.
  private(set) var others: [[UInt8]] = []
  /// Whether a sync tool keeps the folder.
  private(set) var hasSyncMark = false
  // The prompts' names and the lists', one after the other.
  private var names: [UInt8] = []
  // By their stems' keys.
  private var lists: [UInt64: List] = [:]
  private struct List {
    var stamp: UInt64
    var start: Int32
    var count: Int32
  }

  /// The name of a prompt.
  func name(_ prompt: Prompt) -> [UInt8] { Array(names[Int(prompt.start)..<Int(prompt.start + prompt.count)]) }

  /// Looks. Throws `SystemError`.
  init(
    _ folder: borrowing Descriptor, _ hash: FolderHash, wantsAll: Bool, skipping skipped: SkippedFolders
  ) throws(SystemError) {
    let number = folder.number
    var look = Self()
    try FolderListing.each(in: folder) { entry in
      if entry.isFolder { look.enter(folder: entry.bytes, skipping: skipped) }
      // Once for each entry, of which most are pictures and sidecars.
      let ending = DropNames.ending(entry.name)
      look.sort(entry, ending, number, hash)
      guard !entry.isFolder, ending == .other else { return }
      if ControlNames.mayMatter(entry.name) { look.controls.insert(entry.bytes) }
      if wantsAll { look.addOther(entry.bytes) }
    }
    look.matchLists(number)
    if look.defaults == nil, case .taken(let name) = look.controls.folderDefaults { look.defaults = name }
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

  // Each prompt has the list of its stem; where there is none, the one whose name is the same but for case and composition.
  private mutating func matchLists(_ folder: Int32) {
    guard !lists.isEmpty || controls.hasLists else { return }
    for index in prompts.indices {
      if let list = lists.removeValue(forKey: prompts[index].key) { prompts[index].list = list.stamp }
    }
    for list in lists.values { controls.insert(Array(names[Int(list.start)..<Int(list.start + list.count)])) }
    lists = [:]
    guard controls.hasLists else { return }
    for index in prompts.indices where prompts[index].list == 0 {
      guard let stem = DropNames.stem(name(prompts[index])),
        case .taken(let list) = controls.list(ofStem: stem, isAnothers: { _ in false }),
        let stamp = Self.stamp(cString(list), folder)
      else { continue }
      prompts[index].list = FolderHash.stamp(stamp)
    }
  }

  private mutating func sort(
    _ entry: FolderListing.Entry, _ ending: DropNames.Ending, _ folder: Int32, _ hash: FolderHash
  ) {
    let name = entry.name
    switch ending {
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
      let stem = UnsafeRawBufferPointer(rebasing: name.dropLast(DropNames.endingLength))
      lists[hash.key(stem)] = List(
        stamp: FolderHash.stamp(stamp), start: Int32(names.count), count: Int32(name.count))
      names.append(contentsOf: name)
    case .other:
      guard !entry.isFolder, DropNames.mayBeUnfinished(first: name.first, last: name.last) else { return }
      let copy = entry.bytes
      if copy == DropNames.folderDefaults { defaults = copy }
      if DropNames.meaning(of: copy) != .other || DropNames.isOwnTemporary(copy) { addOther(copy) }
    }
  }

  private static func stamp(_ entry: FolderListing.Entry, _ folder: Int32) -> FileStamp? { stamp(entry.cName, folder) }

  private static func stamp(_ name: UnsafePointer<CChar>, _ folder: Int32) -> FileStamp? {
    var status = stat()
    // Gone again: nothing to tell.
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    return status.stamp
  }
}
