/// Time, random numbers and ids, from outside: whatever is not determined by a function's arguments comes from here, so that a
/// three-day outage is a test of milliseconds.
public struct Surroundings: Sendable {
  /// The wall clock.
  public var wallClock: @Sendable () -> Timestamp
  /// A clock that never jumps, as the time since a fixed start.
  public var monotonic: @Sendable () -> Duration
  /// Returns at that monotonic moment, or throws `CancellationError` when its task is cancelled first.
  public var sleep: @Sendable (_ until: Duration) async throws -> Void
  /// A number in 0..<1.
  public var jitter: @Sendable () -> Double
  /// A new unique id, a UUID in the usual form.
  public var newID: @Sendable () -> String
  /// A new secret for a callback URL: 43 characters of A-Z, a-z, 0-9, - and _, from 256 bits that nobody can guess.
  public var newSecret: @Sendable () -> String
  /// Which boot of the machine this is.
  public var bootID: String

  /// Makes surroundings.
  public init(
    wallClock: @escaping @Sendable () -> Timestamp, monotonic: @escaping @Sendable () -> Duration,
    sleep: @escaping @Sendable (Duration) async throws -> Void, jitter: @escaping @Sendable () -> Double,
    newID: @escaping @Sendable () -> String, newSecret: @escaping @Sendable () -> String, bootID: String
  ) {
    self.wallClock = wallClock
    self.monotonic = monotonic
    self.sleep = sleep
    self.jitter = jitter
    self.newID = newID
    self.newSecret = newSecret
    self.bootID = bootID
  }
}
