/// The usual prompt: a line or a few of plain ASCII. Bytes tell that nothing in it needs a closer look; with Swift's
/// characters and Unicode's properties the same answer takes ten times as long.
enum PlainPrompt {
  // Letters in the longest key of front matter, `require_images`.
  private static let mostLetters = RequestSettings.frontMatterKeys.map { $0.filter(\.isLetter).count }.max() ?? 0

  /// The prompt, trimmed; nil where `PromptText` has to find out what there is: nothing, front matter or what may be meant as
  /// such, git's conflict markers, or anything but ASCII's letters, tabs and line feeds.
  static func text(of bytes: [UInt8]) -> String? {
    bytes.withUnsafeBufferPointer { bytes in
      guard let start = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) }),
        !mayBeginFence(bytes[start])
      else { return nil }
      // Only what stands before a colon in the first line may be a key.
      var isBeforeColon = true
      var letters = 0
      for byte in bytes {
        switch byte {
        case UInt8(ascii: "\n"): isBeforeColon = isBeforeColon && letters == 0
        case UInt8(ascii: "\t"): break
        case UInt8(ascii: "<"): return nil
        case UInt8(ascii: ":") where isBeforeColon:
          guard letters > mostLetters else { return nil }
          isBeforeColon = false
        case 0x20..<0x7F: if byte | 0x20 >= UInt8(ascii: "a"), byte | 0x20 <= UInt8(ascii: "z") { letters += 1 }
        default: return nil
        }
      }
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[start...last]), as: UTF8.self)
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x09 }

  // Every fence that `MeantFrontMatter` knows in ASCII, and the `---` of front matter itself.
  private static func mayBeginFence(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "*"), UInt8(ascii: "_"),
      UInt8(ascii: "~"), UInt8(ascii: "`"):
      true
    default: false
    }
  }
}
