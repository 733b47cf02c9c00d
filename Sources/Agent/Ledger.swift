import JobCore

/// What is spent, and what waits because of it. The truth is in the journal, which is read once a day.
final class Ledger {
  /// A limit that is reached: until when nothing more is begun, and why.
  struct Limit {
    var until: Timestamp
    var error: JobError
  }

  private let journal: any JobJournal
  private let surroundings: Surroundings
  private let roots: [RootID]
  private var book: SpendBook
  private let opening = AsyncSemaphore(1)
  private var limits: [RootID: Limit] = [:]
  // Roots in which nothing can be written, and when they are tried again, monotonic.
  private var paused: [RootID: Duration] = [:]
  private var missingPrice: JobError?
  // Whether the limits are to be weighed anew, and when that was last done, monotonic.
  private var isLifting = false
  private var liftedAt: Duration?
  // Seldom enough that a long backlog costs nothing, unless there is nothing else to do.
  private static let betweenLifts: Duration = .seconds(60)
  private static let betweenLiftsWhenIdle: Duration = .seconds(1)

  init(_ limits: SpendLimits, _ roots: [RootID], _ journal: any JobJournal, _ surroundings: Surroundings) {
    self.journal = journal
    self.surroundings = surroundings
    self.roots = roots
    book = SpendBook(limits: limits)
  }

  private var now: Duration { surroundings.monotonic() }
  private var wallClock: Timestamp { surroundings.wallClock() }

  /// The day so far: submissions, and credits spent or set aside.
  var today: (submissions: Int, credits: Credits) { book.today }

  /// The day's bill, for who only reckons with it.
  var bill: SpendBook { book }

  /// What one of this kind will cost, as far as anybody knows.
  func price(of kind: PriceKey) -> Credits? { book.price(of: kind) }

  // MARK: the book

  /// The book is open for today when this returns.
  func open() async throws {
    guard book.needsOpening(at: wallClock) else { return }
    let turn = await opening.acquire()
    // Somebody may have opened it meanwhile, and midnight may pass.
    while book.needsOpening(at: wallClock) {
      let day = SpendBook.day(of: wallClock)
      let (charges, prices) = (try await journal.charges(day: day), try await journal.prices())
      book.open(day: day, charges: charges, prices: prices)
    }
    turn.release()
  }

  /// Sets aside what a submission will cost, where it may begin.
  func reserve(_ attemptID: String, for slot: SlotKey, of job: Job) async throws -> SpendBook.Permission {
    if book.needsOpening(at: wallClock) { try await open() }
    let kind = Billing.kind(of: slot, in: job)
    let permission = book.permission(root: job.file.root, kind: kind, at: wallClock)
    // At once, because others may be asking in the same moment; the journal has it with the intent.
    if case .go(let amount) = permission {
      book.enter(
        Charge(
          attemptID: attemptID, root: job.file.root, folder: job.file.path.directory, kind: kind,
          day: SpendBook.day(of: wallClock), reserved: amount?.text))
    }
    return permission
  }

  /// The submission does not begin after all.
  func release(_ attemptID: String) { book.release(attemptID) }

  /// Changes are in the journal: the book follows. When the limits are to be weighed anew, where something that was set
  /// aside is free again.
  func apply(_ changes: [JournalChange]) -> Duration? {
    var isFreed = false
    for change in changes {
      switch change.unannounced {
      case .charge(let charge): if book.enter(charge) { isFreed = true }
      case .chargeReported(let charge): book.enterReported(charge)
      case .release(let attemptID):
        book.release(attemptID)
        isFreed = true
      default: continue
      }
      missingPrice = nil
    }
    guard isFreed, !limits.isEmpty, !isLifting else { return nil }
    isLifting = true
    return max(now, liftedAt.map { $0 + Self.betweenLifts } ?? now)
  }

  // MARK: limits that are reached

  /// The roots that may submit, and when the first of the others may, monotonic.
  func openRoots() -> (roots: [RootID], next: Duration?) {
    let (wall, now) = (wallClock, now)
    limits = limits.filter { $0.value.until > wall }
    paused = paused.filter { $0.value > now }
    let ends = limits.values.map { now + max(.zero, $0.until - wall) } + paused.values
    return (roots.filter { limits[$0] == nil && paused[$0] == nil }, ends.min())
  }

  /// Nothing can be written in this root: its prompts wait together, and a few of them try after `pause`. Whether that is
  /// new.
  func pause(_ root: RootID, for pause: Duration) -> Bool {
    paused.updateValue(now + pause, forKey: root) == nil
  }

  /// Nothing more of this root, or of all, before the day is over. Whether that is new.
  func limit(_ root: RootID, wholeAgent: Bool, _ limit: Limit) -> Bool {
    let newly = (wholeAgent ? roots : [root]).filter { limits[$0]?.error.code != limit.error.code }
    for root in newly { limits[root] = limit }
    return !newly.isEmpty
  }

  /// The limits that hold, by their roots.
  var limitsNow: [(root: RootID, limit: Limit)] {
    limits.filter { $0.value.until > wallClock }.sorted { $0.key.number < $1.key.number }
      .map { (root: $0.key, limit: $0.value) }
  }

  /// The clock was set: days and limits are others.
  func clockWasSet() {
    limits = [:]
    missingPrice = nil
  }

  /// Whether the limits are to be weighed anew.
  var wantsLift: Bool { isLifting }

  /// When that is done where nothing is under way any more; nil: not at all, or not before its time.
  func liftWhenIdle() -> Duration? {
    guard isLifting, let liftedAt else { return nil }
    return max(now, liftedAt + Self.betweenLiftsWhenIdle)
  }

  /// The limits are being weighed anew. False: they were already.
  func beginLift() -> Bool {
    guard isLifting else { return false }
    (isLifting, liftedAt) = (false, now)
    return true
  }

  /// Nothing is limited until it is found so again.
  func lift() { limits = [:] }

  // MARK: prices that nobody knows

  /// One is under way whose price nobody knows: the next begins when that is known, or with the next day. The end of that
  /// day; nil where this was known.
  func waitForPrice(_ why: JobError) -> Timestamp? {
    guard missingPrice == nil else { return nil }
    missingPrice = why
    return Timestamp(milliseconds: (SpendBook.day(of: wallClock) + 1) * 86_400_000)
  }

  /// Why nothing begins until a price is known; nil: it may.
  func priceWait() -> JobError? {
    // A new day begins with nothing open.
    if missingPrice != nil, book.needsOpening(at: wallClock) { missingPrice = nil }
    return missingPrice
  }
}

// What the ledger says, as it concerns what waits.
extension Pipeline {
  /// Nothing can be written in this root: its prompts wait together, and a few of them try in a while.
  func pause(_ root: RootID) {
    guard ledger.pause(root, for: settings.policy.localTroubleDelay) else { return }
    for key in backlog.leaveToJournal(allBut: 0) { jobs.forget(key.job) }
  }

  /// Nothing more of this root, or of all, before the day is over.
  func limit(_ root: RootID, wholeAgent: Bool, until: Timestamp, _ why: JobError) {
    guard ledger.limit(root, wholeAgent: wholeAgent, .init(until: until, error: why)) else { return }
    observer.notice(.warning, why)
    // A few say it in their sidecars; a long backlog stays in the journal, which knows that it waits.
    for key in backlog.leaveToJournal(allBut: wholeAgent ? 64 : backlog.count) { jobs.forget(key.job) }
  }

  /// Nothing is under way any more: what may be lifted is lifted soon.
  func liftWhenIdle() {
    if jobs.isIdle, let due = ledger.liftWhenIdle() { schedule(.liftLimits, at: due) }
  }

  /// What waits for the next day may have room today.
  func liftLimits() async {
    guard ledger.beginLift() else { return }
    do {
      try await record([.limitsMayHaveEnded(at: wallClock)])
    } catch {
      return fail(error)
    }
    ledger.lift()
    backlog.journalHasNew()
    pump()
  }

  /// One is under way whose price nobody knows: the next begins when that is known, or with the next day.
  func waitForPrice(_ why: JobError) {
    guard let midnight = ledger.waitForPrice(why) else { return }
    observer.notice(.info, why)
    backlog.wake(at: monotonic(midnight))
  }
}

extension JournalChange {
  /// What waits for the end of a day, or for a moment that no wait reaches, may be weighed anew.
  static func limitsMayHaveEnded(at now: Timestamp) -> JournalChange {
    .undelay(code: .dailyLimit, beyond: now + RetryPolicy.longestWait * 2, now: now)
  }
}
