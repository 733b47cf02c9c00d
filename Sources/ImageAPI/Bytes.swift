import Glibc

/// Questions about bytes that are read where they lie, and are ASCII where they are text.
enum Bytes {
  /// Where the byte is; nil: nowhere from there on.
  static func find(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
    guard start < bytes.count, let base = bytes.baseAddress else { return nil }
    return memchr(base + start, Int32(byte), bytes.count - start).map { UnsafeRawPointer($0) - base }
  }

  /// Whether some bytes stand in others, one after the other.
  static func isFound(_ sought: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = sought.first else { return true }
    var from = 0
    while let at = find(first, in: bytes, from: from), at + sought.count <= bytes.count {
      if bytes[at..<(at + sought.count)].elementsEqual(sought) { return true }
      from = at + 1
    }
    return false
  }

  /// Whether they are what the text begins with, as far as they go.
  static func isBeginning(_ bytes: UnsafeRawBufferPointer, of text: StaticString) -> Bool {
    guard bytes.count <= text.utf8CodeUnitCount, let base = bytes.baseAddress else { return bytes.isEmpty }
    return memcmp(base, text.utf8Start, bytes.count) == 0
  }

  /// A number of decimal digits and nothing else; nil where it is none, or larger than an `Int`.
  static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var number = 0
    for byte in bytes {
      guard (0x30...0x39).contains(byte) else { return nil }
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, isAboveAll) = tens.addingReportingOverflow(Int(byte - 0x30))
      guard !isTooLarge, !isAboveAll else { return nil }
      number = sum
    }
    return number
  }
}
