import JobCore

/// An `exclude` pattern, as gitignore(5) has it: without a slash inside it is compared with each part of a path, with one with
/// the whole path below the folder that names it; `x/` means folders only; `!x` takes back what a pattern before it left out.
///
/// Unlike there, what can never match is an error, because a prompt that was meant to be left out would be paid for: a
/// backslash before anything but a special character (it is no separator), braces as alternatives, a path of the file system,
/// `.` and `..`. And `#` begins no comment: patterns stand in a list, where comments have their own place.
struct ExcludePattern: Hashable {
  /// Whether it takes back.
  let isNegated: Bool
  private let foldersOnly: Bool
  private let isPath: Bool
  private let wildcards: Wildcards

  /// Reads a pattern; nil for an empty one. `home`: the absolute path of the folder that it is relative to, where that is
  /// known. Throws why it can never match, for the user.
  init?(_ text: String, home: [UInt8]? = nil) throws(JobError) {
    var pattern = Self.withoutTrailingBlanks(Array(text.utf8)[...])
    guard !pattern.isEmpty else { return nil }
    isNegated = pattern.first == UInt8(ascii: "!")
    if isNegated { pattern.removeFirst() }
    if let (why, hint) = Self.neverMatches(pattern, home) { throw Self.bad(text, why, hint) }
    foldersOnly = pattern.last == UInt8(ascii: "/")
    if foldersOnly { pattern.removeLast() }
    isPath = pattern.contains(UInt8(ascii: "/"))
    if pattern.first == UInt8(ascii: "/") { pattern.removeFirst() }
    do {
      wildcards = try Wildcards(pattern, isPath: isPath)
    } catch {
      switch error {
      case .set:
        throw Self.bad(text, "the \"[\" has no matching \"]\"", "For the character itself write \\[.")
      case .backslash:
        throw Self.bad(text, "it ends in a backslash", "For a folder and all in it, end it in a slash.")
      }
    }
  }

  /// Whether it is about this path, relative to the folder that names the pattern.
  func matches(_ path: ArraySlice<UInt8>, isFolder: Bool) -> Bool {
    if foldersOnly, !isFolder { return false }
    if isPath { return wildcards.match(path) }
    let name = path.lastIndex(of: UInt8(ascii: "/")).map { path[($0 + 1)...] } ?? path
    return wildcards.match(name)
  }

  private static func bad(_ text: String, _ why: String, _ hint: String) -> JobError {
    JobError(
      code: .badExclude,
      message: "The pattern \"\(DropPath.display(Array(text.utf8)))\" of exclude can never match: \(why).", hint: hint,
      retryable: true)
  }

  // Blanks at the end are left out, unless a backslash keeps one.
  private static func withoutTrailingBlanks(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var end = text.endIndex
    while end > text.startIndex, text[end - 1] == UInt8(ascii: " ") {
      let before = text[..<(end - 1)].reversed().prefix { $0 == UInt8(ascii: "\\") }.count
      if !before.isMultiple(of: 2) { break }
      end -= 1
    }
    return text[..<end]
  }

  // MARK: what can never match

  private static func neverMatches(
    _ pattern: ArraySlice<UInt8>, _ home: [UInt8]?
  ) -> (why: String, hint: String)? {
    let text = String(decoding: pattern, as: UTF8.self)
    if let relative = pathOfTheFileSystem(pattern, text, home) {
      return (
        "it is a path of the file system, but patterns begin at the watched folder or at the folder of their file",
        relative.isEmpty ? "Leave out what is above that folder." : "Write \(relative)."
      )
    }
    if hasSeparator(pattern) {
      return (
        "a backslash does not separate folders",
        "With slashes it is \(text.replacing("\\", with: "/")); a backslash takes the meaning from *?[]{}!#."
      )
    }
    if hasBraces(pattern) {
      return ("braces do not list alternatives here", "Write one pattern for each. For the brace itself write \\{.")
    }
    return emptyOrDots(pattern)
  }

  private static func emptyOrDots(_ pattern: ArraySlice<UInt8>) -> (why: String, hint: String)? {
    var inner = pattern
    if inner.last == UInt8(ascii: "/") { inner.removeLast() }
    if inner.first == UInt8(ascii: "/") { inner.removeFirst() }
    if inner.isEmpty { return ("it names nothing", "Remove it, or name what is to be left out.") }
    let parts = inner.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if parts.contains(where: \.isEmpty) { return ("there is nothing between two slashes", "Write one slash.") }
    if parts.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) {
      return (
        "no path has \".\" or \"..\" in it", "A leading slash, as in /drafts, means the folder that patterns begin at."
      )
    }
    return nil
  }

  // A backslash before what has no meaning that could be taken from it.
  private static func hasSeparator(_ pattern: ArraySlice<UInt8>) -> Bool {
    pattern.indices.dropLast().contains { index in
      pattern[index] == UInt8(ascii: "\\") && !isEscaped(index, pattern) && !special.contains(pattern[index + 1])
    }
  }

  private static let special = Set("*?[]{}!#\\ -^".utf8)

  private static func isEscaped(_ index: Int, _ pattern: ArraySlice<UInt8>) -> Bool {
    !pattern[..<index].reversed().prefix { $0 == UInt8(ascii: "\\") }.count.isMultiple(of: 2)
  }

  // `{a,b}`, and what is left of it where a list is separated by commas.
  private static func hasBraces(_ pattern: ArraySlice<UInt8>) -> Bool {
    let braces = pattern.indices.filter { index in
      (pattern[index] == UInt8(ascii: "{") || pattern[index] == UInt8(ascii: "}")) && !isEscaped(index, pattern)
        && !isInSet(index, pattern)
    }
    var open: Int?
    for index in braces {
      if pattern[index] == UInt8(ascii: "{") {
        open = index
      } else if let start = open {
        if pattern[start..<index].contains(UInt8(ascii: ",")) { return true }
        open = nil
      } else {
        return true
      }
    }
    return open != nil
  }

  private static func isInSet(_ index: Int, _ pattern: ArraySlice<UInt8>) -> Bool {
    guard let open = pattern[..<index].lastIndex(of: UInt8(ascii: "[")), !isEscaped(open, pattern) else { return false }
    return !pattern[open..<index].contains(UInt8(ascii: "]")) && pattern[index...].contains(UInt8(ascii: "]"))
  }

  // What to write instead, empty where that is not known; nil for a pattern that is none.
  private static func pathOfTheFileSystem(_ pattern: ArraySlice<UInt8>, _ text: String, _ home: [UInt8]?) -> String? {
    if text.hasPrefix("~/") || text == "~" { return "" }
    if text.wholeMatch(of: /[A-Za-z]:[\/\\].*/) != nil { return "" }
    guard pattern.first == UInt8(ascii: "/") else { return nil }
    // Where the folder is not known, whoever knows it checks the pattern once more.
    guard let home else { return nil }
    let place = home + [UInt8(ascii: "/")]
    if pattern.starts(with: place) {
      let rest = String(decoding: pattern.dropFirst(home.count), as: UTF8.self)
      return rest == "/" ? "" : rest
    }
    // The folder itself, or one above it.
    let folder = Array(pattern) + (pattern.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")])
    if place.starts(with: folder), folder.dropFirst().dropLast().contains(UInt8(ascii: "/")) { return "" }
    // Two parts at least, the first of which stands at the top of file systems. Without the leading slash it means the same
    // below the watched folder.
    let parts = pattern.dropFirst().split(separator: UInt8(ascii: "/"))
    guard parts.count > 1, tops.contains(String(decoding: parts[0], as: UTF8.self)) else { return nil }
    return String(text.dropFirst()) + ", if that is a path below the watched folder"
  }

  // hier(7), macOS, and what NAS boxes call their volumes.
  private static let tops: Set = [
    "home", "root", "mnt", "media", "srv", "tmp", "var", "opt", "usr", "etc", "run", "data", "Users", "Volumes",
    "share",
    "volume1", "volume2", "volume3", "volume4",
  ]
}
