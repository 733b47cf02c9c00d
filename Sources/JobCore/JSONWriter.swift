/// Writes JSON (RFC 8259) with keys in the order given, which is what makes a sidecar stable and readable.
///
/// Calls must nest properly; the writer places commas, indentation and escapes.
public struct JSONWriter: Sendable {
  /// What has been written, UTF-8.
  public private(set) var bytes: [UInt8] = []
  private let pretty: Bool
  private var depth = 0
  private var needsComma = false
  private var afterKey = false

  /// Makes a writer; `pretty` indents by two spaces a level, one value a line. `capacity`: for how many bytes there is room
  /// from the start; a sidecar has some 1,600.
  public init(pretty: Bool = false, capacity: Int = 2048) {
    self.pretty = pretty
    bytes.reserveCapacity(capacity)
  }

  @inline(__always)
  private mutating func startValue() {
    if afterKey {
      afterKey = false
      return
    }
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    if depth > 0 { newLine() }
  }

  private mutating func newLine() {
    guard pretty else { return }
    // At once as far as most documents go: a sidecar has some fifty lines.
    let indentation: StaticString = "\n                "
    let known = min(1 + 2 * depth, indentation.utf8CodeUnitCount)
    bytes.append(contentsOf: UnsafeBufferPointer(start: indentation.utf8Start, count: known))
    for _ in known..<(1 + 2 * depth) { bytes.append(UInt8(ascii: " ")) }
  }

  private mutating func open(_ byte: UInt8) {
    startValue()
    bytes.append(byte)
    depth += 1
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    depth -= 1
    if needsComma { newLine() }
    bytes.append(byte)
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
    startValue()
    quoted(name)
    bytes.append(UInt8(ascii: ":"))
    if pretty { bytes.append(UInt8(ascii: " ")) }
    afterKey = true
    needsComma = true
  }

  /// Writes text, or `null`.
  public mutating func string(_ text: String?) {
    guard let text else { return literal("null") }
    startValue()
    quoted(text)
    needsComma = true
  }

  /// Writes a whole number, or `null`.
  public mutating func integer(_ value: Int?) {
    guard let value else { return literal("null") }
    // One digit needs no text of its own.
    guard value >= 0, value < 10 else { return literal(String(value)) }
    startValue()
    bytes.append(48 + UInt8(value))
    needsComma = true
  }

  /// Writes a whole number, or `null`.
  public mutating func integer(_ value: (some BinaryInteger)?) {
    literal(value.map { "\($0)" } ?? "null")
  }

  /// Writes `true` or `false`.
  public mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

  /// Ends the document with a line feed.
  public mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

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
    startValue()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  private mutating func quoted(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    defer { bytes.append(UInt8(ascii: "\"")) }
    var text = text
    let isPlain = text.withUTF8 { utf8 in
      for byte in utf8 where byte < 32 || byte == 127 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        return false
      }
      bytes.append(contentsOf: utf8)
      return true
    }
    if !isPlain { escape(text) }
  }

  private mutating func escape(_ text: String) {
    let hex = Array("0123456789abcdef".utf8)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 10:
        bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
      case 9:
        bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
      case 0..<32, 127:
        bytes.append(contentsOf: "\\u00".utf8)
        bytes.append(hex[Int(byte >> 4)])
        bytes.append(hex[Int(byte & 15)])
      default:
        bytes.append(byte)
      }
    }
  }
}
