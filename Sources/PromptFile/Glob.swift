import Glibc
import JobCore

/// An `exclude` pattern. Shell wildcards as in fnmatch(3); `*` crosses folders too. Without a slash it is compared with
/// each part of a path, with one it is compared with the path and each folder on it. A trailing slash is ignored.
struct Glob {
  private let pattern: String
  private let wholePath: Bool

  init(_ text: String) {
    var pattern = text
    while pattern.hasSuffix("/") { pattern.removeLast() }
    wholePath = pattern.contains("/")
    while pattern.hasPrefix("/") { pattern.removeFirst() }
    self.pattern = pattern
  }

  /// Whether the pattern covers `path`, or a folder that it is in.
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
