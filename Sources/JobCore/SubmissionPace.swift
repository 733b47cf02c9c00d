/// How many submissions may begin within any minute. Time is monotonic and passed in.
public struct SubmissionPace: Sendable {
  private let perMinute: Int
  private var recent: [Duration] = []
  private var head = 0

  /// Makes a pace; 0 means no limit.
  public init(perMinute: Int) { self.perMinute = perMinute }

  /// When the next submission may begin: `now` or later.
  public mutating func next(at now: Duration) -> Duration {
    guard perMinute > 0 else { return now }
    while head < recent.count, recent[head] + .seconds(60) <= now { head += 1 }
    if head > 1024 {
      recent.removeFirst(head)
      head = 0
    }
    return recent.count - head < perMinute ? now : recent[recent.count - perMinute] + .seconds(60)
  }

  /// A submission begins now.
  public mutating func began(at now: Duration) {
    if perMinute > 0 { recent.append(now) }
  }
}
