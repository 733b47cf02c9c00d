import JobCore

/// A prompt file's text, taken apart: front matter, if there is any, and the prompt.
struct PromptText: Equatable {
  /// The YAML between the two `---` lines; nil where the text does not begin with such a line.
  var frontMatter: String?
  /// The rest, normalised.
  var prompt: String
  /// What looks like front matter at the top of the prompt, and is not written like it.
  var meantFrontMatter: MeantFrontMatter?

  /// Takes bytes apart. Throws `not-utf8`, `front-matter-unclosed`, `git-conflict`.
  init(_ bytes: [UInt8]) throws(JobError) {
    guard let plain = PlainPrompt.text(of: bytes) else {
      self = try PromptText(closely: bytes)
      return
    }
    prompt = plain
  }

  /// Takes any bytes apart. `init(_:)` gives the same for plain text, sooner.
  init(closely bytes: [UInt8]) throws(JobError) {
    let text = try decodeText(bytes, what: "The prompt")
    // White space before the first line does not count; without this, front matter after a blank line would be paid
    // for.
    let lines = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.split(
      separator: "\n", omittingEmptySubsequences: false)
    if lines.first?.trimmed == "---" {
      guard let end = lines.dropFirst().firstIndex(where: { $0.trimmed == "---" }) else {
        throw JobError(
          code: .frontMatterUnclosed,
          message: "The first line is \"---\", but no second \"---\" line ends the front matter.",
          hint: "End the front matter with a line of \"---\", or begin the prompt with another line.")
      }
      frontMatter = lines[1..<end].joined(separator: "\n")
      prompt = lines[(end + 1)...].joined(separator: "\n").trimmed
    } else {
      prompt = text.trimmed
      meantFrontMatter = MeantFrontMatter(in: prompt)
    }
    if lines.contains(where: { $0.hasPrefix("<<<<<<< ") }) && lines.contains(where: { $0.hasPrefix(">>>>>>> ") }) {
      throw JobError(
        code: .gitConflict, message: "The file has git's conflict markers in it.",
        hint: "Resolve the conflict and save the file; it is taken then.")
    }
  }
}

/// Decodes UTF-8: no byte order mark, line ends as LF. Throws `not-utf8`.
func decodeText(_ bytes: [UInt8], what: String) throws(JobError) -> String {
  let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
  // What a crash can leave of a file that was not synced: its length, and nothing in it.
  if body.allSatisfy({ $0 == 0 }) { return "" }
  // NUL is no character of a text; UTF-16 without a mark has one in every other place.
  guard !body.contains(0), let text = String(validating: withLineFeeds(body), as: UTF8.self) else {
    throw JobError(
      code: .notUTF8, message: "\(what) is not UTF-8 text.", hint: "Save it with the encoding UTF-8.")
  }
  return text
}

// By bytes: of CR CR LF, the last two are one of Swift's characters.
private func withLineFeeds(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  guard bytes.contains(13) else { return Array(bytes) }
  var lines: [UInt8] = []
  lines.reserveCapacity(bytes.count)
  for index in bytes.indices {
    guard bytes[index] == 13 else {
      lines.append(bytes[index])
      continue
    }
    if index + 1 == bytes.endIndex || bytes[index + 1] != 10 { lines.append(10) }
  }
  return lines
}

extension StringProtocol {
  /// Without outer white space, control characters counting as such.
  var trimmed: String {
    let isBlank = { (scalar: Unicode.Scalar) in
      scalar.properties.isWhitespace || scalar.value < 32 || scalar.value == 0xFEFF
    }
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !isBlank($0) }), let last = scalars.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(String.UnicodeScalarView(scalars[first...last]))
  }
}
