/// Whether submissions may begin at all: what is the service's trouble is nobody's fault, so it stops the whole and
/// fails nothing. Time is monotonic and passed in.
public struct ServiceGate: Sendable {
  /// Why nothing is submitted.
  public struct Closed: Hashable, Sendable {
    /// What ends it.
    public var trouble: ServiceTrouble
    /// For the user.
    public var error: JobError
    /// When it began.
    public var since: Duration
  }

  /// Set while the service takes nothing.
  public private(set) var closed: Closed?
  private var slowUntil: Duration = .zero
  private var queriesSlowUntil: Duration = .zero
  // What is left for queries that fail: each takes one, each answer gives some back. Used up, the service is down.
  private var retryBudget = ServiceGate.fullBudget
  private var oddTasks = OddTasks()
  // One lost answer is no outage yet: the first query after it may go at once, and tells.
  private var queryMayTell = false
  // After a submission whose fate nobody knows, answered queries do not prove that submissions are answered too: one goes
  // out to try, and each failure doubles the wait before the next, so that a service that only queries survive holds a
  // handful of jobs.
  private struct Doubt {
    var failures = 1
    var trialAt: Duration
    // While a trial is out nothing else goes; should it never be heard of again, only for so long.
    var outUntil: Duration = .zero
  }
  private var doubt: Doubt?
  private static let longestDoubt: Duration = .seconds(4 * 3600)
  private static let longestTrial: Duration = .seconds(300)
  private static let fullBudget = 10.0
  private static let budgetAfterOutage = 3.0
  private static let budgetAnAnswer = 0.5
  private var probeAt: Duration = .zero
  private let probeInterval: Duration
  private let firstProbe: Duration
  private var refusals: [(prompt: String, slot: SlotKey)] = []
  private var refusal: String?

  /// Makes an open gate. `probeInterval`: how often a closed one is tried; `firstProbe`: how soon after a service went
  /// down.
  public init(probeInterval: Duration = .seconds(60), firstProbe: Duration = .seconds(5)) {
    self.probeInterval = probeInterval
    self.firstProbe = min(firstProbe, probeInterval)
  }

  /// What a caller may do now.
  public enum Permission: Hashable, Sendable {
    /// Submit.
    case submit
    /// Nothing before this moment.
    case wait(until: Duration)
    /// Ask the service with a query, which costs nothing, and report how it went.
    case probe
    /// Submit just one: only a submit can tell whether the account is good again, and a refused one is free.
    case submitOne
  }

  /// What may be done now. `probe` and `submitOne` are given out once an interval.
  public mutating func permission(at now: Duration) -> Permission {
    guard now >= slowUntil else { return .wait(until: slowUntil) }
    guard let closed else { return trial(at: now) }
    guard now >= probeAt else { return .wait(until: probeAt) }
    probeAt = now + probeInterval
    return closed.trouble == .account ? .submitOne : .probe
  }

  private mutating func trial(at now: Duration) -> Permission {
    guard let doubt else { return .submit }
    let next = max(doubt.trialAt, doubt.outUntil)
    guard now >= next else { return .wait(until: next) }
    self.doubt?.outUntil = now + Self.longestTrial
    return .submitOne
  }

  /// The service takes nothing. Whether this is news. `down`: a submission ended without an answer.
  public mutating func trouble(_ trouble: ServiceTrouble, _ error: JobError, at now: Duration) -> Bool {
    // Several that were on their way together say it once; what counts is a trial that failed.
    if trouble == .down, doubt.map({ $0.outUntil > .zero }) ?? true {
      let failures = (doubt?.failures ?? 0) + 1
      // The first time, a single lost answer: as soon as the service answers again. Then a minute, two, four, …
      let wait = failures == 1 ? .zero : min(probeInterval * (1 << min(failures - 2, 12)), Self.longestDoubt)
      doubt = Doubt(failures: failures, trialAt: now + wait)
    }
    return close(trouble, error, at: now)
  }

  private mutating func close(_ trouble: ServiceTrouble, _ error: JobError, at now: Duration) -> Bool {
    let isNews = closed?.trouble != trouble
    queryMayTell = isNews && trouble == .down && retryBudget >= 1
    closed = Closed(trouble: trouble, error: error, since: isNews ? now : closed?.since ?? now)
    // A single reset is common and soon over; an outage is tried once an interval.
    if isNews || probeAt <= now { probeAt = now + (isNews && trouble == .down ? firstProbe : probeInterval) }
    return isNews
  }

  /// The service asked for less.
  public mutating func slowDown(for duration: Duration, at now: Duration) {
    slowUntil = max(slowUntil, now + min(duration, .seconds(86_400)))
  }

  /// What may be done now about a task that is to be asked for: `.submit` stands for going ahead. While the service is
  /// down, one probe an interval goes out, not a query for each task.
  public mutating func queryPermission(at now: Duration) -> Permission {
    guard now >= queriesSlowUntil else { return .wait(until: queriesSlowUntil) }
    guard let closed, closed.trouble != .account else { return .submit }
    if queryMayTell {
      queryMayTell = false
      return .submit
    }
    guard now >= probeAt else { return .wait(until: probeAt) }
    probeAt = now + probeInterval
    return .probe
  }

  /// When a query that was not let out may be tried again.
  public func nextQuery(at now: Duration) -> Duration {
    let wait = max(now, queriesSlowUntil)
    guard let closed, closed.trouble != .account else { return wait }
    return max(wait, probeAt)
  }

  /// A query had no usable answer. Whether that is one too many, and news: the service counts as down.
  /// `task`: the one that was asked for; one that fails while others are answered says nothing of the service.
  public mutating func queryFailed(
    _ error: JobError, _ task: String? = nil, retryAfter: Duration?, at now: Duration
  ) -> Bool {
    if let retryAfter { queriesSlowUntil = max(queriesSlowUntil, now + min(retryAfter, .seconds(86_400))) }
    guard oddTasks.failed(task) else { return false }
    retryBudget = max(0, retryBudget - 1)
    return retryBudget < 1 && closed == nil ? close(.down, error, at: now) : false
  }

  /// An answer about a task says nothing of it. Whether so many were such that the service counts as down, and news.
  public mutating func queryUnusable(_ error: JobError, _ task: String, at now: Duration) -> Bool {
    oddTasks.unusable(task) && closed == nil ? close(.down, error, at: now) : false
  }

  /// The service answered a query as it should: of this task, or of none in particular. Whether that opened the gate.
  public mutating func queryAnswered(_ task: String? = nil) -> Bool {
    oddTasks.answered(task)
    retryBudget = min(Self.fullBudget, retryBudget + Self.budgetAnAnswer)
    guard let closed, closed.trouble != .account else { return false }
    retryBudget = max(retryBudget, Self.budgetAfterOutage)
    self.closed = nil
    return true
  }

  /// A submission was answered, whatever the answer: submissions are heard.
  public mutating func submitAnswered() { doubt = nil }

  /// A submission did not get as far as the service: the next may try.
  public mutating func submitNotSent() { doubt?.outUntil = .zero }

  /// The service accepted a submission. Whether that opened the gate.
  public mutating func accepted() -> Bool {
    submitAnswered()
    refusals = []
    refusal = nil
    defer { closed = nil }
    return closed != nil
  }

  /// A prompt was refused with these words. The same words for three prompts in a row are not about the prompts:
  /// returns the slots that were refused with them.
  public mutating func refused(_ words: String, prompt: String, slot: SlotKey) -> [SlotKey] {
    if refusal == words, closed?.trouble == .account { return [slot] }
    if refusal != words { refusals = [] }
    refusal = words
    refusals.append((prompt, slot))
    // More than a few of one prompt say nothing new.
    if refusals.count > 100 { refusals.removeFirst() }
    guard Set(refusals.map(\.prompt)).count >= 3 else { return [] }
    defer { refusals = [] }
    return refusals.map(\.slot)
  }
}
