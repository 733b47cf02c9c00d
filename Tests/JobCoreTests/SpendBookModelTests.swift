import JobCore
import TestKit
import Testing

/// Random days of charges, releases, prices, restarts and clocks that are set, held against the bill itself, added up
/// anew each time: the book never lets through what the bill does not allow.
@Suite struct SpendBookModelTests {
  @Test(arguments: SplitMix64.seeds(4), [true, false])
  func neverMoreThanTheLimit(seed: UInt64, pricesAreKnown: Bool) throws {
    var random = SplitMix64(seed: seed)
    for round in 0..<60 {
      var world = SpendWorld(random: random, pricesAreKnown: pricesAreKnown)
      for step in 0..<150 {
        let broken = try world.step()
        try #require(broken == nil, "seed \(seed), round \(round), step \(step): \(broken ?? "")")
      }
      #expect(world.begun > 0)
      random = world.random
    }
  }
}

/// The agent's dealings with the book, and the journal's bill.
private struct SpendWorld {
  var random: SplitMix64
  var begun = 0
  private let pricesAreKnown: Bool
  private let limits: SpendLimits
  private var book: SpendBook
  private var now = start
  // What the journal has: it survives restarts.
  private var bill: [String: Charge] = [:]
  private var prices: [PriceKey: Credits] = [:]
  // What is under way, by its outcome: nil in doubt for ever.
  private var open: [String] = []

  private static let kinds = [
    PriceKey(model: "a", size: nil), PriceKey(model: "a", size: "2k"), PriceKey(model: "b", size: nil),
  ]
  private static let roots = [RootID(1), RootID(2)]

  init(random: SplitMix64, pricesAreKnown: Bool) {
    self.random = random
    self.pricesAreKnown = pricesAreKnown
    var limits = SpendLimits()
    let submissions = [nil, 0, 1, 3, 10]
    let amounts = [nil, "0", "0.5", "1.000000000000000001", "7.3"].map { $0.flatMap(Credits.init) }
    limits.submissions = self.random.one(of: submissions)
    limits.rootSubmissions = self.random.one(of: submissions)
    limits.credits = self.random.one(of: amounts)
    limits.rootCredits = self.random.one(of: amounts)
    if pricesAreKnown { limits.price = Credits("0.499999999999999999") }
    if limits.submissions == 0 || limits.credits == .zero { limits.submissions = nil; limits.credits = nil }
    if limits.rootSubmissions == 0 || limits.rootCredits == .zero {
      limits.rootSubmissions = 2; limits.rootCredits = nil
    }
    self.limits = limits
    book = SpendBook(limits: limits)
  }

  mutating func step() throws -> String? {
    switch Int.random(in: 0..<20, using: &random) {
    case 0: now = now + random.milliseconds(0...90_000_000)
    case 1: now = now + (.zero - random.milliseconds(0...200_000_000))
    case 2: book = SpendBook(limits: limits)  // A restart.
    case 3: load()  // The same day once more.
    case 4..<8: end()
    default: if let broken = try begin() { return broken }
    }
    return audit()
  }

  private mutating func load() {
    let day = SpendBook.day(of: now)
    book.open(day: day, charges: bill.values.filter { $0.day == day }, prices: prices)
  }

  private mutating func begin() throws -> String? {
    if book.needsOpening(at: now) { load() }
    let (root, kind) = (random.one(of: Self.roots), random.one(of: Self.kinds))
    let day = SpendBook.day(of: now)
    switch book.permission(root: root, kind: kind, at: now) {
    case .go(let reserve):
      if limits.price == nil, reserve != prices[kind] { return "sets \(String(describing: reserve)) aside" }
      begun += 1
      let charge = Charge(
        attemptID: "\(random.next())", root: root, folder: DropPath("a"), kind: kind, day: day, reserved: reserve?.text)
      let others = bill.values.filter { $0.day == day }
      for (some, limit) in [(others, limits.credits), (others.filter { $0.root == root }, limits.rootCredits)] {
        let isAnyOpen = some.contains { $0.reserved == nil && $0.consumed == nil }
        if limit != nil, isAnyOpen { return "one more while the price of another is unknown" }
      }
      bill[charge.attemptID] = charge
      book.enter(charge)
      open.append(charge.attemptID)
    case .wait(let until, _, let wholeAgent):
      if until != Timestamp(milliseconds: (day + 1) * 86_400_000) { return "waits until \(until.rfc3339)" }
      if !isSpent(day, nil, kind), wholeAgent || !isSpent(day, root, kind) { return "waits although there is room" }
    case .waitForPrice:
      let isAnyOpen = bill.values.contains { $0.day == day && $0.reserved == nil && $0.consumed == nil }
      if !isAnyOpen { return "waits for a price that is known" }
    }
    return nil
  }

  // Whether a limit is in the way, added up from the bill.
  private func isSpent(_ day: Int64, _ root: RootID?, _ kind: PriceKey) -> Bool {
    let (submissions, credits) = total(day, root)
    let price = limits.price ?? prices[kind]
    if let most = root == nil ? limits.submissions : limits.rootSubmissions, submissions >= most { return true }
    guard let most = root == nil ? limits.credits : limits.rootCredits else { return false }
    return price.map { credits + $0 > most } ?? (credits >= most)
  }

  private func total(_ day: Int64, _ root: RootID?) -> (submissions: Int, credits: Credits) {
    let some = bill.values.filter { $0.day == day && (root == nil || $0.root == root) }
    return (some.count, some.reduce(.zero) { $0 + (($1.consumed ?? $1.reserved).flatMap(Credits.init) ?? .zero) })
  }

  // What became of one that is under way: refused, in doubt for ever, or what it cost is known, perhaps by and by.
  private mutating func end() {
    guard !open.isEmpty else { return }
    let index = Int.random(in: open.indices, using: &random)
    let id = open[index]
    guard var charge = bill[id] else { return }
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<3 where charge.consumed == nil:
      open.remove(at: index)
      bill[id] = nil
      book.release(id)
    case 3: open.remove(at: index)
    default:
      let amounts =
        pricesAreKnown ? ["0", "0.1", "0.499999999999999999"] : ["0.1", "0.5", "2", "0.000000000000000001"]
      let consumed = random.one(of: amounts)
      charge.consumed = consumed
      // A cost that is told by and by can rise after the rest was let go: only the last word is a known price.
      if pricesAreKnown || random.percent(70) { open.remove(at: index) }
      bill[id] = charge
      book.enter(charge)
      if let amount = Credits(consumed) { prices[charge.kind] = max(amount, prices[charge.kind] ?? .zero) }
    }
  }

  private func audit() -> String? {
    for day in Set(bill.values.map(\.day)) {
      for root in [nil] + Self.roots.map(Optional.some) {
        let (submissions, credits) = total(day, root)
        if let most = root == nil ? limits.submissions : limits.rootSubmissions, submissions > most {
          return "\(submissions) submissions on day \(day), the limit is \(most)"
        }
        // Only where no picture costs more than was set aside for it.
        if pricesAreKnown, let most = root == nil ? limits.credits : limits.rootCredits, credits > most {
          return "\(credits.text) credits on day \(day), the limit is \(most.text)"
        }
      }
    }
    if !book.needsOpening(at: now) {
      let (submissions, credits) = total(SpendBook.day(of: now), nil)
      if book.today != (submissions, credits) {
        return "the book says \(book.today), the bill \((submissions, credits))"
      }
    }
    return nil
  }
}
