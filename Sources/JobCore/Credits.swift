/// An exact amount of the service's credits, to 18 decimals: what limits are reckoned in. Sums for people keep the
/// service's own decimals; see `DecimalText`.
public struct Credits: Hashable, Comparable, Sendable {
  // In units of 10^-18.
  private var units: Int128
  private static let decimals = 18
  private static let one: Int128 = 1_000_000_000_000_000_000

  private init(units: Int128) { self.units = units }

  /// Nothing.
  public static let zero = Credits(units: 0)

  /// Reads a plain decimal number such as `0.500000`: at most 18 digits before the point and 18 after it. Nil for
  /// anything else, signs and exponents included.
  public init?(_ text: String) {
    // Each part has 18 digits at most, and so fits into 64 bits. This is read several times for each picture.
    var (whole, fraction): (UInt64, UInt64) = (0, 0)
    var (wholeDigits, fractionDigits) = (0, 0)
    var isPastPoint = false
    for byte in text.utf8 {
      switch byte {
      case 48...57 where isPastPoint:
        fraction = fraction &* 10 &+ UInt64(byte - 48)
        fractionDigits += 1
        guard fractionDigits <= Self.decimals else { return nil }
      case 48...57:
        whole = whole &* 10 &+ UInt64(byte - 48)
        wholeDigits += 1
        guard wholeDigits <= 18 else { return nil }
      case UInt8(ascii: ".") where !isPastPoint: isPastPoint = true
      default: return nil
      }
    }
    guard wholeDigits > 0, !isPastPoint || fractionDigits > 0 else { return nil }
    for _ in fractionDigits..<Self.decimals { fraction *= 10 }
    units = Int128(whole) * Self.one + Int128(fraction)
  }

  /// Without trailing zeros: `0.5`, `12`.
  public var text: String {
    let (whole, rest) = units.magnitude.quotientAndRemainder(dividingBy: Self.one.magnitude)
    // Text of 128 bits costs several times that of 64, and hardly any amount needs them.
    var text = (units < 0 ? "-" : "") + (UInt64(exactly: whole).map { String($0) } ?? String(whole))
    guard rest > 0 else { return text }
    var (fraction, digits) = (UInt64(rest), Self.decimals)
    while fraction.isMultiple(of: 10) {
      fraction /= 10
      digits -= 1
    }
    let written = String(fraction)
    text += "."
    for _ in written.utf8.count..<digits { text += "0" }
    return text + written
  }

  /// Less than.
  public static func < (a: Credits, b: Credits) -> Bool { a.units < b.units }
  /// The sum, or the largest amount that there is: prices are a service's words.
  public static func + (a: Credits, b: Credits) -> Credits {
    let (sum, overflow) = a.units.addingReportingOverflow(b.units)
    return Credits(units: overflow ? (a.units < 0 ? .min : .max) : sum)
  }
  /// The difference, or the farthest amount that there is.
  public static func - (a: Credits, b: Credits) -> Credits {
    let (rest, overflow) = a.units.subtractingReportingOverflow(b.units)
    return Credits(units: overflow ? (a.units < 0 ? .min : .max) : rest)
  }
}
