import JobCore
import TestKit
import Testing

@Suite struct SubmissionPaceTests {
  private let minute = Duration.seconds(60)

  /// Against the plain count of the last minute: never more than allowed, and never a needless wait.
  @Test(arguments: SplitMix64.seeds(), [1, 2, 7, 60])
  func keepsAMinutesLimitAndWaitsForNothingElse(seed: UInt64, limit: Int) throws {
    var random = SplitMix64(seed: seed)
    var pace = SubmissionPace(perMinute: limit)
    var now = Duration.seconds(100)
    var begun: [Duration] = []
    for _ in 0..<2500 {
      now += random.percent(3) ? random.milliseconds(0...90_000) : random.milliseconds(0...(40_000 / limit))
      let next = pace.next(at: now)
      let inTheLastMinute = begun.suffix(limit).count { $0 + minute > now }
      let expected = inTheLastMinute < limit ? now : begun[begun.count - limit] + minute
      try #require(next == expected, "seed \(seed), limit \(limit), at \(now)")
      // Sometimes it is asked and not used.
      if random.percent(20) { continue }
      now = next
      pace.began(at: now)
      begun.append(now)
    }
    for (first, last) in zip(begun, begun.dropFirst(limit)) {
      try #require(last - first >= minute, "seed \(seed), limit \(limit): \(limit + 1) from \(first) to \(last)")
    }
  }

  @Test func zeroIsNoLimit() {
    var pace = SubmissionPace(perMinute: 0)
    for _ in 0..<1000 { pace.began(at: .seconds(5)) }
    #expect(pace.next(at: .seconds(5)) == .seconds(5))
  }
}
