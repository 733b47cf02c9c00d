import Foundation

/// A small seeded generator (Steele, Lea, Flood: SplitMix64), so that a property test that failed can be run again.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  /// The seed that it began with: name it in every failure.
  public let seed: UInt64
  private var state: UInt64

  /// Begins at a seed.
  public init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A number in 0..<1.
  public mutating func chance() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// True in `percent` of a hundred cases.
  public mutating func percent(_ percent: Int) -> Bool { Int(next() % 100) < percent }

  /// One of `choices`, which must not be empty.
  public mutating func one<T>(of choices: [T]) -> T { choices[Int.random(in: choices.indices, using: &self)] }

  /// The seeds of a property test: `1...count`, or the one that `PROMPTDROP_TEST_SEED` names.
  public static func seeds(_ count: UInt64 = 3) -> [UInt64] {
    let wanted = ProcessInfo.processInfo.environment["PROMPTDROP_TEST_SEED"].flatMap(UInt64.init)
    return wanted.map { [$0] } ?? Array(1...max(1, count))
  }
}
