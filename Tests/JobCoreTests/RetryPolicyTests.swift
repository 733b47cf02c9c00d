import JobCore
import TestKit
import Testing

@Suite struct RetryPolicyTests {
  private let policy = RetryPolicy()

  @Test(arguments: SplitMix64.seeds())
  func everyDelayKeepsItsBounds(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for _ in 0..<3000 {
      let jitter = random.chance()
      let failures = random.one(of: [-1, 0, 1, 2, 3, 8, 20, 100, Int.max])
      let asked = random.optional { $0.milliseconds(0...300_000_000) }
      // Whatever the service asks for, a day later it is tried again.
      let wanted = asked.map { min($0, RetryPolicy.longestWait) }
      let backOff = policy.backOff(failures: failures, jitter: jitter)
      try #require(backOff >= policy.backOffBase * 0.5 && backOff <= policy.backOffMax, "seed \(seed)")
      let delays = [
        policy.queryFailureDelay(failures: failures, retryAfter: asked, jitter: jitter),
        policy.submitDelay(failures: failures, retryAfter: asked, jitter: jitter),
        policy.fetchDelay(failures: failures, retryAfter: asked, jitter: jitter),
      ]
      for delay in delays {
        try #require(delay >= wanted ?? backOff, "seed \(seed): \(String(describing: wanted)) undercut by \(delay)")
        let most = max(backOff, (wanted ?? .zero) + policy.backOffBase)
        try #require(delay <= most, "seed \(seed): \(delay) for \(String(describing: wanted))")
      }
      let age = random.milliseconds(-40_000_000_000...40_000_000_000)
      let delay = policy.queryDelay(age: age, jitter: jitter)
      try #require(delay >= policy.queryMin * 0.8 && delay <= policy.queryMax * 1.2, "seed \(seed): age \(age)")
    }
  }

  @Test func theBackOffDoublesUpToItsMost() {
    let top = (1...12).map { policy.backOff(failures: $0, jitter: 1).milliseconds / 1000 }
    #expect(top == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300])
    let bottom = (1...3).map { policy.backOff(failures: $0, jitter: 0).milliseconds / 1000 }
    #expect(bottom == [1, 2, 4])
  }

  @Test func queriesGrowWithTheAge() {
    let middle = [1, 8, 20, 60, 120, 7200].map { policy.queryDelay(age: .seconds($0), jitter: 0.5) }
    #expect(middle == [.seconds(2), .seconds(2), .seconds(5), .seconds(15), .seconds(30), .seconds(30)])
    #expect(policy.queryDelay(age: .seconds(40), jitter: 0).milliseconds == 8000)
    #expect(policy.queryDelay(age: .seconds(40), jitter: 1).milliseconds == 12_000)
  }

  @Test func aRetryAfterOnlyLengthensAQuery() {
    #expect(policy.queryFailureDelay(failures: 20, retryAfter: .seconds(1), jitter: 0) == .seconds(150))
    #expect(policy.queryFailureDelay(failures: 1, retryAfter: .seconds(400), jitter: 1) == .seconds(400))
  }

  /// Of a Retry-After of ten years a day is kept, of one that no number holds too; of a day, all of it.
  @Test(arguments: [Duration.seconds(86_400), .seconds(10 * 365 * 86_400), .seconds(Int64.max)])
  func nothingIsPutOffForMoreThanADay(wanted: Duration) {
    let day = Duration.seconds(86_400)
    #expect(RetryPolicy.longestWait == day)
    #expect(policy.queryFailureDelay(failures: 1, retryAfter: wanted, jitter: 0.5) == day)
    #expect(policy.fetchDelay(failures: 1, retryAfter: wanted, jitter: 0.5) == day)
    #expect(policy.submitDelay(failures: 1, retryAfter: wanted, jitter: 0.5) == day + policy.backOffBase * 0.5)
  }

  /// Callbacks get lost: the query stays, four times as seldom, and nothing else changes.
  @Test func besideCallbacksQueriesAreSeldomer() {
    var expected = policy
    expected.firstQueryDelay = .seconds(32)
    expected.queryMin = .seconds(8)
    expected.queryMax = .seconds(120)
    #expect(policy.besideCallbacks == expected)
    #expect(policy.besideCallbacks.queryDelay(age: .seconds(7200), jitter: 0.5) == .seconds(120))
    #expect(policy.besideCallbacks.suited(toImageSize: "4k").firstQueryDelay == .seconds(80))
    #expect(policy.suited(toImageSize: "4k").besideCallbacks.firstQueryDelay == .seconds(80))
  }

  @Test(arguments: [
    (0, "0 ms"), (999, "999 ms"), (1000, "1 s"), (119_999, "119 s"), (120_000, "2 min"), (7_199_000, "119 min"),
    (7_200_000, "2 h"), (172_799_000, "47 h"), (172_800_000, "2 d"),
  ])
  func briefDurations(milliseconds: Int, text: String) {
    #expect(Duration.milliseconds(milliseconds).brief == text)
  }
}
