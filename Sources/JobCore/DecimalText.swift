/// Exact arithmetic on decimal strings, as the service gives credits: `0.500000`.
public enum DecimalText {
  /// The sum with as many decimals as the longest summand has; nil for no summands. A single one comes back as it is.
  /// A text that is no plain decimal number is left out of a sum of several.
  public static func sum(_ texts: [String]) -> String? {
    guard texts.count > 1 else { return texts.first }
    var total: (digits: [UInt8], scale: Int)?
    for text in texts {
      guard let parsed = parse(text) else { continue }
      total = total.map { add($0, parsed) } ?? parsed
    }
    return total.map(render)
  }

  // Digits, least significant first.
  private static func parse(_ text: String) -> (digits: [UInt8], scale: Int)? {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, text.utf8.count <= 60 else { return nil }
    let fraction = parts.count == 2 ? Array(parts[1]) : []
    let digits = Array(whole) + fraction
    guard digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return (digits.reversed().map { $0 - 48 }, fraction.count)
  }

  private static func add(
    _ a: (digits: [UInt8], scale: Int), _ b: (digits: [UInt8], scale: Int)
  ) -> (digits: [UInt8], scale: Int) {
    let scale = max(a.scale, b.scale)
    let x = Array(repeating: 0, count: scale - a.scale) + a.digits
    let y = Array(repeating: 0, count: scale - b.scale) + b.digits
    var sum: [UInt8] = []
    var carry: UInt8 = 0
    for index in 0..<max(x.count, y.count) {
      let digit = (index < x.count ? x[index] : 0) + (index < y.count ? y[index] : 0) + carry
      sum.append(digit % 10)
      carry = digit / 10
    }
    if carry > 0 { sum.append(carry) }
    return (sum, scale)
  }

  private static func render(_ value: (digits: [UInt8], scale: Int)) -> String {
    var digits = value.digits
    while digits.count > value.scale + 1, digits.last == 0 { digits.removeLast() }
    var text = ""
    for (index, digit) in digits.enumerated().reversed() {
      text += "\(digit)"
      if index == value.scale, value.scale > 0 { text += "." }
    }
    return text
  }
}
