import JobCore

/// Understands references to images: lines of `NAME.images`, and front matter's `images`.
enum ListedImages {
  /// The most that a request can carry.
  static let limit = 4

  /// The entries of an image list: one a line, `#` begins a comment line, blank lines are skipped.
  static func lines(_ bytes: [UInt8]) throws(JobError) -> [String] {
    try decodeText(bytes, what: "The image list").split(separator: "\n").map(\.trimmed)
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }

  /// Resolves an entry: an http(s) URL as it is; a path relative to the folder of `file`, inside the root.
  static func resolve(_ entry: String, beside file: DropPath) throws(JobError) -> PromptRequest.ListedImage {
    // `data:` and `file:` need no slashes to be meant as URLs.
    if let match = entry.prefixMatch(of: /((?i:data|file)):|([A-Za-z][A-Za-z0-9+.\-]*):\/\//) {
      let scheme = (match.output.1 ?? match.output.2 ?? "").lowercased()
      guard scheme == "http" || scheme == "https" else {
        throw JobError(
          code: .imageBadScheme,
          message: "The reference image \"\(short(entry))\" is neither an http(s) URL nor a path.",
          hint: "Put the image into the folder and name it by its path.")
      }
      let rest = entry.drop { $0 != ":" }.dropFirst(3)
      guard let first = rest.first, first != "/",
        !entry.unicodeScalars.contains(where: { $0.value <= 32 || $0.value == 127 })
      else {
        throw JobError(
          code: .imageBadURL, message: "The reference image \"\(short(entry))\" is not a usable URL.",
          hint: "Write spaces as %20, and name a host.")
      }
      return .url(entry)
    }
    guard !entry.hasPrefix("/"), !entry.utf8.contains(0) else { throw outside(entry) }
    var parts = file.directory.bytes.split(separator: UInt8(ascii: "/")).map(Array.init)
    for part in entry.utf8.split(separator: UInt8(ascii: "/")) {
      if part.elementsEqual(".".utf8) { continue }
      if part.elementsEqual("..".utf8) {
        guard parts.popLast() != nil else { throw outside(entry) }
      } else {
        parts.append(Array(part))
      }
    }
    guard !parts.isEmpty else { throw outside(entry) }
    return .local(DropPath(bytes: Array(parts.joined(separator: [UInt8(ascii: "/")]))))
  }

  private static func outside(_ entry: String) -> JobError {
    JobError(
      code: .imageOutsideRoot, message: "The reference image \"\(short(entry))\" is not inside the watched folder.",
      hint: "Copy it into the watched folder; paths are relative to the file that names them.")
  }

  private static func short(_ entry: String) -> String { DropPath.display(Array(entry.prefix(120).utf8)) }
}
