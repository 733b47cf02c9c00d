/// Every name that promptdrop makes or recognises in a watched folder. Making and recognising live here together, so
/// that they cannot drift apart.
public enum DropNames {
  /// What a name in a watched folder means to promptdrop.
  public enum Meaning: Equatable, Sendable {
    /// `STEM.prompt`: a prompt.
    case prompt(stem: [UInt8])
    /// `STEM.prompt` made by a sync tool out of a conflict: parked, never submitted by itself.
    case conflictCopy(stem: [UInt8])
    /// `STEM.images`: the list of reference images of `STEM.prompt`.
    case imageList(stem: [UInt8])
    /// A writer's temporary form of `STEM.images`: the list is on its way.
    case imageListOnItsWay(stem: [UInt8])
    /// `.promptdrop.yaml`: request defaults for the folder and all below it.
    case folderDefaults
    /// Nothing that starts work: outputs, sidecars, pictures, temporary and foreign files.
    case other
  }

  /// The name of a folder's defaults.
  public static let folderDefaults: [UInt8] = Array(".promptdrop.yaml".utf8)
  private static let promptSuffix: [UInt8] = Array(".prompt".utf8)
  private static let listSuffix: [UInt8] = Array(".images".utf8)
  private static let temporaryPrefix: [UInt8] = Array(".promptdrop-".utf8)
  private static let temporarySuffix: [UInt8] = Array(".tmp".utf8)

  // MARK: recognising

  /// What `name` means.
  public static func meaning(of name: [UInt8]) -> Meaning {
    // Asked for every event, most of which are of promptdrop's own files: the last byte decides for nearly all of them.
    switch name.last {
    case UInt8(ascii: "t") where name.hasSuffix(promptSuffix):
      let stem = Array(name.dropLast(promptSuffix.count))
      guard let first = stem.first, first != UInt8(ascii: "."), first != UInt8(ascii: "~") else { return .other }
      return isConflictCopy(stem) ? .conflictCopy(stem: stem) : .prompt(stem: stem)
    case UInt8(ascii: "s") where name.hasSuffix(listSuffix) && !isTemporary(name):
      let stem = Array(name.dropLast(listSuffix.count))
      return stem.isEmpty ? .other : .imageList(stem: stem)
    case UInt8(ascii: "l") where name == folderDefaults: return .folderDefaults
    default: break
    }
    if isOwnTemporary(name) { return .other }
    return stemOfTemporaryList(name).map { .imageListOnItsWay(stem: $0) } ?? .other
  }

  /// Whether a folder of this name is never entered: dot-folders (sync tools' stores, `.git`, wastebaskets) and
  /// `@eaDir`.
  public static func isSkippedFolder(_ name: [UInt8]) -> Bool {
    name.first == UInt8(ascii: ".") || name.elementsEqual("@eaDir".utf8)
  }

  /// Whether some writer uses names of this form for what is not finished or is a backup (measured with some sixty
  /// writers: editors, sync tools, browsers).
  public static func isTemporary(_ name: [UInt8]) -> Bool {
    guard let first = name.first, let last = Array(name.suffix(1)).first else { return false }
    if first == UInt8(ascii: ".") || first == UInt8(ascii: "~") || last == UInt8(ascii: "~") { return true }
    if first == UInt8(ascii: "#") && last == UInt8(ascii: "#") { return true }
    if name.elementsEqual("4913".utf8) { return true }
    if name.count == 9, name.starts(with: "sed".utf8) { return true }
    if last == UInt8(ascii: "_"), String(decoding: name, as: UTF8.self).contains("___jb_") { return true }
    for suffix in temporarySuffixes where name.hasSuffix(suffix) { return true }
    return false
  }

  private static let temporarySuffixes: [[UInt8]] = [
    ".tmp", ".part", ".partial", ".crdownload", ".bak", ".orig",
  ].map { Array($0.utf8) }

  private static func stemOfTemporaryList(_ name: [UInt8]) -> [UInt8]? {
    guard name.contains(listSuffix), isTemporary(name) else { return nil }
    // AppleDouble's and emacs's companions stay beside the file; they are no list on its way.
    if name.starts(with: "._".utf8) || name.starts(with: ".#".utf8) { return nil }
    var core = Array(name)
    // Longest prefix first: rsync writes `.NAME.XXXXXX`, Syncthing `.syncthing.NAME.tmp`, Unison `.unison.NAME.…`.
    for prefix in [".syncthing.", ".unison.", "~syncthing~", ".", "~"] where core.starts(with: prefix.utf8) {
      core.removeFirst(prefix.utf8.count)
      break
    }
    guard core.count > listSuffix.count else { return nil }
    for start in 1...(core.count - listSuffix.count)
    where core[start...].starts(with: listSuffix) {
      let end = start + listSuffix.count
      // A further part must follow as a part of its own (`.XXXXXX`, `.tmp`, `~`); `.images2` is another name.
      if end == core.count || core[end] == UInt8(ascii: ".") || core[end] == UInt8(ascii: "~") {
        // Backups that stay (`cat.images~`, `.bak`) are no list on its way.
        if core.hasSuffix([UInt8(ascii: "~")]) || core.hasSuffix(Array(".bak".utf8))
          || core.hasSuffix(Array(".orig".utf8))
        {
          return nil
        }
        // Editors' swap files live as long as the editor is open.
        if core.count - end == 4, core[end...].starts(with: ".sw".utf8) { return nil }
        return Array(core[..<start])
      }
    }
    return nil
  }

  // `foo.sync-conflict-20260131-101500-ABCDEFG`, `foo (Ann's conflicted copy 2026-01-31)`, `foo_conflict-20260131`,
  // `foo_SFConflict_…`, `foo-safeBackup-0001`. Not `foo (1)` or `foo 2`: those may be meant.
  private static func isConflictCopy(_ stem: [UInt8]) -> Bool {
    let text = String(decoding: stem, as: UTF8.self)
    // Every form has one of these words; most names have none, and this is asked for every event.
    let lower = text.lowercased()
    guard lower.contains("conflict") || lower.contains("safebackup") else { return false }
    if text.contains(/\.sync-conflict-\d{8}-\d{6}-/) { return true }
    if text.contains("_conflict-") || text.contains("SFConflict") { return true }
    if text.contains(/-safeBackup-\d+/) { return true }
    return lower.contains(/\([^)]*conflict[^)]*\)/)
  }

  // MARK: making

  /// `STEM.prompt`.
  public static func prompt(stem: [UInt8]) -> [UInt8] { stem + promptSuffix }

  /// `STEM.images`.
  public static func imageList(stem: [UInt8]) -> [UInt8] { stem + listSuffix }

  /// `STEM.status.json`, or `STEM.promptdrop.status.json` where the first belongs to somebody else.
  public static func sidecar(stem: [UInt8], besidesForeign: Bool) -> [UInt8] {
    stem + Array((besidesForeign ? ".promptdrop.status.json" : ".status.json").utf8)
  }

  /// `STEM.png` for the first picture, `STEM-2.png` for the second.
  public static func output(stem: [UInt8], number: Int, fileExtension: String) -> [UInt8] {
    base(stem, number) + Array(".\(fileExtension)".utf8)
  }

  /// `STEM.alt1.png`: the name for a picture whose own name is taken by a file that is not ours.
  public static func alternative(stem: [UInt8], number: Int, turn: Int, fileExtension: String) -> [UInt8] {
    base(stem, number) + Array(".alt\(turn).\(fileExtension)".utf8)
  }

  /// `STEM.v1.png`: a picture of an earlier revision; `.v1.alt1` where that name is taken.
  public static func version(stem: [UInt8], number: Int, revision: Int, turn: Int, fileExtension: String) -> [UInt8] {
    let suffix = turn == 0 ? ".v\(revision)" : ".v\(revision).alt\(turn)"
    return base(stem, number) + Array("\(suffix).\(fileExtension)".utf8)
  }

  /// `.promptdrop-ID.tmp`: a file being written; recognised by `isOwnTemporary`.
  public static func temporary(id: String) -> [UInt8] { temporaryPrefix + Array(id.utf8) + temporarySuffix }

  /// Whether promptdrop made this temporary name.
  public static func isOwnTemporary(_ name: [UInt8]) -> Bool {
    name.starts(with: temporaryPrefix) && name.hasSuffix(temporarySuffix)
  }

  private static func base(_ stem: [UInt8], _ number: Int) -> [UInt8] {
    number == 1 ? stem : stem + Array("-\(number)".utf8)
  }
}

extension [UInt8] {
  /// Whether the bytes end in `suffix`.
  public func hasSuffix(_ suffix: [UInt8]) -> Bool { count >= suffix.count && stands(suffix, at: count - suffix.count) }

  /// Whether `part` stands anywhere in the bytes.
  func contains(_ part: [UInt8]) -> Bool {
    guard count >= part.count else { return false }
    return (0...(count - part.count)).contains { stands(part, at: $0) }
  }

  private func stands(_ part: [UInt8], at start: Int) -> Bool {
    for index in part.indices where self[start + index] != part[index] { return false }
    return true
  }
}
