/// Writes JSON (RFC 8259) with keys in the order given, which is what makes a sidecar stable and readable.
///
/// Calls must nest properly; the writer places commas, indentation and escapes.
public struct JSONWriter: Sendable {
  // What is written, its first `end` bytes, and room for more. Room is made once for a whole name or value: byte by byte, most
  // of the time would go into asking whether there is room for one more.
  private var room: [UInt8]
  private var end = 0
  private let pretty: Bool
  private var depth = 0
  private var needsComma = false
  private var afterKey = false

  /// How many bytes have been written.
  public var count: Int { end }

  /// What has been written, UTF-8.
  public var bytes: [UInt8] { Array(room[..<end]) }

  /// The same at the end of the writer, whose memory is handed on, not copied.
  public consuming func finish() -> [UInt8] {
    room.removeLast(room.count - end)
    return room
  }

  /// Makes a writer; `pretty` indents by two spaces a level, one value a line. `capacity`: for how many bytes there is room
  /// from the start; a sidecar has some 1,600.
  public init(pretty: Bool = false, capacity: Int = 2048) {
    self.pretty = pretty
    room = [UInt8](repeating: 0, count: max(1, capacity))
  }

  // Where the next byte goes. Who has it was given room for what it puts.
  private struct Pen {
    var next: UnsafeMutablePointer<UInt8>

    @inline(__always)
    mutating func put(_ byte: UInt8) {
      next.pointee = byte
      next += 1
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
      guard let first = bytes.baseAddress else { return }
      next.update(from: first, count: bytes.count)
      next += bytes.count
    }

    mutating func put(_ number: Int) {
      if number < 0 { put(UInt8(ascii: "-")) }
      var rest = number.magnitude
      var digits = 1
      var power: UInt = 10
      while digits < JSONWriter.mostDigits, rest >= power {
        digits += 1
        if digits < JSONWriter.mostDigits { power *= 10 }
      }
      for place in (0..<digits).reversed() {
        next[place] = 48 + UInt8(rest % 10)
        rest /= 10
      }
      next += digits
    }
  }

  // Of a whole number of 64 bits, without its sign.
  private static let mostDigits = 20

  // Makes room for `count` bytes and has them written.
  @inline(__always)
  private mutating func write(_ count: Int, _ put: (inout Pen) -> Void) {
    if room.count - end < count { room.append(contentsOf: repeatElement(0, count: max(room.count, count))) }
    let from = end
    end = room.withUnsafeMutableBufferPointer { room in
      guard let first = room.baseAddress else { return from }
      var pen = Pen(next: first + from)
      put(&pen)
      return pen.next - first
    }
  }

  // The same after what stands before a value or a name: nothing after a name, else the comma and the new line.
  @inline(__always)
  private mutating func writeValue(_ count: Int, _ put: (inout Pen) -> Void) {
    let comma = !afterKey && needsComma
    let indentation = !afterKey && pretty && depth > 0 ? 2 * depth : nil
    write(count + 2 + (indentation ?? 0)) { pen in
      if comma { pen.put(UInt8(ascii: ",")) }
      if let indentation { Self.newLine(indentation, &pen) }
      put(&pen)
    }
    afterKey = false
    needsComma = true
  }

  @inline(__always)
  private static func newLine(_ indentation: Int, _ pen: inout Pen) {
    pen.put(UInt8(ascii: "\n"))
    for _ in 0..<indentation { pen.put(UInt8(ascii: " ")) }
  }

  private mutating func open(_ byte: UInt8) {
    writeValue(1) { $0.put(byte) }
    depth += 1
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    depth -= 1
    let indentation = needsComma && pretty ? 2 * depth : nil
    write(2 + 2 * depth) { pen in
      if let indentation { Self.newLine(indentation, &pen) }
      pen.put(byte)
    }
    needsComma = true
  }

  /// Writes an object whose fields `body` writes.
  public mutating func object(_ body: (inout JSONWriter) -> Void) {
    open(UInt8(ascii: "{"))
    body(&self)
    close(UInt8(ascii: "}"))
  }

  /// Writes an array, each element by `body`.
  public mutating func array<T>(_ elements: some Sequence<T>, _ body: (inout JSONWriter, T) -> Void) {
    open(UInt8(ascii: "["))
    for element in elements { body(&self, element) }
    close(UInt8(ascii: "]"))
  }

  /// Writes a field's name; its value follows.
  public mutating func key(_ name: String) {
    quoted(name, asKey: true)
    afterKey = true
  }

  /// Writes text, or `null`.
  public mutating func string(_ text: String?) {
    guard let text else { return literal("null") }
    quoted(text)
  }

  /// Writes a whole number, or `null`.
  public mutating func integer(_ value: Int?) {
    guard let value else { return literal("null") }
    writeValue(1 + Self.mostDigits) { $0.put(value) }
  }

  /// Writes a whole number, or `null`.
  public mutating func integer(_ value: (some BinaryInteger)?) {
    literal(value.map { "\($0)" } ?? "null")
  }

  /// Writes a moment in its RFC 3339 form, or `null`.
  public mutating func time(_ moment: Timestamp?) {
    guard let moment else { return literal("null") }
    writeValue(2 + Timestamp.textLength) { pen in
      pen.put(UInt8(ascii: "\""))
      moment.putText(pen.next)
      pen.next += Timestamp.textLength
      pen.put(UInt8(ascii: "\""))
    }
  }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  /// Ends the document with a line feed.
  public mutating func endLine() { write(1) { $0.put(UInt8(ascii: "\n")) } }

  /// Writes any JSON value, an object's fields sorted by name.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: literal("null")
    case .bool(let bool): self.bool(bool)
    case .integer(let integer): literal("\(integer)")
    case .number(let number): literal(number.isFinite ? "\(number)" : "null")
    case .string(let text): string(text)
    case .array(let elements): array(elements) { $0.value($1) }
    case .object(let fields):
      object { writer in
        for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
          writer.key(name)
          writer.value(field)
        }
      }
    }
  }

  private mutating func literal(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in writeValue(utf8.count) { $0.put(utf8) } }
  }

  private mutating func quoted(_ text: String, asKey: Bool = false) {
    var text = text
    text.withUTF8 { utf8 in
      if Self.isPlain(utf8) { return quoted(utf8, asKey: asKey) }
      Self.escaped(utf8).withUnsafeBufferPointer { quoted($0, asKey: asKey) }
    }
  }

  @inline(__always)
  private mutating func quoted(_ utf8: UnsafeBufferPointer<UInt8>, asKey: Bool) {
    let blank = pretty
    writeValue(utf8.count + 4) { pen in
      pen.put(UInt8(ascii: "\""))
      pen.put(utf8)
      pen.put(UInt8(ascii: "\""))
      guard asKey else { return }
      pen.put(UInt8(ascii: ":"))
      if blank { pen.put(UInt8(ascii: " ")) }
    }
  }

  // Whether nothing of it is to be escaped. No early end: so the compiler looks at many bytes at once.
  @inline(__always)
  private static func isPlain(_ utf8: UnsafeBufferPointer<UInt8>) -> Bool {
    var special: UInt8 = 0
    for byte in utf8 {
      special |= byte < 32 ? 1 : 0
      special |= byte == 127 ? 1 : 0
      special |= byte == UInt8(ascii: "\"") ? 1 : 0
      special |= byte == UInt8(ascii: "\\") ? 1 : 0
    }
    return special == 0
  }

  private static func escaped(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count + 64)
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 10: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
      case 9: bytes += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
      case 0..<32, 127:
        bytes += "\\u00".utf8
        bytes += [byte].hex.utf8
      default: bytes.append(byte)
      }
    }
    return bytes
  }
}
