import FoundationEssentials

/// What a text in a result stands for.
enum PictureText: Hashable {
  /// An http(s) URL.
  case url(String)
  /// A picture in base64: a data URI.
  case inline(String)
  /// Where a picture is, seen from the service: a relative reference (RFC 3986 §4.2).
  case path(String)
  /// Anything else.
  case words(String)

  /// What base64 begins with where it is written without a word about it.
  static let bareHead = "data:;base64,"
  // A URL, in bytes. What is longer is none that anybody serves.
  private static let longestURL = 16_384
  // Less than any picture has, in characters of base64.
  private static let leastBase64 = 64

  /// Reads a text. In its documented place more of what it may be is believed.
  init(_ text: String, isDocumented: Bool) {
    // A data URI may have megabytes; its blanks do not matter to whoever decodes it.
    let trimmed = text.utf8.count > Self.longestURL && !Self.hasBlankEnds(text) ? text : text.trimmed
    if Self.isData(trimmed, isDocumented) {
      self = .inline(trimmed)
    } else if let scheme = Self.webScheme(of: trimmed),
      isDocumented || Self.isOneWord(trimmed)
    {
      // Schemes are case-insensitive, and everything after this compares them in lower case.
      self = .url(trimmed.hasPrefix(scheme) ? trimmed : scheme + trimmed.dropFirst(scheme.count))
    } else if Self.isBase64Picture(trimmed) {
      self = .inline(Self.bareHead + trimmed)
    } else if Self.isPath(trimmed, isDocumented) {
      self = .path(trimmed)
    } else {
      self = .words(text)
    }
  }

  private static func hasBlankEnds(_ text: String) -> Bool {
    text.first?.isWhitespace == true || text.last?.isWhitespace == true
  }

  private static func isData(_ text: String, _ isDocumented: Bool) -> Bool {
    guard begins(text, with: "data:") else { return false }
    if isDocumented { return true }
    let head = text.utf8.prefix(200).prefix { $0 != UInt8(ascii: ",") }
    let type = String(decoding: head.dropFirst(5), as: UTF8.self).lowercased()
    return type.hasSuffix(";base64")
      && ["image/", "application/octet-stream", "binary/", ";"].contains { type.hasPrefix($0) }
  }

  /// `http://` or `https://`, where a text begins so in whatever case; else nil.
  static func webScheme(of text: String) -> String? {
    begins(text, with: "https://") ? "https://" : begins(text, with: "http://") ? "http://" : nil
  }

  /// Whether a text is a URL that needs no more reading: its scheme in lower case, and no blanks in it.
  static func isPlainURL(_ text: String) -> Bool {
    guard let scheme = webScheme(of: text), text.hasPrefix(scheme), text.utf8.count <= longestURL else { return false }
    return text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  // Whether a text begins with `head`, which is in lower case, in whatever case. By bytes: this is asked for each picture.
  private static func begins(_ text: String, with head: StaticString) -> Bool {
    head.withUTF8Buffer { head in
      text.utf8.count >= head.count
        && zip(text.utf8, head).allSatisfy { byte, wanted in
          byte == wanted || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) && byte | 0x20 == wanted
        }
    }
  }

  // Whether a text begins with the scheme of a URL and its colon (RFC 3986 §3.1).
  private static func hasScheme(_ text: String) -> Bool {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), let first = text.utf8.first else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
    return isLetter(first)
      && text.utf8[..<colon].allSatisfy { isLetter($0) || (48...57).contains($0) || [0x2B, 0x2D, 0x2E].contains($0) }
  }

  private static func isOneWord(_ text: String) -> Bool {
    text.utf8.count <= longestURL && !text.contains { $0.isWhitespace || $0 == "\"" || $0 == "<" }
  }

  // MARK: base64

  /// How base64 begins of PNG, WebP and GIF, and of what has a box at its start (AVIF, HEIC, JPEG XL).
  private static let magics = ["iVBORw0KGg", "UklGR", "R0lGOD", "AAAA"]
  /// The same of JPEG and of a bare JPEG XL: a path could begin so, but none is that long.
  private static let shortMagics = ["/9j/", "/wo", "/wp", "/wq", "/wr"]
  private static let leastAfterShort = 160

  /// Whether a text is base64, and begins as a picture's does.
  static func isBase64Picture(_ text: String) -> Bool {
    text.utf8.count >= leastBase64 && beginsAsPicture(text) && isBase64(text.utf8)
  }

  /// Whether a text begins as base64 of a picture does. The other alphabet of RFC 4648 §5 counts too.
  static func beginsAsPicture(_ text: String) -> Bool {
    let head = String(decoding: text.utf8.prefix(32).map { $0 == 0x5F ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
    if shortMagics.contains(where: head.hasPrefix) { return text.utf8.count >= leastAfterShort }
    guard let magic = magics.first(where: head.hasPrefix) else { return false }
    guard magic == "AAAA" else { return true }
    var decoder = Base64()
    let bytes = decoder.decode(head.prefix(16).utf8) ?? []
    return bytes.count >= 8 && [Array("ftyp".utf8), Array("JXL ".utf8)].contains(Array(bytes[4..<8]))
  }

  static func isBase64(_ text: String.UTF8View) -> Bool {
    text.allSatisfy { byte in
      switch byte {
      case 48...57, 65...90, 97...122, 43, 47, 61, 45, 95, 9, 10, 13, 32: true
      default: false
      }
    }
  }

  // MARK: paths

  private static let extensions: Set<String> = [
    "png", "jpg", "jpeg", "webp", "gif", "avif", "heic", "heif", "jxl", "bmp", "tif", "tiff",
  ]

  private static func isPath(_ text: String, _ isDocumented: Bool) -> Bool {
    guard !text.isEmpty, isOneWord(text), !hasScheme(text) else { return false }
    let path = text.prefix { $0 != "?" && $0 != "#" }
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    let isPicture =
      name.split(separator: ".").last.map { extensions.contains($0.lowercased()) } == true && name.contains(".")
    let isRooted = path.utf8.count > 1 && ["/", "./", "../"].contains { path.hasPrefix($0) }
    return isRooted || isPicture && (isDocumented || path.contains("/"))
  }
}
