import Glibc
import JobCore

/// `exclude` patterns as versions before the gitignore rules understood them: shell wildcards as in fnmatch(3), where `*` and
/// `?` cross folders too; without a slash compared with each part of a path, with one with the path and each folder on it.
///
/// Kept for one comparison only: what was left out by these rules, and is not any more, is not paid for without a person's
/// word. Nothing else may use them.
struct FormerExclude {
  private let pattern: String
  private let wholePath: Bool

  init(_ text: String) {
    var pattern = text
    while pattern.hasSuffix("/") { pattern.removeLast() }
    wholePath = pattern.contains("/")
    while pattern.hasPrefix("/") { pattern.removeFirst() }
    self.pattern = pattern
  }

  /// Whether the pattern covered `path`, or a folder that it is in.
  func covers(_ path: DropPath) -> Bool {
    var reached: [UInt8] = []
    for part in path.bytes.split(separator: UInt8(ascii: "/")) {
      if !reached.isEmpty { reached.append(UInt8(ascii: "/")) }
      reached += part
      if matches(wholePath ? reached[...] : part) { return true }
    }
    return false
  }

  private func matches(_ bytes: ArraySlice<UInt8>) -> Bool {
    let terminated = bytes.map { CChar(bitPattern: $0) } + [0]
    return fnmatch(pattern, terminated, 0) == 0
  }
}
