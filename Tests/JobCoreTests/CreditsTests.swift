import JobCore
import TestKit
import Testing

@Suite struct CreditsTests {
  /// Units of 10^-18, read from the digits alone.
  private func units(_ whole: String, _ fraction: String) throws -> Int128 {
    let zeros = String(repeating: "0", count: 18 - fraction.count)
    return try #require(Int128(whole + fraction + zeros))
  }

  private func digits(_ count: ClosedRange<Int>, _ random: inout SplitMix64) -> String {
    let zeros = random.percent(20)
    return (0..<Int.random(in: count, using: &random)).reduce(into: "") { text, _ in
      text += zeros ? "0" : "\(Int.random(in: 0...9, using: &random))"
    }
  }

  @Test(arguments: SplitMix64.seeds())
  func agreesWithWholeNumbers(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func make() throws -> (credits: Credits, units: Int128) {
      let (whole, fraction) = (digits(1...18, &random), digits(0...18, &random))
      let text = fraction.isEmpty ? whole : "\(whole).\(fraction)"
      return (try #require(Credits(text), "seed \(seed): \(text)"), try units(whole, fraction))
    }
    func text(_ units: Int128) -> String {
      let unit: Int128 = 1_000_000_000_000_000_000
      var fraction = String(String(Int128(units.magnitude) % unit + unit).dropFirst())
      while fraction.last == "0" { fraction.removeLast() }
      let whole = "\(units < 0 ? "-" : "")\(Int128(units.magnitude) / unit)"
      return fraction.isEmpty ? whole : "\(whole).\(fraction)"
    }
    for _ in 0..<2000 {
      let (a, b, c) = (try make(), try make(), try make())
      try #require((a.credits < b.credits) == (a.units < b.units), "seed \(seed): \(a) \(b)")
      try #require((a.credits == b.credits) == (a.units == b.units), "seed \(seed): \(a) \(b)")
      try #require((a.credits + b.credits).text == text(a.units + b.units), "seed \(seed): \(a) \(b)")
      try #require((a.credits - b.credits).text == text(a.units - b.units), "seed \(seed): \(a) \(b)")
      try #require(a.credits + b.credits - a.credits == b.credits, "seed \(seed): \(a) \(b)")
      try #require(a.credits + (b.credits + c.credits) == (c.credits + a.credits) + b.credits, "seed \(seed)")
      try #require(Credits(a.credits.text) == a.credits, "seed \(seed): \(a)")
      try #require(Credits(a.credits.text)?.text == a.credits.text, "seed \(seed): \(a)")
    }
  }

  @Test(arguments: [
    ("0", "0"), ("0.500000", "0.5"), ("000.10", "0.1"), ("12", "12"), ("12.000", "12"), ("007", "7"),
    ("0.000000000000000001", "0.000000000000000001"),
    ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
  ])
  func plainNumbers(text: String, reported: String) { #expect(Credits(text)?.text == reported) }

  @Test(arguments: [
    "", ".", "1.", ".5", "-1", "+1", "1e3", "1E3", " 1", "1 ", "1,5", "1.2.3", "0x1", "NaN", "inf", "1_000", "\u{0}1",
    "١", "１", "1\u{301}", "1\n", "0.0000000000000000001", "1.-5", "1.+5", "1. 5", "1000000000000000000",
    "0000000000000000001",
  ])
  func everythingElseIsNone(text: String) { #expect(Credits(text) == nil) }

  @Test func aDayOfTheDearestPicturesCanBeAddedUp() throws {
    // A million credits each, ten million times: as far from the end of the range as from any bill.
    let dear = try #require(Credits("1000000"))
    let sum = (0..<24).reduce(dear) { sum, _ in sum + sum }
    #expect(sum.text == "16777216000000")
    #expect(Credits.zero.text == "0" && dear - dear == .zero)
  }
}
