import JobCore

/// An image's bytes, read with their bounds.
struct ImageBytes {
  let raw: UnsafeRawBufferPointer
  init(_ raw: UnsafeRawBufferPointer) { self.raw = raw }
  var count: Int { raw.count }

  /// Whether they begin so.
  func starts(_ prefix: [UInt8]) -> Bool { has(prefix, at: 0) }
  /// Whether these stand there.
  func has(_ expected: [UInt8], at offset: Int) -> Bool {
    count >= offset + expected.count && raw[offset..<(offset + expected.count)].elementsEqual(expected)
  }
  /// Whether they begin with this text of ASCII.
  func starts(_ prefix: StaticString) -> Bool { has(prefix, at: 0) }
  /// Whether this text of ASCII stands there. A file may have thousands of parts whose names are asked for.
  func has(_ expected: StaticString, at offset: Int) -> Bool {
    let length = expected.utf8CodeUnitCount
    guard count >= offset + length else { return false }
    return Bytes.isBeginning(UnsafeRawBufferPointer(rebasing: raw[offset..<(offset + length)]), of: expected)
  }
  /// Throws `truncated` beyond the end.
  subscript(offset: Int) -> UInt8 {
    get throws(ImageDefect) {
      guard offset < count else { throw .truncated }
      return raw[offset]
    }
  }
  /// A number of so many bytes, the highest first. Throws `truncated` where they are not there.
  func big(_ offset: Int, _ width: Int) throws(ImageDefect) -> Int {
    guard offset + width <= count else { throw .truncated }
    return raw[offset..<(offset + width)].reduce(0) { $0 << 8 | Int($1) }
  }
  /// The same, the lowest byte first.
  func little(_ offset: Int, _ width: Int) throws(ImageDefect) -> Int {
    guard offset + width <= count else { throw .truncated }
    return raw[offset..<(offset + width)].reversed().reduce(0) { $0 << 8 | Int($1) }
  }
  /// So many bytes. Throws `truncated` where they are not there.
  func part(_ offset: Int, _ width: Int) throws(ImageDefect) -> [UInt8] {
    guard offset + width <= count else { throw .truncated }
    return Array(raw[offset..<(offset + width)])
  }
}
