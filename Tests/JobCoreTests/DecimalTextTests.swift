import JobCore
import TestKit
import Testing

@Suite struct DecimalTextTests {
  /// Against whole numbers of the smallest unit.
  @Test(arguments: SplitMix64.seeds())
  func addsExactly(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<1000 {
      let numbers = (0..<Int.random(in: 2...6, using: &random)).map { _ -> (value: Int, scale: Int) in
        let any = Int.random(in: 0...999_999_999, using: &random)
        return (value: random.one(of: [0, 9, any]), scale: Int.random(in: 0...6, using: &random))
      }
      let scale = numbers.map(\.scale).max() ?? 0
      let total = numbers.reduce(0) { $0 + $1.value * power(scale - $1.scale) }
      let texts = numbers.map { text($0.value, $0.scale) }
      try #require(DecimalText.sum(texts) == text(total, scale), "seed \(seed): \(texts)")
    }
  }

  private func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { product, _ in product * 10 } }

  private func text(_ value: Int, _ scale: Int) -> String {
    guard scale > 0 else { return "\(value)" }
    let fraction = "\(value % power(scale))"
    return "\(value / power(scale))." + String(repeating: "0", count: scale - fraction.count) + fraction
  }

  @Test(
    arguments: [
      ([], nil), (["0.500000"], "0.500000"), (["what?"], "what?"), (["0.500000", "0.500000"], "1.000000"),
      (["1", "0.25"], "1.25"), (["999.9", "0.1"], "1000.0"), (["007", "01"], "8"), (["0.0", "0"], "0.0"),
      (["0.5", "what?", "0.5"], "1.0"), (["what?", "-1"], nil), (["1e3", "2"], "2"), ([".5", "1"], "1"),
      (["1.2.3", "1"], "1"), (["", "1"], "1"), (["+1", "1"], "1"),
      (["99999999999999999999999999.5", "0.5"], "100000000000000000000000000.0"),
      ([String(repeating: "9", count: 61), "1"], "1"),
    ] as [([String], String?)])
  func cases(texts: [String], sum: String?) {
    #expect(DecimalText.sum(texts) == sum)
  }
}
