import JobCore

/// What was probably meant as front matter: it stands between other fences than lines of `---`, or behind characters that
/// nobody sees. As part of a prompt it would be paid for, and its `hold: true` with it.
///
/// Only a known key that follows makes it so: a rule above a text, or a block of code in it, is nothing unusual.
struct MeantFrontMatter: Equatable {
  /// The first line that shows anything, as it is written, with what cannot be seen above it.
  let firstLine: String
  /// The known key that follows, or stands in that line itself.
  let key: String
  /// Whether the opening fence is missing, and only a closing one is there.
  let isUnopened: Bool

  // A front matter is short; a prompt may have a megabyte.
  private static let longest = 8192
  private static let longestFence = 60

  /// Nil where there is nothing of the kind. `text`: a prompt without front matter.
  init?(in text: String) {
    let lines = text.prefix(Self.longest).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let seen = lines.map { Self.visible($0) }
    guard let start = seen.firstIndex(where: { !$0.isEmpty }) else { return nil }
    let keys = RequestSettings.frontMatterKeys
    let rest = seen[(start + 1)...]
    if Self.isFence(seen[start]) {
      guard let key = Self.key(in: rest, withEquals: seen[start].hasPrefix("+++")) else { return nil }
      (self.key, isUnopened) = (key, false)
    } else if let key = Self.key(of: seen[start], in: keys), rest.first(where: { !Self.isEntry($0) }) == "---" {
      (self.key, isUnopened) = (key, true)
    } else {
      return nil
    }
    firstLine = String(lines[...start].joined(separator: "\n").suffix(Self.longestFence))
  }

  /// For the user.
  var doubt: Doubt {
    let line = DropPath.display(Array(firstLine.utf8))
    return .unclear(
      .frontMatterUnclear,
      message: isUnopened
        ? "The text begins with \"\(line)\" and a line \"---\" follows: that looks like front matter without its first \"---\" line."
        : "The first line is \"\(line)\" and the key \"\(key)\" follows: that looks like front matter, which begins with "
          + "a line of three hyphens and nothing else.",
      hint:
        "Put a line of \"---\" above and one below the front matter. To have the whole text taken as the prompt, run "
        + "`promptdrop approve FILE`.")
  }

  /// The known key that a line begins with: `key:`, `"key" :`, and with other case or hyphens.
  static func key(of line: String, in keys: [String], withEquals: Bool = false) -> String? {
    guard let end = line.firstIndex(where: { $0 == ":" || $0 == "：" || (withEquals && $0 == "=") }) else { return nil }
    let name = line[..<end].filter { $0 != "\"" && $0 != "'" }.trimmed.lowercased()
    let plain = String(name.map { $0 == "-" || $0 == " " ? "_" : $0 })
    return keys.first { $0 == plain }
  }

  // The first known key of a block, which ends at the next fence or at a line that is none of YAML's.
  private static func key(in lines: ArraySlice<String>, withEquals: Bool) -> String? {
    var isInside = false
    for line in lines {
      if let key = key(of: line, in: RequestSettings.frontMatterKeys, withEquals: withEquals) { return key }
      if line.isEmpty { continue }
      // Front matter inside a block of code has fences of its own.
      guard isFence(line) ? !isInside : isEntry(line) else { return nil }
      isInside = true
    }
    return nil
  }

  // `name: value`, `name = value`, `- item`, `# comment`, or nothing.
  private static func isEntry(_ line: String) -> Bool {
    line.isEmpty || line.hasPrefix("#") || line.hasPrefix("- ")
      || line.prefixMatch(of: /["']?[\w\-]{1,40}["']?\s*[:=：]/) != nil
  }

  // Hyphens, the dashes that editors make of them, and the fences of other formats; a word such as "yaml" may follow.
  private static func isFence(_ line: String) -> Bool {
    guard line.count <= longestFence else { return false }
    if line.hasPrefix("```") || line.hasPrefix("~~~") { return true }
    let run = line.prefix { dashes.contains($0) }
    if run.count == line.count { return run.count >= 2 || run.first.map { longDashes.contains($0) } == true }
    return run.count >= 3 || (!run.isEmpty && run.allSatisfy { longDashes.contains($0) } && line.count - run.count < 8)
  }

  private static let longDashes: Set<Character> = ["\u{2013}", "\u{2014}", "\u{2015}", "\u{2E3A}", "\u{2E3B}"]
  private static let dashes: Set<Character> = longDashes.union([
    "-", "\u{2010}", "\u{2011}", "\u{2012}", "\u{2212}", "\u{FE58}", "\u{FE63}", "\u{FF0D}", "\u{2500}", "\u{2501}",
    "+", "=", "*", "_", "~",
  ])

  // What a person sees of a line.
  private static func visible(_ line: Substring) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in line.unicodeScalars where !scalar.isInvisible || scalar == "\t" { scalars.append(scalar) }
    return String(scalars).trimmed
  }
}
