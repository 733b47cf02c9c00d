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
  private var breaker: SubmitBreaker
  private static let fullBudget = 10.0
  private static let budgetAfterOutage = 3.0
  private static let budgetAnAnswer = 0.5
  private var probeAt: Duration = .zero
  private let probeInterval: Duration
  private let firstProbe: Duration
  private var refusals: [(prompt: String, slot: SlotKey)] = []
  private var refusal: String?
  private var unclear = Refusals()
  // While the account is only suspected: how soon the next one tries.
  private var suspicionWait: Duration?

  /// Makes an open gate. `probeInterval`: how often a closed one is tried; `firstProbe`: how soon after a service went
  /// down.
  public init(probeInterval: Duration = .seconds(60), firstProbe: Duration = .seconds(5)) {
    self.probeInterval = probeInterval
    self.firstProbe = min(firstProbe, probeInterval)
    breaker = SubmitBreaker(interval: probeInterval)
  }

  /// What a caller may do now.
  public enum Permission: Hashable, Sendable {
    /// Submit.
    case submit
    /// Nothing before this moment.
    case wait(until: Duration)
    /// Ask the service with a query, which costs nothing, and report how it went.
    case probe
    /// Submit just one: only a submit can show whether the account is good again, and a refused one is free.
    case submitOne
  }

  /// What may be done now. `probe` and `submitOne` are given out once an interval.
  public mutating func permission(at now: Duration) -> Permission {
    guard now >= slowUntil else { return .wait(until: slowUntil) }
    guard let closed else { return breaker.permission(at: now) }
    guard now >= probeAt else { return .wait(until: probeAt) }
    probeAt = now + (suspicionWait ?? probeInterval)
    suspicionWait = suspicionWait.map { min($0 * 2, probeInterval) }
    return closed.trouble == .account ? .submitOne : .probe
  }

  /// The one submission that may begin is this slot's.
  public mutating func tries(_ slot: SlotKey) { breaker.tries(slot) }

  /// The service takes nothing. Whether this is news. `down`: a submission ended without an answer; which one, where that
  /// is known.
  public mutating func trouble(
    _ trouble: ServiceTrouble, _ error: JobError, at now: Duration, of submission: Submission? = nil
  ) -> Bool {
    // Several that were on their way together say it once; what counts is a trial that failed.
    if trouble == .down { breaker.failed(submission, at: now) }
    suspicionWait = nil
    return close(trouble, error, at: now)
  }

  /// Several prompts were refused with none accepted between: the account takes nothing, as far as anybody can tell. One
  /// prompt tries soon, the next after twice the time, until it is once an interval: it may be the prompts after all, and
  /// a refusal is free. Whether this is news.
  public mutating func suspectAccount(_ error: JobError, at now: Duration) -> Bool {
    guard closed?.trouble != .account else {
      closed?.error = error
      return false
    }
    let isNews = close(.account, error, at: now)
    let wait = probeInterval / 64
    (probeAt, suspicionWait) = (now + wait, wait * 2)
    return isNews
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

  /// What may be done now about a task that a callback names: it is a reason to ask at once, whatever is wrong with the
  /// service. Only a time that the service itself asked for is kept.
  public func callbackPermission(at now: Duration) -> Permission {
    now >= queriesSlowUntil ? .submit : .wait(until: queriesSlowUntil)
  }

  /// The service confirms that it accepted this attempt, whose outcome was unknown. Whether submissions go on because of
  /// that.
  public mutating func confirmed(_ attemptID: String) -> Bool { breaker.confirmed(attemptID) }

  // MARK: submissions

  /// A POST begins.
  public mutating func began(_ submission: Submission) { unclear.began(submission) }

  /// A POST ended in a way that says nothing of its prompt.
  public mutating func ended(_ submission: Submission) { unclear.ended(submission) }

  /// Nobody knows what became of a POST, and the service as a whole is not to blame.
  public mutating func unknown(_ submission: Submission, at now: Duration) { breaker.unknown(submission, at: now) }

  /// A submission was answered, whatever the answer: submissions are heard.
  public mutating func submitAnswered() { breaker.answered() }

  /// A submission did not get as far as the service: where it was the one that may try, the next may.
  public mutating func submitNotSent(_ slot: SlotKey? = nil) { breaker.notSent(slot) }

  /// What an accepted submission shows.
  public struct Acceptance: Hashable, Sendable {
    /// Whether it opened the gate.
    public var isOpening: Bool
    /// What was refused before and is those prompts' own.
    public var own: [SlotKey]
    /// What was blamed on the account and is to be tried again.
    public var again: [SlotKey]
  }

  /// The service accepted a submission.
  public mutating func accepted(_ submission: Submission) -> Acceptance {
    let (own, again) = unclear.accepted(submission)
    return Acceptance(isOpening: accepted(), own: own, again: again)
  }

  /// The service accepted a submission. Whether that opened the gate.
  public mutating func accepted() -> Bool {
    submitAnswered()
    refusals = []
    refusal = nil
    suspicionWait = nil
    defer { closed = nil }
    return closed != nil
  }

  // MARK: refusals

  /// What a refusal in unclear words leads to.
  public enum Ruling: Hashable, Sendable {
    /// It waits.
    case none
    /// It is the prompt's own: others were accepted meanwhile.
    case own
    /// These slots wait for the account. Whether it is suspected because of this one: then call `suspectAccount`.
    case account([SlotKey], isNew: Bool)
  }

  /// A prompt was refused in words that say nothing of the account, and nothing certain of the prompt.
  public mutating func refusedUnclearly(_ submission: Submission) -> Ruling {
    let isBlamed = closed?.trouble == .account
    switch unclear.refused(submission, isAccountBlamed: isBlamed) {
    case .none: return .none
    case .own: return .own
    case .account(let slots): return .account(slots, isNew: !isBlamed)
    }
  }

  /// An earlier process left this slot waiting with an unclear refusal. `prompt`: the hash of its text.
  public mutating func remember(_ slot: SlotKey, prompt: String, _ blame: Blame) {
    unclear.remember(slot, prompt: prompt, blame)
  }

  /// What followed from its refusal is carried out.
  public mutating func forget(_ slot: SlotKey) { unclear.forget(slot) }

  /// A prompt was refused with these words, which are about the prompt: as below.
  public mutating func refused(_ words: String, _ submission: Submission) -> [SlotKey] {
    unclear.answered(submission)
    return refused(words, prompt: submission.prompt, slot: submission.slot)
  }

  /// A prompt was refused with these words. The same words for three prompts in a row are not about the prompts:
  /// returns the slots that were refused with them.
  public mutating func refused(_ words: String, prompt: String, slot: SlotKey) -> [SlotKey] {
    // Refused again after the account was good again, it is the prompt after all.
    guard !unclear.wasExcused(slot) else { return [] }
    if refusal == words, closed?.trouble == .account {
      unclear.excuse([(prompt, slot)])
      return [slot]
    }
    if refusal != words { refusals = [] }
    refusal = words
    refusals.append((prompt, slot))
    // More than a few of one prompt say nothing new.
    if refusals.count > 100 { refusals.removeFirst() }
    guard Set(refusals.map(\.prompt)).count >= 3 else { return [] }
    defer { refusals = [] }
    unclear.excuse(refusals)
    return refusals.map(\.slot)
  }
}
