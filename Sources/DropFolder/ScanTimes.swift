/// When everything is looked through, and how long that takes.
struct ScanTimes {
  typealias Instant = ContinuousClock.Instant

  /// How often, unless it takes long; zero: only when it is asked for.
  private let interval: Duration
  /// Whether it is under way.
  private(set) var isScanning = false
  private var isWanted = true
  // What is being looked through has taken this long so far, whether it is everything or less.
  private var time: Duration = .zero
  private var lastTime: Duration = .zero
  private var endedAt: Instant = .now
  private var next: Instant = .distantFuture

  // A look at everything may take a hundredth of the time, one at what is polled a twentieth, and one after lost events a tenth.
  private static let share = 100
  private static let pollShare = 20
  private static let overflowShare = 10

  init(every interval: Duration) { self.interval = interval }

  mutating func want() { isWanted = true }

  // However often events were lost: the look at everything finds what came of all of them.
  private var afterOverflow: Instant { endedAt + lastTime * Self.overflowShare }

  /// Whether it begins now.
  mutating func begins(at now: Instant, hasOverflowed: Bool) -> Bool {
    if interval > .zero && now >= next { isWanted = true }
    guard !isScanning else { return false }
    if hasOverflowed && now >= afterOverflow { isWanted = true }
    guard isWanted else { return false }
    (isScanning, isWanted, time) = (true, false, .zero)
    return true
  }

  mutating func worked(for time: Duration) { self.time += time }

  /// Nothing is left to be looked through. When what is polled is looked through next, and whether everything was now.
  mutating func ended(at end: Instant, pollInterval: Duration) -> (nextPoll: Instant, wasScan: Bool) {
    defer { (isScanning, time) = (false, .zero) }
    if isScanning {
      (endedAt, lastTime) = (end, time)
      next = end + max(interval, time * Self.share)
    }
    return (end + max(pollInterval, time * Self.pollShare), isScanning)
  }

  /// When it begins by itself; nil: it is under way, or has to be asked for.
  func nextBegin(hasOverflowed: Bool) -> Instant? {
    guard !isScanning else { return nil }
    let regular = interval > .zero ? next : nil
    return hasOverflowed ? min(afterOverflow, regular ?? afterOverflow) : regular
  }
}

extension ContinuousClock.Instant {
  static var distantFuture: Self { .now + .seconds(3600 * 24 * 365) }
}
