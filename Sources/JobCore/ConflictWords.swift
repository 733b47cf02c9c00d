/// The words that sync tools write into brackets, in the languages that they speak. All is compared by bytes, ASCII letters
/// in lower case; of other scripts only letters that have one case, or that stand after the first one.
enum ConflictWords {
  // A token begins with one of these: conflicted, conflictiva, conflicterende, conflito, Konfliktkopie, berkonflik …
  private static let beginnings = ["confli", "konfli", "berkonfli", "motstrid", "modstrid", "bercanggah"].map {
    Array($0.utf8)
  }
  // What a person writes about, and no tool does.
  private static let subjects: Set<[UInt8]> = Set(
    ["conflicts", "conflictos", "conflits", "konflikte"].map { Array($0.utf8) })
  // Stands anywhere: Russian, Ukrainian, Japanese, Korean (composed and not), Chinese, Thai.
  private static let elsewhere = [
    "онфликт", "онфлікт", "競合", "충돌", "\u{110E}\u{116E}\u{11BC}\u{1103}\u{1169}\u{11AF}", "冲突", "衝突", "ขัดแย้ง",
  ].map { Array($0.utf8) }

  // Dropbox: "Ann's conflicted copy 2026-11-28", "Copie en conflit de Ann …", "In Konflikt stehende Kopie von Ann …",
  // "Ann の競合コピー …", "Ann 的冲突副本 …"; Nextcloud, Box, SecuriSync: "conflicted copy …".
  private static let copies: Set<[UInt8]> = Set(
    [
      "copy", "copie", "copia", "kopie", "kopi", "kopia", "exemplaar", "exemplar", "salinan", "c\u{F3}pia",
      "co\u{301}pia",
    ].map { Array($0.utf8) })
  private static let copiesElsewhere = [
    "опия", "опія", "コピー", "コヒ\u{309A}ー", "사본", "\u{1109}\u{1161}\u{1107}\u{1169}\u{11AB}", "副本", "複本", "สำเนา",
  ].map { Array($0.utf8) }

  // Fixed phrases. Dropbox ("case conflict", "selective sync conflict", in Japanese once "… 上の問題のあるコピー"),
  // Nextcloud ("case clash from 2026-11-28 060708").
  private static let phrases = [
    "case conflict", "case clash from", "selective sync conflict", "unicode encoding conflict", "white space conflict",
    "whitespace conflict", "conflicto de may\u{FA}sculas", "conflicto de mayu\u{301}sculas", "の問題のあるコピー",
    "konfliktkopi", "conflictcopy",
  ].map { Array($0.utf8) }

  /// Whether only a tool writes this into brackets: a fixed phrase, a conflict and a copy, or a conflict and a day.
  static func onlyToolsWrite(_ group: ArraySlice<UInt8>) -> Bool {
    let text = Array(group)
    if phrases.contains(where: { text.contains($0) }) { return true }
    guard hasConflict(text) else { return false }
    return hasCopy(text) || Digits.hasDate(group)
  }

  /// Whether a tool may have written this into brackets.
  static func mayBeATools(_ group: ArraySlice<UInt8>) -> Bool { hasConflict(Array(group)) }

  private static func hasConflict(_ text: [UInt8]) -> Bool {
    if elsewhere.contains(where: { text.contains($0) }) { return true }
    return tokens(text).contains { token in
      beginnings.contains { token.starts(with: $0) } && !subjects.contains(Array(token))
    }
  }

  private static func hasCopy(_ text: [UInt8]) -> Bool {
    if copiesElsewhere.contains(where: { text.contains($0) }) { return true }
    return tokens(text).contains { copies.contains(Array($0)) }
  }

  private static func tokens(_ text: [UInt8]) -> [ArraySlice<UInt8>] { text.split { !isLetter($0) } }

  /// An ASCII letter in lower case, or a part of a letter beyond ASCII.
  static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte >= 0x80
  }

  /// ASCII letters in lower case.
  static func lowered(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
