/// Wildcards as gitignore(5) has them, compiled: `*` and `?` stay within a folder, `**` between slashes does not, `[…]` is a
/// set, and a backslash takes the meaning from what follows. Compares bytes, in time proportional to pattern times name.
struct Wildcards: Hashable {
  /// Why a pattern has no meaning.
  enum Defect: Error {
    /// A `[` without its `]`, or with an unknown class inside.
    case set
    /// A backslash at the end.
    case backslash
  }

  private enum Token: Hashable {
    case byte(UInt8)
    /// Any byte but a slash.
    case any
    /// Any of these bytes.
    case set(ByteSet)
    /// Any number of bytes without a slash.
    case some
    /// `**/`: nothing, or anything that ends in a slash.
    case folders
    /// `**` at the end: all that follows.
    case rest
  }
  private var tokens: [Token] = []

  /// Compiles a pattern. `isPath`: its `**` may cross folders.
  init(_ pattern: ArraySlice<UInt8>, isPath: Bool) throws(Defect) {
    var rest = pattern
    var isAtStart = true  // of a part of the path
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\\"):
        guard let next = rest.popFirst() else { throw .backslash }
        tokens.append(.byte(next))
      case UInt8(ascii: "?"): tokens.append(.any)
      case UInt8(ascii: "["): tokens.append(.set(try ByteSet(&rest)))
      case UInt8(ascii: "*"):
        var stars = 1
        while rest.first == byte {
          rest.removeFirst()
          stars += 1
        }
        if isPath, stars > 1, isAtStart, rest.isEmpty {
          tokens.append(.rest)
        } else if isPath, stars > 1, isAtStart, rest.first == UInt8(ascii: "/") {
          rest.removeFirst()
          tokens.append(.folders)
          continue
        } else {
          tokens.append(.some)
        }
      default: tokens.append(.byte(byte))
      }
      isAtStart = byte == UInt8(ascii: "/")
    }
  }

  /// Whether all of `text` fits.
  func match(_ text: ArraySlice<UInt8>) -> Bool {
    let text = Array(text)
    // Which beginnings of the text the tokens so far can stand for.
    var reached = [Bool](repeating: false, count: text.count + 1)
    reached[0] = true
    for token in tokens {
      var next = [Bool](repeating: false, count: text.count + 1)
      switch token {
      case .byte(let byte): step(reached, &next, text) { $0 == byte }
      case .any: step(reached, &next, text) { $0 != UInt8(ascii: "/") }
      case .set(let set): step(reached, &next, text) { $0 != UInt8(ascii: "/") && set.contains($0) }
      case .some: spread(reached, &next, text) { $0 != UInt8(ascii: "/") }
      case .rest: spread(reached, &next, text) { _ in true }
      case .folders:
        var isOpen = false
        for end in reached.indices {
          next[end] = reached[end] || (isOpen && end > 0 && text[end - 1] == UInt8(ascii: "/"))
          isOpen = isOpen || reached[end]
        }
      }
      reached = next
    }
    return reached[text.count]
  }

  private func step(_ reached: [Bool], _ next: inout [Bool], _ text: [UInt8], _ fits: (UInt8) -> Bool) {
    for index in text.indices where reached[index] && fits(text[index]) { next[index + 1] = true }
  }

  private func spread(_ reached: [Bool], _ next: inout [Bool], _ text: [UInt8], _ fits: (UInt8) -> Bool) {
    next[0] = reached[0]
    for index in text.indices { next[index + 1] = reached[index + 1] || (next[index] && fits(text[index])) }
  }
}

/// A set of bytes, as `[a-z]`, `[!a]` and `[[:digit:]]` write it.
struct ByteSet: Hashable {
  // One bit a byte.
  private var bits: [UInt64] = [0, 0, 0, 0]

  func contains(_ byte: UInt8) -> Bool { bits[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0 }
  private mutating func insert(_ byte: UInt8) { bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

  /// Reads what follows a `[`, up to its `]`.
  init(_ rest: inout ArraySlice<UInt8>) throws(Wildcards.Defect) {
    var isNegated = false
    if rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^") {
      isNegated = true
      rest.removeFirst()
    }
    var previous: UInt8?
    var isFirst = true
    while true {
      guard var byte = rest.popFirst() else { throw .set }
      if byte == UInt8(ascii: "]"), !isFirst { break }
      isFirst = false
      if byte == UInt8(ascii: "["), rest.first == UInt8(ascii: ":"), try takeClass(&rest) {
        previous = nil
        continue
      }
      if byte == UInt8(ascii: "-"), let low = previous, let next = rest.first, next != UInt8(ascii: "]") {
        var high = rest.removeFirst()
        if high == UInt8(ascii: "\\") {
          guard let escaped = rest.popFirst() else { throw .set }
          high = escaped
        }
        if low <= high { for byte in low...high { insert(byte) } }
        previous = nil
        continue
      }
      if byte == UInt8(ascii: "\\") {
        guard let escaped = rest.popFirst() else { throw .set }
        byte = escaped
      }
      insert(byte)
      previous = byte
    }
    if isNegated { bits = bits.map { ~$0 } }
  }

  // `[:alpha:]`, of ASCII. False where it is no class but the beginning of an ordinary set.
  private mutating func takeClass(_ rest: inout ArraySlice<UInt8>) throws(Wildcards.Defect) -> Bool {
    guard let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "]")) else { throw .set }
    guard end - rest.startIndex >= 2, rest[end - 1] == UInt8(ascii: ":") else { return false }
    let name = String(decoding: rest[(rest.startIndex + 1)..<(end - 1)], as: UTF8.self)
    guard let fits = Self.classes[name] else { throw .set }
    for byte in UInt8(0)...127 where fits(byte) { insert(byte) }
    rest = rest[(end + 1)...]
    return true
  }

  private static let classes: [String: @Sendable (UInt8) -> Bool] = [
    "alnum": { isLower($0) || isUpper($0) || isDigit($0) }, "alpha": { isLower($0) || isUpper($0) },
    "blank": { $0 == 32 || $0 == 9 }, "cntrl": { $0 < 32 || $0 == 127 }, "digit": { isDigit($0) },
    "graph": { (33...126).contains($0) }, "lower": { isLower($0) }, "print": { (32...126).contains($0) },
    "punct": { (33...126).contains($0) && !isLower($0) && !isUpper($0) && !isDigit($0) },
    "space": { $0 == 32 || (9...13).contains($0) }, "upper": { isUpper($0) },
    "xdigit": { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20) },
  ]

  private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
  private static func isUpper(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
