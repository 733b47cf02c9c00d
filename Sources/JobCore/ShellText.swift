/// Text for commands that people copy from messages.
public enum ShellText {
  /// A word as a shell takes it: in quotes where it has anything but plain characters.
  public static func word(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "/._-+:@%,=".unicodeScalars.contains(scalar)
    }
    return isPlain && !text.isEmpty ? text : "'\(text.replacing("'", with: "'\\''"))'"
  }

  /// A path as a shell takes it. One that cannot be shown as it is, because it is no UTF-8 or has characters that cannot be
  /// seen, is written in the form `$'…'`, which bash, zsh, ksh and POSIX since 2024 know.
  public static func path(_ bytes: [UInt8]) -> String {
    let shown = DropPath.display(bytes)
    if shown.utf8.elementsEqual(bytes) { return word(shown) }
    let escaped = bytes.map { byte -> String in
      switch byte {
      case UInt8(ascii: "\\"), UInt8(ascii: "'"): "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7F: String(UnicodeScalar(byte))
      // Three octal digits, always: no digit that follows can be taken for a part of it.
      default: "\\" + String(512 + Int(byte), radix: 8).dropFirst()
      }
    }
    return "$'\(escaped.joined())'"
  }

  /// Removes a word that `word` or `path` wrote from the front of a text, in which a space or a backquote ends it.
  static func dropWord(_ text: inout Substring) {
    var rest = text.unicodeScalars
    let hasEscapes = rest.starts(with: "$'".unicodeScalars)
    var isQuoted = false
    while let scalar = rest.first, isQuoted || (scalar != " " && scalar != "`") {
      rest.removeFirst()
      if scalar == "'" { isQuoted.toggle() }
      if scalar == "\\", hasEscapes || !isQuoted { _ = rest.popFirst() }
    }
    text = Substring(rest)
  }
}
