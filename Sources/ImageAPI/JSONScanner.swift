/// Reads JSON (RFC 8259) value by value, and keeps nothing that nobody asks for. A copy of it is a place to come back to.
///
/// A generic decoder reads the whole into a map of its own, and then asks that map for each field; for the small answers of
/// a known shape that are most of what comes, this costs a third (3 µs against 9).
struct JSONScanner {
  /// It is no JSON, or no value of the kind that was asked for.
  struct Mismatch: Error {}
  /// What kind of value is next.
  enum Kind { case fields, list, text, number, truth, nothing }

  // Values in each other; what is deeper is made to be a burden.
  private static let mostDepth = 512

  private let bytes: [UInt8]
  private var at = 0
  private var depth = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
  }

  // MARK: places

  /// Where the next value stands in the text.
  struct Place {
    fileprivate var at: Int
    fileprivate var depth: Int
  }

  /// Where it is, to come back to. Unlike a copy it holds nothing.
  var place: Place { Place(at: at, depth: depth) }

  /// The same text, read from a place that it was at before.
  func from(_ place: Place) -> JSONScanner {
    var scanner = self
    (scanner.at, scanner.depth) = (place.at, place.depth)
    return scanner
  }

  // MARK: values

  /// The kind of the next value.
  mutating func kind() throws(Mismatch) -> Kind {
    switch try peek() {
    case UInt8(ascii: "{"): return .fields
    case UInt8(ascii: "["): return .list
    case UInt8(ascii: "\""): return .text
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .truth
    case UInt8(ascii: "n"): return .nothing
    case UInt8(ascii: "-"), 48...57: return .number
    default: throw Mismatch()
    }
  }

  /// Reads an object. `body` is given each name, and has to read the value.
  mutating func fields(_ body: (String, inout JSONScanner) throws -> Void) throws {
    try members { name, value in try body(try value.decoded(name), &value) }
  }

  /// Reads an object. `body` is given each name's place in `names`, which are of ASCII, or nil where it is none of them,
  /// and has to read the value. No text is made of a name.
  mutating func fields(of names: [StaticString], _ body: (Int?, inout JSONScanner) throws -> Void) throws {
    try members { name, value in try body(try value.index(of: name, in: names), &value) }
  }

  private mutating func members(_ body: (Content, inout JSONScanner) throws -> Void) throws {
    try open(UInt8(ascii: "{"))
    if try closes(UInt8(ascii: "}")) { return }
    repeat {
      let name = try content()
      guard try peek() == UInt8(ascii: ":") else { throw Mismatch() }
      at += 1
      try body(name, &self)
    } while try continues(UInt8(ascii: "}"))
  }

  /// Reads a list. `body` has to read each value.
  mutating func elements(_ body: (inout JSONScanner) throws -> Void) throws {
    try open(UInt8(ascii: "["))
    if try closes(UInt8(ascii: "]")) { return }
    repeat { try body(&self) } while try continues(UInt8(ascii: "]"))
  }

  /// Reads a text. Where it cannot be one, it has been passed over all the same.
  mutating func text() throws(Mismatch) -> String { try decoded(try content()) }

  /// Reads a whole number. `1.0` is one.
  mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(Mismatch) -> T {
    if let number = try digitsOnly() {
      guard let fitting = T(exactly: number) else { throw Mismatch() }
      return fitting
    }
    let text = try number()
    if let number = T(text) { return number }
    guard let number = Double(text).flatMap({ T(exactly: $0) }) else { throw Mismatch() }
    return number
  }

  /// Reads a number.
  mutating func double() throws(Mismatch) -> Double {
    guard let number = Double(try number()), number.isFinite else { throw Mismatch() }
    return number
  }

  /// Passes over a value of any kind. What cannot be seen without reading it is not looked at.
  mutating func skip() throws {
    switch try kind() {
    case .fields: try members { _, value in try value.skip() }
    case .list: try elements { try $0.skip() }
    case .text: _ = try content()
    case .number: _ = digits()
    case .truth: try word(bytes[at] == UInt8(ascii: "t") ? "true" : "false")
    case .nothing: try word("null")
    }
  }

  /// Nothing but blanks follows.
  mutating func end() throws(Mismatch) {
    skipBlanks()
    guard at == bytes.count else { throw Mismatch() }
  }

  // MARK: parts

  private mutating func skipBlanks() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x09, 0x0A, 0x0D: at += 1
      default: return
      }
    }
  }

  private mutating func peek() throws(Mismatch) -> UInt8 {
    skipBlanks()
    guard at < bytes.count else { throw Mismatch() }
    return bytes[at]
  }

  private mutating func open(_ bracket: UInt8) throws(Mismatch) {
    guard try peek() == bracket, depth < Self.mostDepth else { throw Mismatch() }
    depth += 1
    at += 1
  }

  private mutating func closes(_ bracket: UInt8) throws(Mismatch) -> Bool {
    guard try peek() == bracket else { return false }
    depth -= 1
    at += 1
    return true
  }

  // After a value: true where another follows. A comma behind the last does no harm.
  private mutating func continues(_ bracket: UInt8) throws(Mismatch) -> Bool {
    if try closes(bracket) { return false }
    guard bytes[at] == UInt8(ascii: ",") else { throw Mismatch() }
    at += 1
    return try !closes(bracket)
  }

  private mutating func word(_ word: StaticString) throws(Mismatch) {
    let end = at + word.utf8CodeUnitCount
    let isIt = end <= bytes.count && word.withUTF8Buffer { bytes[at..<end].elementsEqual($0) }
    guard isIt else { throw Mismatch() }
    at = end
  }

  // What stands between the quotes of a string.
  private struct Content {
    var range: Range<Int>
    var hasEscapes: Bool
  }

  private mutating func content() throws(Mismatch) -> Content {
    guard try peek() == UInt8(ascii: "\"") else { throw Mismatch() }
    at += 1
    let start = at
    var hasEscapes = false
    while true {
      at = endOfPlain(from: at)
      guard at < bytes.count else { throw Mismatch() }
      if bytes[at] == UInt8(ascii: "\"") {
        at += 1
        return Content(range: start..<(at - 1), hasEscapes: hasEscapes)
      }
      hasEscapes = true
      let length = at + 1 < bytes.count && bytes[at + 1] == UInt8(ascii: "u") ? 6 : 2
      let rest = bytes[(at + 1)...].dropFirst().prefix(length - 2)
      guard !rest.contains(UInt8(ascii: "\"")) else { throw Mismatch() }
      at = min(at + length, bytes.count)
    }
  }

  // Where the next quote or backslash is, or the end.
  private func endOfPlain(from start: Int) -> Int {
    bytes.withUnsafeBufferPointer { all in
      var at = start
      while at < all.count, all[at] != 0x22, all[at] != 0x5C { at += 1 }
      return at
    }
  }

  private func decoded(_ content: Content) throws(Mismatch) -> String {
    let text: String?
    if content.hasEscapes {
      let raw = bytes[content.range]
      guard raw.allSatisfy({ $0 >= 0x20 }) else { throw Mismatch() }
      text = String(validating: try Self.unescaped(raw), as: UTF8.self)
    } else {
      text = bytes.withUnsafeBufferPointer { all in
        let raw = UnsafeBufferPointer(rebasing: all[content.range])
        guard let kind = Self.kind(of: raw) else { return nil }
        return kind == .ascii ? String(decoding: raw, as: UTF8.self) : String(validating: raw, as: UTF8.self)
      }
    }
    guard let text else { throw Mismatch() }
    return text
  }

  private enum TextKind { case ascii, unicode }

  // Nil: it has control characters, and cannot be a text. ASCII needs no validation, which costs as much as the rest.
  private static func kind(of raw: UnsafeBufferPointer<UInt8>) -> TextKind? {
    var (all, least): (UInt8, UInt8) = (0, 255)
    for byte in raw {
      all |= byte
      least = min(least, byte)
    }
    return least < 0x20 ? nil : all < 0x80 ? .ascii : .unicode
  }

  private func index(of content: Content, in names: [StaticString]) throws(Mismatch) -> Int? {
    if !content.hasEscapes {
      let (index, isPlain) = bytes.withUnsafeBytes { all in
        let name = UnsafeRawBufferPointer(rebasing: all[content.range])
        let index = names.firstIndex { $0.utf8CodeUnitCount == name.count && Bytes.isBeginning(name, of: $0) }
        return (index, index != nil || name.allSatisfy { (0x20...0x7F).contains($0) })
      }
      if isPlain { return index }
    }
    // One with escapes may be any of them, and what cannot be a text makes the whole unreadable.
    let text = try decoded(content)
    return names.firstIndex { "\($0)" == text }
  }

  // The next number, as it is written.
  private mutating func digits() -> ArraySlice<UInt8> {
    let start = at
    while at < bytes.count, Self.isOfNumber(bytes[at]) { at += 1 }
    return bytes[start..<at]
  }

  private static func isOfNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
    default: false
    }
  }

  // A whole number of up to 18 digits that is written with nothing else, as nearly all are; nil, and nothing is passed over,
  // for any other value.
  private mutating func digitsOnly() throws(Mismatch) -> Int? {
    _ = try peek()
    var (end, number) = (at, 0)
    while end < bytes.count, (48...57).contains(bytes[end]) {
      guard end - at < 18 else { return nil }
      number = number * 10 + Int(bytes[end] - 48)
      end += 1
    }
    let isWhole = end > at && (bytes[at] != 48 || end == at + 1)
    guard isWhole, end == bytes.count || !Self.isOfNumber(bytes[end]) else { return nil }
    at = end
    return number
  }

  private mutating func number() throws(Mismatch) -> Substring {
    guard try kind() == .number else { throw Mismatch() }
    let written = digits()
    var rest = written[...]
    func passDigits() -> Bool {
      let before = rest.count
      rest = rest.drop { (48...57).contains($0) }
      return rest.count < before
    }
    if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
    // A zero that leads stands alone.
    if rest.first == 48 { rest.removeFirst() } else if !passDigits() { throw Mismatch() }
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      guard passDigits() else { throw Mismatch() }
    }
    if let first = rest.first, first | 0x20 == UInt8(ascii: "e") {
      rest.removeFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
      guard passDigits() else { throw Mismatch() }
    }
    guard rest.isEmpty else { throw Mismatch() }
    return Substring(decoding: written, as: UTF8.self)
  }

  private static func unescaped(_ content: ArraySlice<UInt8>) throws(Mismatch) -> [UInt8] {
    var plain: [UInt8] = []
    plain.reserveCapacity(content.count)
    var rest = content
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        plain.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "\"")?: plain.append(0x22)
      case UInt8(ascii: "\\")?: plain.append(0x5C)
      case UInt8(ascii: "/")?: plain.append(0x2F)
      case UInt8(ascii: "b")?: plain.append(0x08)
      case UInt8(ascii: "f")?: plain.append(0x0C)
      case UInt8(ascii: "n")?: plain.append(0x0A)
      case UInt8(ascii: "r")?: plain.append(0x0D)
      case UInt8(ascii: "t")?: plain.append(0x09)
      case UInt8(ascii: "u")?: plain += Array(String(try scalar(&rest)).utf8)
      default: throw Mismatch()
      }
    }
    return plain
  }

  // What follows `\u`: one unit of UTF-16, or two that belong together.
  private static func scalar(_ rest: inout ArraySlice<UInt8>) throws(Mismatch) -> Unicode.Scalar {
    let first = try unit(&rest)
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u")
    else { throw Mismatch() }
    let second = try unit(&rest)
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
    else { throw Mismatch() }
    return scalar
  }

  private static func unit(_ rest: inout ArraySlice<UInt8>) throws(Mismatch) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      switch rest.popFirst() {
      case let digit? where (48...57).contains(digit): unit = unit << 4 | UInt16(digit - 48)
      case let letter? where (97...102).contains(letter | 0x20): unit = unit << 4 | UInt16((letter | 0x20) - 87)
      default: throw Mismatch()
      }
    }
    return unit
  }
}
