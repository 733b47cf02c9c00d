/// Notices when the wall clock was set: moments that were written down by it have to move along, or a back-off of two
/// seconds becomes one of a year. Sleep is no jump: the monotonic clock runs on through it.
public struct ClockWatch: Sendable {
  private static let tolerance: Duration = .seconds(10)
  private var wall: Timestamp
  private var monotonic: Duration

  /// Begins with the clocks as they are.
  public init(wall: Timestamp, monotonic: Duration) {
    self.wall = wall
    self.monotonic = monotonic
  }

  /// By how much the wall clock was set since the last look; nil while it runs as it should.
  public mutating func jump(wall now: Timestamp, monotonic moment: Duration) -> Duration? {
    let jump = (now - wall) - (moment - monotonic)
    wall = now
    monotonic = moment
    return jump > Self.tolerance || jump < .zero - Self.tolerance ? jump : nil
  }
}
