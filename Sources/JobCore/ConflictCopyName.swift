/// Names that sync tools give to one side of a conflict: `cat (Ann's conflicted copy 2026-11-28).prompt`. Such a file is
/// nobody's wish to have a picture made, so it is held.
///
/// What cannot be recognised by its name stays a prompt of its own: `cat (1)` (Google Drive, browsers), `cat 2` (iCloud Drive),
/// `cat-DESKTOP` (OneDrive). The README lists these.
public enum ConflictCopyName {
  /// What a stem looks like.
  public enum Form: Equatable, Sendable {
    /// No tool's form.
    case none
    /// Only a tool makes this one.
    case certain
    /// Tools make this one, and a person could: it is a copy only where the original is there, or was.
    case beside(original: [UInt8])
  }

  /// The form of a stem, a prompt's name without its ending.
  public static func form(of stem: [UInt8]) -> Form {
    // Asked for every event of a prompt; nearly all names end here.
    guard mayHaveHint(stem) else { return .none }
    let text = stem.map { ConflictWords.lowered($0) }
    guard hints.contains(where: { text.contains($0) }) || text.contains(where: { $0 >= 0x80 }) else { return .none }
    if stem.contains(seafile) || hasToolMark(text) { return .certain }
    let groups = groups(in: text)
    if groups.contains(where: { ConflictWords.onlyToolsWrite(text[$0]) }) { return .certain }
    // What only a person's word could settle has to be the end of the name.
    var end: Int?
    if let last = groups.last, last.upperBound == text.count - 1, ConflictWords.mayBeATools(text[last]) {
      end = last.lowerBound - 1
    }
    for mark in personsMarks where text.hasSuffix(mark) { end = text.count - mark.count }
    guard let end else { return .none }
    let original = Array(stem[..<end].reversed().drop { $0 == UInt8(ascii: " ") }.reversed())
    return original.isEmpty ? .none : .beside(original: original)
  }

  // One of these is in every name that matters and has no byte beyond ASCII.
  private static let hints = ["nfli", "clash", "safebackup", ".path", "motstrid", "modstrid", "bercanggah"].map {
    Array($0.utf8)
  }
  private static let hintLetters = hints.map { letters(in: $0) }

  // Whether a stem has all letters of a hint, or any byte beyond ASCII: what has not needs no copy in lower case.
  private static func mayHaveHint(_ stem: [UInt8]) -> Bool {
    let found = letters(in: stem)
    return found >= beyondASCII || hintLetters.contains { found & $0 == $0 }
  }

  private static let beyondASCII: UInt32 = 1 << 28

  // A bit for each letter, whatever its case, one for the full stop, and one for bytes beyond ASCII.
  private static func letters(in text: [UInt8]) -> UInt32 {
    var found: UInt32 = 0
    for byte in text {
      switch byte | 0x20 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): found |= 1 << UInt32(byte & 31)
      case UInt8(ascii: "."): found |= 1 << 27
      case 0x80...: found |= beyondASCII
      default: break
      }
    }
    return found
  }

  // Seafile: `cat (SFConflict ann@example.org 2026-11-28-06-07-08)`. Nobody else writes the word so.
  private static let seafile = Array("SFConflict".utf8)
  // Resilio Sync: `cat.Conflict` (help.resilio.com, "Conflict files in Sync"); rclone bisync with `--conflict-suffix path`.
  private static let personsMarks = [".conflict", ".path1", ".path2"].map { Array($0.utf8) }

  // MARK: marks outside of brackets

  private static func hasToolMark(_ text: [UInt8]) -> Bool {
    // Syncthing (docs.syncthing.net, "Understanding Synchronization"), without a device in old versions:
    // `cat.sync-conflict-20261128-060708-ABCDEFG`.
    if has(".sync-conflict-", in: text, followedBy: { Digits.shape($0, "dddddddd-dddddd") }) { return true }
    // ownCloud, and Nextcloud before 2.6: `cat_conflict-20261128-060708`, `cat_conflict-ann-20261128-060708`.
    if text.contains(Array("_conflict-".utf8)) { return true }
    // QNAP Qsync: `cat_conflict_DESKTOP_20261128`.
    if has("_conflict_", in: text, followedBy: { Digits.hasDate($0) }) { return true }
    // OneDrive, of files that Office has open: `cat-DESKTOP-safeBackup-0001`.
    if has("-safebackup-", in: text, followedBy: { $0.first.map(Digits.isDigit) ?? false }) { return true }
    // rclone bisync (rclone.org/bisync, `--conflict-suffix`) with `--suffix-keep-extension`; Resilio's second one.
    if has(".conflict", in: text, followedBy: { endsAfterDigits($0) }) { return true }
    if has("..path", in: text, followedBy: { endsAfterDigits($0) }) { return true }
    return isSynology(text)
  }

  // Synology Drive and Cloud Station (kb.synology.com, "Why is there file conflict on Synology Drive"):
  // `cat_DESKTOP_Nov-28-060708-2026_Conflict`, `cat_Andy-PC_Jan-03-0901-2013_CaseConflict_1`.
  private static func isSynology(_ text: [UInt8]) -> Bool {
    let parts = text.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    guard parts.count >= 3 else { return false }
    return zip(parts, parts.dropFirst()).contains { date, reason in
      guard reason.hasSuffix("conflict"), date.count > 4, date.prefix(3).allSatisfy(ConflictWords.isLetter) else {
        return false
      }
      let rest = date.dropFirst(3)
      return Digits.shape(rest, "-dd-dddd-dddd") || Digits.shape(rest, "-dd-dddddd-dddd")
    }
  }

  private static func endsAfterDigits(_ rest: ArraySlice<UInt8>) -> Bool {
    let after = rest.drop(while: Digits.isDigit)
    // A year is a person's.
    return (1...3).contains(rest.count - after.count)
      && after.first.map { $0 != UInt8(ascii: "-") && !ConflictWords.isLetter($0) } ?? true
  }

  // Whether the mark stands somewhere with what follows as it should be.
  private static func has(_ mark: String, in text: [UInt8], followedBy isRight: (ArraySlice<UInt8>) -> Bool) -> Bool {
    let mark = Array(mark.utf8)
    guard text.count >= mark.count else { return false }
    return (0...(text.count - mark.count)).contains { start in
      text[start...].starts(with: mark) && isRight(text[(start + mark.count)...])
    }
  }

  // MARK: brackets

  // What stands in round and square brackets, the outermost ones; what is not closed is no group.
  private static func groups(in text: [UInt8]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var open: [(closing: UInt8, start: Int)] = []
    for (index, byte) in text.enumerated() {
      switch byte {
      case UInt8(ascii: "("): open.append((UInt8(ascii: ")"), index + 1))
      case UInt8(ascii: "["): open.append((UInt8(ascii: "]"), index + 1))
      case UInt8(ascii: ")"), UInt8(ascii: "]"):
        guard let match = open.lastIndex(where: { $0.closing == byte }) else { continue }
        let start = open[match].start
        open.removeSubrange(match...)
        found.removeAll { $0.lowerBound >= start }
        found.append(start..<index)
      default: break
      }
    }
    return found
  }
}

/// Digits and dates in names.
enum Digits {
  static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  /// Whether the bytes begin like the shape, `d` for any digit, and no digit follows.
  static func shape(_ bytes: ArraySlice<UInt8>, _ shape: StaticString) -> Bool {
    let shape = UnsafeBufferPointer(start: shape.utf8Start, count: shape.utf8CodeUnitCount)
    guard bytes.count >= shape.count else { return false }
    let fits = zip(bytes, shape).allSatisfy { $1 == UInt8(ascii: "d") ? isDigit($0) : $0 == $1 }
    return fits && !(bytes.dropFirst(shape.count).first.map(isDigit) ?? false)
  }

  /// Whether a day of the years 1900 to 2099 stands there: `2026-11-28` or `20261128`.
  static func hasDate(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.indices.contains { index in
      guard index == bytes.startIndex || !isDigit(bytes[index - 1]) else { return false }
      let rest = bytes[index...]
      guard rest.starts(with: "19".utf8) || rest.starts(with: "20".utf8) else { return false }
      return shape(rest, "dddd-dd-dd") || shape(rest, "dddddddd")
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate func hasSuffix(_ text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
