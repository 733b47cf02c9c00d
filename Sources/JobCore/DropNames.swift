/// Every name that promptdrop makes or recognises in a watched folder. Making and recognising live here together, so
/// that they cannot drift apart.
public enum DropNames {
  /// What a name in a watched folder means to promptdrop.
  public enum Meaning: Equatable, Sendable {
    /// `STEM.prompt`: a prompt.
    case prompt(stem: [UInt8])
    /// `STEM.prompt` with a name that only a sync tool makes, out of a conflict: held, never submitted by itself.
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
  private static let replacedMark: [UInt8] = Array(".replaced-".utf8)
  private static let sidecarSuffix: [UInt8] = Array(".status.json".utf8)
  private static let besidesForeignMark: [UInt8] = Array(".promptdrop".utf8)
  private static let temporaryPrefix: [UInt8] = Array(".promptdrop-".utf8)
  private static let temporarySuffix: [UInt8] = Array(".tmp".utf8)

  // MARK: recognising

  /// What `name` means.
  public static func meaning(of name: [UInt8]) -> Meaning {
    // Asked for every event, most of which are of promptdrop's own files: the last byte decides for nearly all of them.
    switch name.last {
    case UInt8(ascii: "t") where hasPromptSuffix(name), UInt8(ascii: "T") where hasPromptSuffix(name):
      guard let stem = stem(name) else { return .other }
      return ConflictCopyName.form(of: stem) == .certain ? .conflictCopy(stem: stem) : .prompt(stem: stem)
    case UInt8(ascii: "s") where name.hasSuffix(listSuffix) && !isTemporary(name):
      let stem = Array(name.dropLast(listSuffix.count))
      return stem.isEmpty ? .other : .imageList(stem: stem)
    case UInt8(ascii: "l") where name == folderDefaults: return .folderDefaults
    default: break
    }
    guard mayBeUnfinished(first: name.first, last: name.last), !isOwnTemporary(name) else { return .other }
    return stemOfTemporaryList(name).map { .imageListOnItsWay(stem: $0) } ?? .other
  }

  /// Whether a name with this first and this last byte may be one of what is not finished, or of a folder's defaults. Backups
  /// (`.bak`, `.orig`) stay.
  public static func mayBeUnfinished(first: UInt8?, last: UInt8?) -> Bool {
    switch first {
    case UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "#"): return true
    default: break
    }
    switch last {
    // `~`, `___jb_old___`, `.tmp`, `.part`, `.partial`, `.crdownload`.
    case UInt8(ascii: "~"), UInt8(ascii: "_"), UInt8(ascii: "p"), UInt8(ascii: "t"), UInt8(ascii: "l"),
      UInt8(ascii: "d"):
      return true
    default: return false
    }
  }

  /// The stem of a prompt or of a conflict copy of one; nil for other names.
  public static func stem(_ name: [UInt8]) -> [UInt8]? {
    // Whether it is a copy makes no difference, and is the longer question.
    guard let first = name.first, first != UInt8(ascii: "."), first != UInt8(ascii: "~"), hasPromptSuffix(name) else {
      return nil
    }
    return Array(name.dropLast(promptSuffix.count))
  }

  // `.PROMPT` too: some systems and cameras write names in upper case.
  private static func hasPromptSuffix(_ name: [UInt8]) -> Bool {
    guard name.count > promptSuffix.count else { return false }
    let start = name.count - promptSuffix.count
    // The dot is the same in both cases: its bit 0x20 is set.
    return promptSuffix.indices.allSatisfy { promptSuffix[$0] == name[start + $0] | 0x20 }
      && name[start] == promptSuffix[0]
  }

  /// The same prompt's name with its ending in lower case; nil where it is so already.
  public static func plainPrompt(_ name: [UInt8]) -> [UInt8]? {
    guard hasPromptSuffix(name), !name.hasSuffix(promptSuffix) else { return nil }
    return Array(name.dropLast(promptSuffix.count)) + promptSuffix
  }

  /// The longest stem whose sidecar and pictures have names that fit: the file systems' 255 bytes, less the longest
  /// ending that promptdrop makes (`.promptdrop.status.json`, `-12.v345.alt6.webp`).
  public static let longestStem = 255 - 24

  /// The prompt that a sidecar stands beside: `STEM.status.json` or `STEM.promptdrop.status.json`; nil for other names.
  public static func promptOfSidecar(_ name: [UInt8]) -> [UInt8]? {
    guard name.hasSuffix(sidecarSuffix), name.first != UInt8(ascii: ".") else { return nil }
    var stem = Array(name.dropLast(sidecarSuffix.count))
    if stem.hasSuffix(besidesForeignMark) { stem.removeLast(besidesForeignMark.count) }
    return stem.isEmpty ? nil : prompt(stem: stem)
  }

  /// What a name's ending says, before a copy of the name is made.
  public enum Ending: Equatable, Sendable {
    /// A prompt or a conflict copy of one; `isPlain`: its ending is in lower case.
    case prompt(isPlain: Bool)
    /// An image list.
    case list
    /// Neither; `meaning` knows.
    case other
  }
  /// How many bytes the endings of prompts and lists have.
  public static let endingLength = 7

  /// The ending of a name, as `meaning` sees it.
  public static func ending(_ name: UnsafeRawBufferPointer) -> Ending {
    guard name.count > endingLength, let first = name.first, first != UInt8(ascii: "."), first != UInt8(ascii: "~")
    else {
      return .other
    }
    let start = name.count - endingLength
    if name[start] != UInt8(ascii: ".") { return .other }
    if listSuffix.indices.allSatisfy({ listSuffix[$0] == name[start + $0] }) { return .list }
    if promptSuffix.indices.allSatisfy({ promptSuffix[$0] == name[start + $0] }) { return .prompt(isPlain: true) }
    return promptSuffix.indices.allSatisfy { promptSuffix[$0] == name[start + $0] | 0x20 }
      ? .prompt(isPlain: false) : .other
  }

  /// Whether a name can mean anything at all, asked for each entry of each folder before a copy of it is made.
  public static func mayMatter(_ name: UnsafeRawBufferPointer) -> Bool {
    guard let first = name.first, let last = name.last else { return false }
    switch last | 0x20 {
    // `.prompt`, `.images`, `.promptdrop.yaml`, `.status.json`.
    case UInt8(ascii: "t") where name.count > 7 && name[name.count - 7] == UInt8(ascii: "."): return true
    case UInt8(ascii: "s") where name.count > 7 && name[name.count - 7] == UInt8(ascii: "."): return true
    case UInt8(ascii: "n") where name.count > 12 && name[name.count - 12] == UInt8(ascii: "."): return true
    default: break
    }
    // Temporary names, which a list or promptdrop's own files may have.
    switch first {
    case UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "#"): return true
    default: break
    }
    switch last {
    case UInt8(ascii: "~"), UInt8(ascii: "_"), UInt8(ascii: "p"), UInt8(ascii: "t"), UInt8(ascii: "l"),
      UInt8(ascii: "d"):
      // `~`, `___jb_old___`, `.tmp`, `.part`, `.partial`, `.crdownload`, each with the list's name in it.
      return name.contains(UInt8(ascii: "i"))
    default: return false
    }
  }

  /// Syncthing's mark of a folder that it keeps in step with other machines.
  public static let syncMark: [UInt8] = Array(".stfolder".utf8)

  /// Whether some writer uses names of this form for what is not finished or is a backup (measured with some sixty
  /// writers: editors, sync tools, browsers).
  public static func isTemporary(_ name: [UInt8]) -> Bool {
    guard let first = name.first, let last = Array(name.suffix(1)).first else { return false }
    if first == UInt8(ascii: ".") || first == UInt8(ascii: "~") || last == UInt8(ascii: "~") { return true }
    if first == UInt8(ascii: "#") && last == UInt8(ascii: "#") { return true }
    if name.elementsEqual("4913".utf8) { return true }
    if name.count == 9, name.starts(with: "sed".utf8) { return true }
    if last == UInt8(ascii: "_"), name.contains(jetBrainsMark) { return true }
    for suffix in temporarySuffixes where name.hasSuffix(suffix) { return true }
    return false
  }

  private static let jetBrainsMark: [UInt8] = Array("___jb_".utf8)
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

  /// The stem of a prompt that another one was renamed over, from its name since then (`replaced`); nil for other stems.
  public static func replacedStem(_ stem: [UInt8]) -> [UInt8]? {
    let tail = stem.suffix(replacedMark.count + 8)
    guard stem.count > tail.count, tail.starts(with: replacedMark), tail.suffix(8).allSatisfy({ isHex($0) }) else {
      return nil
    }
    return Array(stem.dropLast(tail.count))
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  // MARK: making

  /// `STEM.replaced-ID.prompt`, where nothing stands: what a job goes by whose prompt another one was renamed over. `id`:
  /// eight hexadecimal digits.
  public static func replaced(stem: [UInt8], id: String) -> [UInt8] {
    prompt(stem: stem + replacedMark + Array(id.utf8.suffix(8)))
  }

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

  /// Ends the names, in the state folder, of what came and is no picture.
  public static let oddSuffix = ".not-an-image"

  /// `.promptdrop-ID.tmp`: a file being written; recognised by `isOwnTemporary`.
  public static func temporary(id: String) -> [UInt8] { temporaryPrefix + Array(id.utf8) + temporarySuffix }

  /// Whether promptdrop made this temporary name.
  public static func isOwnTemporary(_ name: [UInt8]) -> Bool {
    name.withUnsafeBytes { isOwnTemporary($0) }
  }

  /// As `isOwnTemporary`, before a copy of the name is made.
  public static func isOwnTemporary(_ name: UnsafeRawBufferPointer) -> Bool {
    guard name.first == temporaryPrefix.first, name.count >= temporaryPrefix.count + temporarySuffix.count else {
      return false
    }
    let end = name.count - temporarySuffix.count
    return temporaryPrefix.indices.allSatisfy { name[$0] == temporaryPrefix[$0] }
      && temporarySuffix.indices.allSatisfy { name[end + $0] == temporarySuffix[$0] }
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
    guard let first = part.first else { return true }
    guard count >= part.count else { return false }
    for start in 0...(count - part.count) where self[start] == first && stands(part, at: start) { return true }
    return false
  }

  private func stands(_ part: [UInt8], at start: Int) -> Bool {
    for index in part.indices where self[start + index] != part[index] { return false }
    return true
  }
}
