/// How much may be spent in a UTC day; nil: no limit.
public struct SpendLimits: Hashable, Sendable {
  /// Submissions a day, over all roots.
  public var submissions: Int?
  /// Credits a day, over all roots.
  public var credits: Credits?
  /// Submissions a day, for each root.
  public var rootSubmissions: Int?
  /// Credits a day, for each root.
  public var rootCredits: Credits?
  /// What a picture costs, where the user says so.
  public var price: Credits?

  /// No limits.
  public init() {}

  /// Whether anything is limited.
  public var areSet: Bool { submissions != nil || credits != nil || rootSubmissions != nil || rootCredits != nil }
}

/// What a price depends on.
public struct PriceKey: Hashable, Sendable {
  /// The model.
  public var model: String
  /// `1k`, `2k`, …; nil: the service's own choice.
  public var size: String?
  /// Makes a key.
  public init(model: String, size: String?) {
    self.model = model
    self.size = size
  }
}

/// One submission on the bill: written down with the intent, so before the POST.
public struct Charge: Hashable, Sendable {
  /// The submission.
  public var attemptID: String
  /// Its prompt's root.
  public var root: RootID
  /// The folder of its prompt, below the root.
  public var folder: DropPath
  /// What was asked for.
  public var kind: PriceKey
  /// The UTC day that it counts for, in days since 1970-01-01.
  public var day: Int64
  /// What was set aside for it, decimal; nil: nobody knows what it costs.
  public var reserved: String?
  /// What the service says that it cost, decimal; nil: nothing yet.
  public var consumed: String?

  /// Makes a charge.
  public init(
    attemptID: String, root: RootID, folder: DropPath, kind: PriceKey, day: Int64, reserved: String?,
    consumed: String? = nil
  ) {
    self.attemptID = attemptID
    self.root = root
    self.folder = folder
    self.kind = kind
    self.day = day
    self.reserved = reserved
    self.consumed = consumed
  }

  // What counts for the limits: the truth once it is known, else what was set aside.
  var amount: Credits? { (consumed ?? reserved).flatMap(Credits.init) }
}

/// The day's spending, against which each submission is held before it begins. Its truth is in the journal: a restart
/// loads it, and a day that was begun is never begun again, whichever way the clock is turned.
public struct SpendBook: Sendable {
  /// Whether a submission may begin.
  public enum Permission: Hashable, Sendable {
    /// Yes, with this much set aside; nil: nobody knows what it costs.
    case go(reserve: Credits?)
    /// Not before the day is over: a limit of this root, or of all of them.
    case wait(until: Timestamp, JobError, wholeAgent: Bool)
    /// One whose price nobody knows is open: its price is waited for.
    case waitForPrice(JobError)
  }

  private struct Total {
    var submissions = 0
    var credits = Credits.zero
    var unknown = 0
  }

  // A day may have a million of them: of each there is only what counts for the totals, and of its id only whether it is the
  // same, which 128 bits of a keyed hash tell.
  private struct Submission: Hashable {
    let high, low: Int
    init(_ attemptID: String) {
      var (first, second) = (Hasher(), Hasher())
      second.combine(1 as UInt8)
      first.combine(attemptID)
      second.combine(attemptID)
      (high, low) = (first.finalize(), second.finalize())
    }
  }

  // In this order 32 bytes, in the other 48.
  private struct Entry: Equatable {
    var amount: Credits?
    var root: RootID
  }

  /// The limits.
  public let limits: SpendLimits
  private var day: Int64?
  private var charges: [Submission: Entry] = [:]
  private var all = Total()
  private var roots: [RootID: Total] = [:]
  private var prices: [PriceKey: Credits] = [:]

  /// Makes an empty book.
  public init(limits: SpendLimits) { self.limits = limits }

  /// The UTC day of a moment, in days since 1970-01-01.
  public static func day(of moment: Timestamp) -> Int64 {
    let (days, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
    return rest < 0 ? days - 1 : days
  }

  /// Whether the book has to be opened for this moment's day: with `open`, from the journal.
  public func needsOpening(at now: Timestamp) -> Bool { day != Self.day(of: now) }

  /// Opens the book for a day with what the journal has of it, and with the highest price seen of each kind.
  public mutating func open(day: Int64, charges: [Charge], prices: [PriceKey: Credits]) {
    self.day = day
    self.charges = [:]
    all = Total()
    roots = [:]
    self.prices = prices
    for charge in charges { add(charge) }
  }

  /// What one of this kind will cost, as far as anybody knows.
  public func price(of kind: PriceKey) -> Credits? { limits.price ?? prices[kind] }

  /// Whether a submission for this root may begin. The book is open for the moment's day.
  public func permission(root: RootID, kind: PriceKey, at now: Timestamp) -> Permission {
    let price = price(of: kind)
    guard limits.areSet else { return .go(reserve: price) }
    let midnight = Timestamp(milliseconds: (Self.day(of: now) + 1) * 86_400_000)
    let scopes = [
      (all, limits.submissions, limits.credits, true),
      (roots[root] ?? Total(), limits.rootSubmissions, limits.rootCredits, false),
    ]
    for (total, submissions, credits, isAll) in scopes {
      let whose = isAll ? "" : " of this folder"
      if let submissions, total.submissions >= submissions {
        return .wait(
          until: midnight,
          Self.limit("\(total.submissions) submissions were made today, and the limit\(whose) is \(submissions)."),
          wholeAgent: isAll)
      }
      guard let credits else { continue }
      let isSpent = price.map { total.credits + $0 > credits } ?? (total.credits >= credits)
      if isSpent {
        let next = price.map { ", the next picture needs \($0.text)" } ?? ""
        return .wait(
          until: midnight,
          Self.limit(
            "\(total.credits.text) credits are used or reserved today\(next), and the limit\(whose) is \(credits.text)."
          ),
          wholeAgent: isAll)
      }
      if total.unknown > 0 {
        return .waitForPrice(
          JobError(
            code: .priceUnknown,
            message:
              "With a limit on credits, pictures of unknown price are made one at a time, and one is being made.",
            hint:
              "To make several at once, set the price of a picture (--price). If the one that is being made is held, decide "
              + "about it.",
            retryable: true))
      }
    }
    return .go(reserve: price)
  }

  private static func limit(_ message: String) -> JobError {
    JobError(
      code: .dailyLimit, message: message,
      hint: "promptdrop goes on by itself after midnight UTC. To go on now, raise the limit and restart promptdrop.",
      retryable: true)
  }

  /// Enters what a sidecar reports: it changes nothing that is known, and teaches no price.
  public mutating func enterReported(_ charge: Charge) {
    if charge.day == day, charges[Submission(charge.attemptID)] == nil { add(charge) }
  }

  /// Enters a submission, or what has become known of one. Whether the day's total fell.
  @discardableResult public mutating func enter(_ charge: Charge) -> Bool {
    defer { learn(charge) }
    guard charge.day == day else { return false }
    let before = all.credits
    let entry = entry(charge)
    if let known = charges.updateValue(entry, forKey: Submission(charge.attemptID)) {
      // What was entered when it was set aside comes once more with the commit.
      if known == entry { return false }
      uncount(known)
    }
    count(entry)
    return all.credits < before
  }

  private mutating func learn(_ charge: Charge) {
    // A failed task costs nothing, which says nothing of what a picture costs.
    guard let consumed = charge.consumed.flatMap(Credits.init), consumed > .zero else { return }
    prices[charge.kind] = max(consumed, prices[charge.kind] ?? .zero)
  }

  /// A submission was not accepted: what was set aside for it is free again.
  public mutating func release(_ attemptID: String) { remove(attemptID) }

  /// What the day has cost so far: submissions, and credits spent or set aside.
  public var today: (submissions: Int, credits: Credits) { (all.submissions, all.credits) }

  // Begun before anybody said what a picture costs, it counts as what the user says.
  private func entry(_ charge: Charge) -> Entry {
    Entry(amount: charge.amount ?? limits.price, root: charge.root)
  }

  private mutating func add(_ charge: Charge) {
    let entry = entry(charge)
    charges[Submission(charge.attemptID)] = entry
    count(entry)
  }

  private mutating func remove(_ attemptID: String) {
    if let entry = charges.removeValue(forKey: Submission(attemptID)) { uncount(entry) }
  }

  private mutating func count(_ entry: Entry) {
    change(entry) { total, amount in
      total.submissions += 1
      if let amount { total.credits = total.credits + amount } else { total.unknown += 1 }
    }
  }

  private mutating func uncount(_ entry: Entry) {
    change(entry) { total, amount in
      total.submissions -= 1
      if let amount { total.credits = total.credits - amount } else { total.unknown -= 1 }
    }
  }

  private mutating func change(_ entry: Entry, _ change: (inout Total, Credits?) -> Void) {
    change(&all, entry.amount)
    change(&roots[entry.root, default: Total()], entry.amount)
  }
}
