/// An exact amount of the service's credits, to 18 decimals: what limits are reckoned in. Sums for people keep the
/// service's own decimals; see `DecimalText`.
public struct Credits: Hashable, Comparable, Sendable {
  // In units of 10^-18.
  private var units: Int128
  private static let decimals = 18

  private init(units: Int128) { self.units = units }

  /// Nothing.
  public static let zero = Credits(units: 0)

  /// Reads a plain decimal number such as `0.500000`: at most 18 digits before the point and 18 after it. Nil for
  /// anything else, signs and exponents included.
  public init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, whole.count <= 18 else { return nil }
    let fraction = parts.count == 2 ? Array(parts[1]) : []
    guard parts.count == 1 || !fraction.isEmpty, fraction.count <= Self.decimals else { return nil }
    var units: Int128 = 0
    let padding = [UInt8](repeating: UInt8(ascii: "0"), count: Self.decimals - fraction.count)
    for digit in Array(whole) + fraction + padding {
      guard digit >= 48, digit <= 57 else { return nil }
      units = units * 10 + Int128(digit - 48)
    }
    self.units = units
  }

  /// Without trailing zeros: `0.5`, `12`.
  public var text: String {
    let digits = String(units.magnitude)
    let padded = String(repeating: "0", count: max(0, Self.decimals + 1 - digits.count)) + digits
    var fraction = padded.suffix(Self.decimals)
    while fraction.last == "0" { fraction.removeLast() }
    return (units < 0 ? "-" : "") + padded.dropLast(Self.decimals) + (fraction.isEmpty ? "" : "." + fraction)
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
