/// Bytes in lower-case hexadecimal. Ids and hashes are made and read several times for each job, so nothing here makes an
/// array, or a call for each digit.
public enum Hex {
  // The digit of a value below 16.
  @inline(__always)
  static func digit(_ value: UInt8) -> UInt8 { value &+ (value < 10 ? 48 : 87) }

  /// A UUID (RFC 9562) in its usual form, of its two halves.
  public static func uuid(_ high: UInt64, _ low: UInt64) -> String {
    String(unsafeUninitializedCapacity: 36) { text in
      var place = 0
      for index in 0..<32 {
        if index == 8 || index == 12 || index == 16 || index == 20 {
          text[place] = UInt8(ascii: "-")
          place += 1
        }
        let half = index < 16 ? high : low
        text[place] = digit(UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (index & 15))) & 15)
        place += 1
      }
      return place
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The bytes in lower-case hexadecimal.
  public var hex: String {
    String(unsafeUninitializedCapacity: count * 2) { text in
      var place = 0
      for byte in self {
        text[place] = Hex.digit(byte >> 4)
        text[place + 1] = Hex.digit(byte & 15)
        place += 2
      }
      return place
    }
  }
}

extension [UInt8] {
  /// The bytes in lower-case hexadecimal.
  public var hex: String { withUnsafeBytes(\.hex) }
}
