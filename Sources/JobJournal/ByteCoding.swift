import JobCore

/// A value that this version cannot read: it was damaged, or another program wrote it.
struct Unreadable: Error, CustomStringConvertible {
  let what: String
  var description: String { "the journal has an unreadable \(what)" }
}

/// Writes values without field names, the shortest form of each. Its memory is used again for what is written next.
struct ByteWriter: ~Copyable {
  private var memory: UnsafeMutableRawBufferPointer
  /// How many bytes were written.
  private(set) var size = 0

  init() { memory = .allocate(byteCount: 1024, alignment: 8) }

  deinit { memory.deallocate() }

  /// What was written, until more is.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<size]) }

  /// Begins anew.
  mutating func clear() { size = 0 }

  /// Writes over the first four bytes.
  mutating func setFirst(_ value: UInt32) {
    memory.storeBytes(of: value.littleEndian, toByteOffset: 0, as: UInt32.self)
  }

  // The memory behind what was written has room for this many bytes.
  @inline(__always)
  private mutating func ensure(_ more: Int) {
    if memory.count - size < more { grow(more) }
  }

  private mutating func grow(_ more: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(memory.count * 2, size + more), alignment: 8)
    larger.copyMemory(from: bytes)
    memory.deallocate()
    memory = larger
  }

  mutating func byte(_ value: UInt8) {
    ensure(1)
    memory[size] = value
    size += 1
  }

  mutating func raw(_ value: UnsafeRawBufferPointer) {
    ensure(value.count)
    UnsafeMutableRawBufferPointer(rebasing: memory[size...]).copyMemory(from: value)
    size += value.count
  }

  /// Zeros up to this many bytes.
  mutating func fill(to end: Int) {
    guard size < end else { return }
    ensure(end - size)
    UnsafeMutableRawBufferPointer(rebasing: memory[size..<end]).initializeMemory(as: UInt8.self, repeating: 0)
    size = end
  }

  /// Seven bits a byte, the lowest first; the top bit says that another follows.
  mutating func unsigned(_ value: UInt64) {
    ensure(10)
    var rest = value
    while rest >= 0x80 {
      memory[size] = UInt8(truncatingIfNeeded: rest) | 0x80
      size += 1
      rest >>= 7
    }
    memory[size] = UInt8(rest)
    size += 1
  }

  /// Small amounts of either sign take few bytes.
  mutating func signed(_ value: Int64) { unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }
  mutating func count(_ value: Int) { signed(Int64(value)) }

  /// Eight bytes, little-endian: for what is random, where `unsigned` would take ten.
  mutating func fixed(_ value: UInt64) {
    ensure(8)
    memory.storeBytes(of: value.littleEndian, toByteOffset: size, as: UInt64.self)
    size += 8
  }

  mutating func data(_ value: [UInt8]) {
    unsigned(UInt64(value.count))
    value.withUnsafeBytes { raw($0) }
  }

  mutating func text(_ value: String) {
    var value = value
    value.withUTF8 { utf8 in
      unsigned(UInt64(utf8.count))
      raw(UnsafeRawBufferPointer(utf8))
    }
  }

  /// A text that is most often a hash or ends with a UUID: then its bytes, half as many. The lowest two bits of the length
  /// say which.
  mutating func token(_ value: String) {
    var value = value
    value.withUTF8 { token(UnsafeRawBufferPointer($0)) }
  }

  private mutating func token(_ utf8: UnsafeRawBufferPointer) {
    let prefix = utf8.count - 36
    if (0...8).contains(prefix), let uuid = Hex.uuid(UnsafeRawBufferPointer(rebasing: utf8[prefix...])) {
      // The UUID, then what stands before it.
      unsigned(UInt64(16 + prefix) << 2 | (prefix == 0 ? 2 : 3))
      ensure(16)
      memory.storeBytes(of: uuid.high.bigEndian, toByteOffset: size, as: UInt64.self)
      memory.storeBytes(of: uuid.low.bigEndian, toByteOffset: size + 8, as: UInt64.self)
      size += 16
      raw(UnsafeRawBufferPointer(rebasing: utf8[..<prefix]))
    } else if utf8.count < 8 || !utf8.count.isMultiple(of: 2) || !hash(utf8) {
      unsigned(UInt64(utf8.count) << 2)
      raw(utf8)
    }
  }

  // Writes a hash as its bytes; nothing where it is none.
  private mutating func hash(_ utf8: UnsafeRawBufferPointer) -> Bool {
    let (start, half) = (size, utf8.count / 2)
    unsigned(UInt64(half) << 2 | 1)
    ensure(half)
    guard Hex.read(utf8, into: UnsafeMutableRawBufferPointer(rebasing: memory[size...])) else {
      size = start
      return false
    }
    size += half
    return true
  }

  /// A decimal number as its digits without the point, and where that stood; any other text as it is.
  mutating func amount(_ value: String) {
    if let packed = Decimals.pack(value) {
      unsigned(UInt64(packed) << 1)
    } else {
      unsigned(1)
      text(value)
    }
  }
}

/// Reads what a `ByteWriter` wrote. Throws `Unreadable` for anything else.
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private var index = 0
  // Whose bytes they are; nil for a file's stamp.
  private let job: JobID?

  /// `bytes` have to stay where they are as long as the reader is used.
  init(_ bytes: UnsafeRawBufferPointer, of job: JobID?) { (self.bytes, self.job) = (bytes, job) }

  /// Whether nothing follows but what was kept free.
  var isAtEnd: Bool { bytes[index...].allSatisfy { $0 == 0 } }
  var damage: Unreadable { Unreadable(what: job.map { "job \($0.text)" } ?? "stamp") }

  mutating func byte() throws -> UInt8 {
    guard index < bytes.count else { throw damage }
    defer { index += 1 }
    return bytes[index]
  }

  mutating func unsigned() throws -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while true {
      let next = try byte()
      guard shift < 63 || next <= 1 else { throw damage }
      value |= UInt64(next & 0x7F) << shift
      if next < 0x80 { return value }
      shift += 7
    }
  }

  mutating func signed() throws -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  mutating func count() throws -> Int { Int(try signed()) }

  /// How many values follow, each of one byte at least.
  mutating func length() throws -> Int {
    let length = try unsigned()
    guard length <= UInt64(bytes.count - index) else { throw damage }
    return Int(length)
  }

  mutating func fixed() throws -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 8) { value |= UInt64(try byte()) << shift }
    return value
  }

  private mutating func taken(_ count: Int) throws -> Slice<UnsafeRawBufferPointer> {
    guard count <= bytes.count - index else { throw damage }
    defer { index += count }
    return bytes[index..<(index + count)]
  }

  mutating func data() throws -> [UInt8] {
    let length = try length()
    return Array(try taken(length))
  }

  mutating func text() throws -> String {
    let length = try length()
    return String(decoding: UnsafeRawBufferPointer(rebasing: try taken(length)), as: UTF8.self)
  }

  mutating func token() throws -> String {
    let head = try unsigned()
    guard head >> 2 <= UInt64(bytes.count) else { throw damage }
    let part = UnsafeRawBufferPointer(rebasing: try taken(Int(head >> 2)))
    switch head & 3 {
    case 0: return String(decoding: part, as: UTF8.self)
    case 1: return part.hex
    case 2 where part.count == 16: return Hex.uuidText(part)
    case 3 where part.count > 16:
      let uuid = Hex.uuidText(UnsafeRawBufferPointer(rebasing: part[..<16]))
      return String(decoding: UnsafeRawBufferPointer(rebasing: part[16...]), as: UTF8.self) + uuid
    default: throw damage
    }
  }

  mutating func amount() throws -> String {
    let head = try unsigned()
    if head & 1 == 1 { return try text() }
    guard let value = Int64(exactly: head >> 1) else { throw damage }
    return Decimals.text(value)
  }
}

extension Hex {
  /// The UUID of 16 bytes, in its usual form.
  static func uuidText(_ bytes: UnsafeRawBufferPointer) -> String {
    uuid(
      UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }
}

/// The moment in a UUID of version 7 (RFC 9562).
enum UUIDTime {
  /// When it was made, in milliseconds since 1970; nil for other ids.
  static func milliseconds(_ id: String) -> Int64? {
    var id = id
    return id.withUTF8 { Hex.uuid(UnsafeRawBufferPointer($0)).flatMap { milliseconds($0.high) } }
  }

  /// The same of a job's id.
  static func milliseconds(_ job: JobID) -> Int64? { job.bits.flatMap { milliseconds($0.high) } }

  private static func milliseconds(_ high: UInt64) -> Int64? {
    // The version is the first digit of its third part.
    high >> 12 & 15 == 7 ? Int64(high >> 16) : nil
  }
}

/// Decimal numbers as the service writes them, `0.500000`: kept exactly, with their zeros.
enum Decimals {
  /// Its digits as a whole number, times 32, plus how many of them stand behind the point. Nil for any text that `text`
  /// would not give back letter by letter.
  static func pack(_ text: String) -> Int64? {
    var text = text
    return text.withUTF8 { letters in
      guard letters.count <= 16, let first = letters.first, first != UInt8(ascii: ".") else { return nil }
      // `05` and `00.5` would come back without their first zero.
      if first == UInt8(ascii: "0"), letters.count > 1, letters[1] != UInt8(ascii: ".") { return nil }
      var digits: Int64 = 0
      var point: Int?
      for (index, letter) in letters.enumerated() {
        switch letter {
        case 48...57: digits = digits * 10 + Int64(letter - 48)
        case UInt8(ascii: ".") where point == nil: point = index
        default: return nil
        }
      }
      let decimals = point.map { letters.count - 1 - $0 } ?? 0
      // A point with nothing behind it would be lost.
      return point != nil && decimals == 0 ? nil : digits << 5 | Int64(decimals)
    }
  }

  static func text(_ packed: Int64) -> String {
    let decimals = Int(packed & 31)
    let digits = packed >> 5
    // None is written; of what a damaged journal has, anything may come.
    guard digits >= 0 else { return String(digits) }
    var (length, rest) = (1, digits / 10)
    while rest > 0 {
      length += 1
      rest /= 10
    }
    // A digit before the point at least.
    let whole = max(length, decimals + 1)
    let count = decimals > 0 ? whole + 1 : whole
    return String(unsafeUninitializedCapacity: count) { text in
      var rest = digits
      for place in stride(from: count - 1, through: 0, by: -1) {
        guard decimals == 0 || place != count - 1 - decimals else {
          text[place] = UInt8(ascii: ".")
          continue
        }
        text[place] = UInt8(48 + rest % 10)
        rest /= 10
      }
      return count
    }
  }
}

/// A hash that finds what went bad on a disk; no protection from anybody who means to.
struct Checksum {
  private var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ word: UInt64) {
    value = (value ^ word) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 29
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(UInt64(bytes.count))
    var index = 0
    while index + 8 <= bytes.count {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
      index += 8
    }
    var rest: UInt64 = 0
    while index < bytes.count {
      rest = rest << 8 | UInt64(bytes[index])
      index += 1
    }
    add(rest)
  }

  mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
  }

  /// As its text.
  mutating func add(_ job: JobID) {
    guard let (high, low) = job.bits else { return add(job.text) }
    withUnsafeTemporaryAllocation(byteCount: 36, alignment: 8) { text in
      Hex.write(high, low, to: text)
      add(UnsafeRawBufferPointer(text))
    }
  }

  /// The checksum of all that was added.
  var result: UInt32 { UInt32(truncatingIfNeeded: value ^ value >> 32) }
  /// All of its 64 bits, as an integer of SQLite's: what a table finds texts by.
  var key: Int64 { Int64(bitPattern: value) }
}
