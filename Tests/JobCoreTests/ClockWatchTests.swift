import JobCore
import TestKit
import Testing

@Suite struct ClockWatchTests {
  private static let year = Duration.seconds(365 * 86_400)

  @Test func aClockThatRunsAsItShouldIsNoJump() {
    var watch = ClockWatch(wall: start, monotonic: .seconds(7))
    for step in [Duration.zero, .milliseconds(1), .seconds(1), .seconds(3600), .seconds(86_400 * 365)] {
      #expect(watch.jump(wall: start + step, monotonic: .seconds(7) + step) == nil)
    }
  }

  /// A machine that sleeps for a night: both clocks run on.
  @Test func sleepIsNoJump() {
    var watch = ClockWatch(wall: start, monotonic: .zero)
    #expect(watch.jump(wall: start + .seconds(30_000), monotonic: .seconds(30_000)) == nil)
  }

  @Test(arguments: [1, -1]) func aYearEitherWayIsReportedOnce(sign: Int) {
    var watch = ClockWatch(wall: start, monotonic: .zero)
    let jump = Self.year * sign
    #expect(watch.jump(wall: start + jump + .seconds(60), monotonic: .seconds(60)) == jump)
    #expect(watch.jump(wall: start + jump + .seconds(61), monotonic: .seconds(61)) == nil)
    // And set right again.
    #expect(watch.jump(wall: start + .seconds(62), monotonic: .seconds(62)) == .zero - jump)
    #expect(watch.jump(wall: start + .seconds(63), monotonic: .seconds(63)) == nil)
  }

  /// A clock that is kept right by small steps is not told of, however often it is looked at.
  @Test(arguments: [(10_000, false), (10_001, true), (-10_000, false), (-10_001, true), (400, false)])
  func smallStepsAreNone(milliseconds: Int, isReported: Bool) {
    var watch = ClockWatch(wall: start, monotonic: .zero)
    let step = Duration.milliseconds(milliseconds)
    #expect(watch.jump(wall: start + step, monotonic: .zero) == (isReported ? step : nil))
    #expect(watch.jump(wall: start + step + .seconds(1), monotonic: .seconds(1)) == nil)
  }

  /// Whatever the clock is set to, what is told adds up to it, but for steps too small to matter.
  @Test(arguments: SplitMix64.seeds())
  func theJumpsAddUp(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var watch = ClockWatch(wall: start, monotonic: .zero)
    var (offset, reported, monotonic) = (Duration.zero, Duration.zero, Duration.zero)
    for round in 0..<1000 {
      monotonic += random.milliseconds(0...600_000)
      var set = Duration.zero
      if random.percent(10) { set = random.milliseconds(-100_000_000...100_000_000) }
      offset += set
      let jump = watch.jump(wall: start + monotonic + offset, monotonic: monotonic)
      try #require(jump == (abs(set.milliseconds) > 10_000 ? set : nil), "seed \(seed), round \(round): \(set)")
      reported += jump ?? set
      try #require(reported == offset, "seed \(seed), round \(round)")
    }
  }
}
