/// Bytes in lower-case hexadecimal. Ids and hashes are made and read several times for each job, so eight digits are made or
/// read at a time, in one register, and nothing here makes an array.
public enum Hex {
  private static let dash = UInt8(ascii: "-")

  // The eight digits of a value, the first in the highest byte.
  @inline(__always)
  private static func digits(_ value: UInt32) -> UInt64 {
    var digits = UInt64(value)
    digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
    digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
    digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
    // 1 where the digit is a letter: those come 39 places later than the character after `9`.
    let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
    return digits &+ 0x3030_3030_3030_3030 &+ letters &* 39
  }

  // The value of eight digits, the first in the highest byte; nil for what `digits` does not give.
  @inline(__always)
  private static func value(_ text: UInt64) -> UInt32? {
    let letters = (text & 0x4040_4040_4040_4040) >> 6
    var value = (text & 0x0F0F_0F0F_0F0F_0F0F) &+ letters &* 9
    value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
    value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
    let result = UInt32(truncatingIfNeeded: value | value >> 16)
    return digits(result) == text ? result : nil
  }

  /// A UUID (RFC 9562) in its usual form, of its two halves.
  public static func uuid(_ high: UInt64, _ low: UInt64) -> String {
    String(unsafeUninitializedCapacity: 36) { text in
      write(high, low, to: UnsafeMutableRawBufferPointer(text))
      return 36
    }
  }

  /// Writes the 36 characters of a UUID into the first bytes of `text`.
  public static func write(_ high: UInt64, _ low: UInt64, to text: UnsafeMutableRawBufferPointer) {
    let parts = (
      digits(UInt32(truncatingIfNeeded: high >> 32)), digits(UInt32(truncatingIfNeeded: high)),
      digits(UInt32(truncatingIfNeeded: low >> 32)), digits(UInt32(truncatingIfNeeded: low))
    )
    text.storeBytes(of: parts.0.bigEndian, toByteOffset: 0, as: UInt64.self)
    text[8] = dash
    text.storeBytes(of: UInt32(truncatingIfNeeded: parts.1 >> 32).bigEndian, toByteOffset: 9, as: UInt32.self)
    text[13] = dash
    text.storeBytes(of: UInt32(truncatingIfNeeded: parts.1).bigEndian, toByteOffset: 14, as: UInt32.self)
    text[18] = dash
    text.storeBytes(of: UInt32(truncatingIfNeeded: parts.2 >> 32).bigEndian, toByteOffset: 19, as: UInt32.self)
    text[23] = dash
    text.storeBytes(of: UInt32(truncatingIfNeeded: parts.2).bigEndian, toByteOffset: 24, as: UInt32.self)
    text.storeBytes(of: parts.3.bigEndian, toByteOffset: 28, as: UInt64.self)
  }

  /// The halves of a UUID in its usual form; nil for any other text.
  public static func uuid(_ text: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64)? {
    guard text.count == 36, text[8] == dash, text[13] == dash, text[18] == dash, text[23] == dash else { return nil }
    func four(_ place: Int) -> UInt64 {
      UInt64(UInt32(bigEndian: text.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
    }
    func eight(_ place: Int) -> UInt64 {
      UInt64(bigEndian: text.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
    guard let first = value(eight(0)), let second = value(four(9) << 32 | four(14)),
      let third = value(four(19) << 32 | four(24)), let fourth = value(eight(28))
    else { return nil }
    return (UInt64(first) << 32 | UInt64(second), UInt64(third) << 32 | UInt64(fourth))
  }

  /// Writes the bytes that the digits stand for, an even number of them, into `bytes`, which has room for half as many.
  /// False for what is no lower-case hexadecimal; then `bytes` has anything in it.
  public static func read(_ text: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var place = 0
    while place + 8 <= text.count {
      guard let value = value(UInt64(bigEndian: text.loadUnaligned(fromByteOffset: place, as: UInt64.self))) else {
        return false
      }
      bytes.storeBytes(of: value.bigEndian, toByteOffset: place / 2, as: UInt32.self)
      place += 8
    }
    while place + 2 <= text.count {
      // Zeros before it: the same value.
      guard let value = value(0x3030_3030_3030_0000 | UInt64(text[place]) << 8 | UInt64(text[place + 1])) else {
        return false
      }
      bytes[place / 2] = UInt8(truncatingIfNeeded: value)
      place += 2
    }
    return place == text.count
  }

  /// Writes two digits for each of the bytes into `text`.
  fileprivate static func write(_ bytes: UnsafeRawBufferPointer, to text: UnsafeMutableRawBufferPointer) {
    var place = 0
    while place + 4 <= bytes.count {
      let value = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
      text.storeBytes(of: digits(value).bigEndian, toByteOffset: place * 2, as: UInt64.self)
      place += 4
    }
    while place < bytes.count {
      let digits = UInt16(truncatingIfNeeded: digits(UInt32(bytes[place])))
      text.storeBytes(of: digits.bigEndian, toByteOffset: place * 2, as: UInt16.self)
      place += 1
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The bytes in lower-case hexadecimal.
  public var hex: String {
    String(unsafeUninitializedCapacity: count * 2) { text in
      Hex.write(self, to: UnsafeMutableRawBufferPointer(text))
      return count * 2
    }
  }
}

extension [UInt8] {
  /// The bytes in lower-case hexadecimal.
  public var hex: String { withUnsafeBytes(\.hex) }
}
