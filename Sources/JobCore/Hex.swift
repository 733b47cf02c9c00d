extension Sequence<UInt8> {
  /// The bytes in lower-case hexadecimal.
  public var hex: String {
    var text: [UInt8] = []
    // A SHA-256 is the longest that there is.
    text.reserveCapacity(64)
    for byte in self {
      text.append(hexDigit(byte >> 4))
      text.append(hexDigit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }
}

// The digit of a value below 16.
private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
}
