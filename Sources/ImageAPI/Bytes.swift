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

  /// Whether they are the text; `other` is in lower case, letters and hyphens only.
  static func isEqual(_ bytes: UnsafeRawBufferPointer, ignoringCase other: StaticString) -> Bool {
    guard bytes.count == other.utf8CodeUnitCount else { return false }
    return other.withUTF8Buffer { other in
      for index in 0..<other.count where bytes[index] | 0x20 != other[index] { return false }
      return true
    }
  }

  /// Whether they are what the text begins with, as far as they go.
  static func isBeginning(_ bytes: UnsafeRawBufferPointer, of text: StaticString) -> Bool {
    guard bytes.count <= text.utf8CodeUnitCount, let base = bytes.baseAddress else { return bytes.isEmpty }
    return memcmp(base, text.utf8Start, bytes.count) == 0
  }

  static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Without blanks and tabs at both ends.
  static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var (start, end) = (0, bytes.count)
    while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
    while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
  }

  /// What stands between commas, trimmed; what is empty is left out.
  static func tokens(_ bytes: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
    bytes.split(separator: UInt8(ascii: ",")).map { trimmed(UnsafeRawBufferPointer(rebasing: $0)) }
      .filter { !$0.isEmpty }
  }

  /// A number of decimal digits and nothing else; nil where it is none, or larger than an `Int`.
  static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var number = 0
    for byte in bytes {
      guard isDigit(byte) else { return nil }
      let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, isAboveAll) = tens.addingReportingOverflow(Int(byte - 0x30))
      guard !isTooLarge, !isAboveAll else { return nil }
      number = sum
    }
    return number
  }

  /// A number of hexadecimal digits and nothing else; nil where it is none, or has more than 15 of them.
  static func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard (1...15).contains(bytes.count) else { return nil }
    var number = 0
    for byte in bytes {
      switch byte {
      case 48...57: number = number << 4 | Int(byte - 48)
      case 65...70, 97...102: number = number << 4 | Int((byte | 0x20) - 87)
      default: return nil
      }
    }
    return number
  }
}
