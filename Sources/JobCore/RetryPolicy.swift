/// When to try again: every delay of the agent, as pure arithmetic. `jitter` is a number in 0..<1 for the jitter.
public struct RetryPolicy: Hashable, Sendable {
  /// From acceptance to the first query.
  public var firstQueryDelay: Duration
  /// The least time between two queries of a task.
  public var queryMin: Duration
  /// The most time between two queries of a task.
  public var queryMax: Duration
  /// A task that is still not final after this long is held.
  public var taskDeadline: Duration
  /// For how long after acceptance "task not found" means "not yet".
  public var notFoundGrace: Duration
  /// The first delay after a failure; it doubles with each further one.
  public var backOffBase: Duration
  /// The most that a back-off grows to.
  public var backOffMax: Duration
  /// For how long a picture that cannot be fetched is tried before its slot is held.
  public var fetchPatience: Duration
  /// For how long it is tried in all: as long as the URLs of such services live.
  public var resultLifetime: Duration
  /// How far apart two fetches have to be for the same damaged bytes to be the picture.
  public var damageGap: Duration
  /// The wait after a full disk or a read-only folder.
  public var localTroubleDelay: Duration
  /// The first wait of a prompt that was refused in unclear words; it doubles with each further refusal.
  public var refusalBase: Duration
  /// The most that it grows to.
  public static let longestRefusalDelay: Duration = .seconds(4 * 3600)

  /// The longest that anything is put off, whatever the service asks for: then it is tried again.
  public static let longestWait: Duration = .seconds(86_400)

  /// Makes a policy; the defaults are those of the configuration.
  public init(
    firstQueryDelay: Duration = .seconds(8), queryMin: Duration = .seconds(2), queryMax: Duration = .seconds(30),
    taskDeadline: Duration = .seconds(7200), notFoundGrace: Duration = .seconds(120),
    backOffBase: Duration = .seconds(2), backOffMax: Duration = .seconds(300),
    fetchPatience: Duration = .seconds(600), resultLifetime: Duration = .seconds(86_400),
    damageGap: Duration = .seconds(60), localTroubleDelay: Duration = .seconds(30), refusalBase: Duration = .seconds(60)
  ) {
    self.firstQueryDelay = firstQueryDelay
    self.queryMin = queryMin
    self.queryMax = queryMax
    self.taskDeadline = taskDeadline
    self.notFoundGrace = notFoundGrace
    self.backOffBase = backOffBase
    self.backOffMax = backOffMax
    self.fetchPatience = fetchPatience
    self.resultLifetime = resultLifetime
    self.damageGap = damageGap
    self.localTroubleDelay = localTroubleDelay
    self.refusalBase = refusalBase
  }

  /// The policy for pictures of this size: larger ones take longer, so the first look at them comes later.
  public func suited(toImageSize size: String?) -> RetryPolicy {
    var suited = self
    switch size {
    case "2k": suited.firstQueryDelay = firstQueryDelay * 3 / 2
    case "4k": suited.firstQueryDelay = firstQueryDelay * 5 / 2
    default: break
    }
    return suited
  }

  /// The policy where the service reports the end of a task by itself: it is still asked, because callbacks get lost,
  /// but more seldom.
  public var besideCallbacks: RetryPolicy {
    var slower = self
    slower.firstQueryDelay = firstQueryDelay * 4
    slower.queryMin = queryMin * 4
    slower.queryMax = queryMax * 4
    return slower
  }

  /// The delay before the next query of a task of this age: a quarter of the age, within the bounds, ± 20 %. A long
  /// task is asked for seldom, a short one is not kept waiting, and no counter has to be kept.
  public func queryDelay(age: Duration, jitter: Double) -> Duration {
    let span = min(max(age / 4, queryMin), queryMax)
    return span * (0.8 + 0.4 * jitter)
  }

  /// The delay after a query without a usable answer.
  public func queryFailureDelay(failures: Int, retryAfter: Duration?, jitter: Double) -> Duration {
    max(backOff(failures: failures, jitter: jitter), min(retryAfter ?? .zero, Self.longestWait))
  }

  /// The delay before a request that was not accepted is sent again.
  public func submitDelay(failures: Int, retryAfter: Duration?, jitter: Double) -> Duration {
    guard let retryAfter else { return backOff(failures: failures, jitter: jitter) }
    // Never earlier than asked; a little later, so that not everybody comes back at once.
    return max(backOff(failures: failures, jitter: jitter), min(retryAfter, Self.longestWait) + backOffBase * jitter)
  }

  /// The delay before a result is fetched again.
  public func fetchDelay(failures: Int, retryAfter: Duration?, jitter: Double) -> Duration {
    max(backOff(failures: failures, jitter: jitter), min(retryAfter ?? .zero, Self.longestWait))
  }

  /// The delay before a prompt is submitted again that was refused in unclear words, unless something shows before. A
  /// refusal is free, but what is wrong stays wrong: each wait is twice the last.
  public func refusalDelay(failures: Int) -> Duration {
    min(refusalBase * (1 << min(max(failures - 1, 0), 16)), Self.longestRefusalDelay)
  }

  // The pauses between two tries of a picture whose slot is held.
  private static let latePauses: ClosedRange<Duration> = .seconds(300) ... .seconds(3600)

  /// The longest pause between two tries, unless the image's host asks for a longer one.
  public var longestPause: Duration { max(backOffMax, Self.latePauses.upperBound * 1.2) }

  /// The pause before a picture is tried again whose slot is held, and that was waited for this long: half of that, from
  /// five minutes to an hour, ± 20 %.
  public func latePause(waited: Duration, retryAfter: Duration?, jitter: Double) -> Duration {
    let span = min(max(waited / 2, Self.latePauses.lowerBound), Self.latePauses.upperBound)
    return max(span * (0.8 + 0.4 * jitter), min(retryAfter ?? .zero, Self.longestWait))
  }

  /// Exponential, capped, with jitter over the upper half (so that it never collapses to nothing).
  public func backOff(failures: Int, jitter: Double) -> Duration {
    let doublings = min(max(failures - 1, 0), 16)
    let ceiling = min(backOffBase * (1 << doublings), backOffMax)
    return ceiling * (0.5 + 0.5 * jitter)
  }
}

extension Duration {
  /// For people: `3 s`, `12 min`, `5 h`.
  public var brief: String {
    let ms = milliseconds
    if ms < 1000 { return "\(ms) ms" }
    let seconds = ms / 1000
    if seconds < 120 { return "\(seconds) s" }
    if seconds < 7200 { return "\(seconds / 60) min" }
    return seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) d"
  }
}
