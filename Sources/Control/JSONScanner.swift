/// Walks over JSON text (RFC 8259) without recursion and without keeping what it passes. Texts need not be UTF-8.
struct JSONScanner {
  private static let deepest = 256
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// Begins at the start of the bytes, which must outlive the scanner.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Whether only white space is left.
  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return position == bytes.count
    }
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { position += 1 }
  }

  /// Passes white space, and the character if it is the next one.
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    return takeByte(UInt8(ascii: character))
  }

  private mutating func takeByte(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  /// A string's content, as `string` keeps it; nil where there is none.
  mutating func text(limit: Int) -> [UInt8]? {
    var kept: [UInt8] = []
    return string(into: &kept, limit: limit) ? kept : nil
  }

  /// Passes a string and keeps the first `limit` bytes of what it means; of an escape beyond ASCII only a byte 0xFF.
  mutating func string(into kept: inout [UInt8], limit: Int) -> Bool {
    guard take("\"") else { return false }
    while let byte = next {
      position += 1
      var meant = byte
      switch byte {
      case UInt8(ascii: "\""): return true
      case 0..<32: return false
      case UInt8(ascii: "\\"):
        guard let escaped = escape() else { return false }
        meant = escaped
      default: break
      }
      if kept.count < limit { kept.append(meant) }
    }
    return false
  }

  private mutating func escape() -> UInt8? {
    guard let byte = next else { return nil }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return byte
    case UInt8(ascii: "b"): return 8
    case UInt8(ascii: "f"): return 12
    case UInt8(ascii: "n"): return 10
    case UInt8(ascii: "r"): return 13
    case UInt8(ascii: "t"): return 9
    case UInt8(ascii: "u"):
      var code = 0
      for _ in 0..<4 {
        guard let digit = next.flatMap(Self.hexValue) else { return nil }
        position += 1
        code = code * 16 + digit
      }
      return code < 128 ? UInt8(code) : 0xFF
    default: return nil
    }
  }

  private static func hexValue(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte) - 87
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte) - 55
    default: nil
    }
  }

  /// Passes any value. False where there is none, or it is nested too deep.
  mutating func skipValue() -> Bool {
    // What ends the objects and lists that are open.
    var open: [Unicode.Scalar] = []
    while true {
      skipSpace()
      switch next {
      case UInt8(ascii: "{")?:
        guard open.count < Self.deepest else { return false }
        position += 1
        if !take("}") {
          open.append("}")
          guard skipName() else { return false }
          continue
        }
      case UInt8(ascii: "[")?:
        guard open.count < Self.deepest else { return false }
        position += 1
        if !take("]") {
          open.append("]")
          continue
        }
      case UInt8(ascii: "\"")?:
        guard skipString() else { return false }
      case UInt8(ascii: "t")?: guard skipWord("true") else { return false }
      case UInt8(ascii: "f")?: guard skipWord("false") else { return false }
      case UInt8(ascii: "n")?: guard skipWord("null") else { return false }
      default: guard skipNumber() else { return false }
      }
      // A value has ended, and perhaps what it is in.
      while let end = open.last {
        if take(",") {
          if end == "}" { guard skipName() else { return false } }
          break
        }
        guard take(end) else { return false }
        open.removeLast()
      }
      if open.isEmpty { return true }
    }
  }

  private mutating func skipName() -> Bool { skipString() && take(":") }

  private mutating func skipString() -> Bool {
    var nothing: [UInt8] = []
    return string(into: &nothing, limit: 0)
  }

  private mutating func skipWord(_ word: StaticString) -> Bool {
    for index in 0..<word.utf8CodeUnitCount {
      guard takeByte(word.utf8Start[index]) else { return false }
    }
    return true
  }

  private mutating func skipNumber() -> Bool {
    _ = takeByte(UInt8(ascii: "-"))
    if !takeByte(UInt8(ascii: "0")) {
      guard skipDigits() else { return false }
    }
    if takeByte(UInt8(ascii: ".")) {
      guard skipDigits() else { return false }
    }
    if takeByte(UInt8(ascii: "e")) || takeByte(UInt8(ascii: "E")) {
      if !takeByte(UInt8(ascii: "+")) { _ = takeByte(UInt8(ascii: "-")) }
      return skipDigits()
    }
    return true
  }

  private mutating func skipDigits() -> Bool {
    let start = position
    while let byte = next, (48...57).contains(byte) { position += 1 }
    return position > start
  }
}
