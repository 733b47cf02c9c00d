import JobCore
import TestKit
import Testing

/// The day's limits, one by one. What holds over any history is in `SpendBookModelTests`.
@Suite struct SpendBookTests {
  private let kind = PriceKey(model: "m", size: "2k")
  private let today = SpendBook.day(of: start)

  private func credits(_ text: String) throws -> Credits { try #require(Credits(text)) }

  private func book(
    submissions: Int? = nil, credits: String? = nil, rootSubmissions: Int? = nil, rootCredits: String? = nil,
    price: String? = nil, charges: [Charge] = [], prices: [PriceKey: Credits] = [:]
  ) -> SpendBook {
    var limits = SpendLimits()
    limits.submissions = submissions
    limits.credits = credits.flatMap(Credits.init)
    limits.rootSubmissions = rootSubmissions
    limits.rootCredits = rootCredits.flatMap(Credits.init)
    limits.price = price.flatMap(Credits.init)
    var book = SpendBook(limits: limits)
    book.open(day: today, charges: charges, prices: prices)
    return book
  }

  private func charge(
    _ id: String, root: Int64 = 1, day: Int64? = nil, reserved: String? = nil, consumed: String? = nil
  ) -> Charge {
    Charge(
      attemptID: id, root: RootID(root), folder: DropPath("a"), kind: kind, day: day ?? today, reserved: reserved,
      consumed: consumed)
  }

  private func may(_ book: SpendBook, root: Int64 = 1, at now: Timestamp = start) -> SpendBook.Permission {
    book.permission(root: RootID(root), kind: kind, at: now)
  }

  @Test func withoutLimitsEverythingGoes() throws {
    var book = book()
    for number in 0..<1000 { book.enter(charge("\(number)", consumed: "99999")) }
    #expect(may(book) == .go(reserve: try credits("99999")))
    #expect(book.today.submissions == 1000 && book.today.credits.text == "99999000")
  }

  @Test func whatIsSetAsideIsThePriceGivenElseTheHighestSeen() throws {
    #expect(may(book()) == .go(reserve: nil))
    var seen = book(prices: [kind: try credits("0.3")])
    #expect(may(seen) == .go(reserve: try credits("0.3")))
    seen.enter(charge("1", consumed: "0.2"))
    #expect(may(seen) == .go(reserve: try credits("0.3")), "a cheap one does not lower it")
    seen.enter(charge("2", day: today - 3, consumed: "0.4"))
    #expect(may(seen) == .go(reserve: try credits("0.4")), "what an earlier day's cost is a price too")
    #expect(seen.today.submissions == 1, "and counts for that day")
    #expect(may(book(price: "0.1", prices: [kind: try credits("0.3")])) == .go(reserve: try credits("0.1")))
  }

  @Test func theLastOneIsLetThroughAndTheNextWaitsForMidnight() throws {
    var book = book(submissions: 2)
    book.enter(charge("1"))
    #expect(may(book) == .go(reserve: nil))
    book.enter(charge("2"))
    guard case .wait(let until, let error, let wholeAgent) = may(book) else {
      Issue.record("\(may(book))")
      return
    }
    #expect(until.rfc3339 == "2026-02-01T00:00:00.000Z" && wholeAgent)
    #expect(error.code == "daily-limit" && error.retryable && error.message.contains("2"))
    #expect(error.hint?.isEmpty == false)
    book.release("1")
    #expect(may(book) == .go(reserve: nil), "a refused one is free again")
    book.release("1")
    book.enter(charge("3"))
    #expect(may(book) != .go(reserve: nil), "freed once")
  }

  @Test func aRootsLimitIsItsOwn() throws {
    var book = book(rootSubmissions: 1, rootCredits: "1", price: "0.6")
    book.enter(charge("1", root: 1, reserved: "0.6"))
    guard case .wait(_, _, wholeAgent: false) = may(book, root: 1) else {
      Issue.record("\(may(book, root: 1))")
      return
    }
    #expect(may(book, root: 2) == .go(reserve: try credits("0.6")))
  }

  @Test func creditsToTheLastDigit() throws {
    var book = book(credits: "0.3", price: "0.1")
    for number in 1...3 {
      #expect(may(book) == .go(reserve: try credits("0.1")), "0.1 + 0.1 + 0.1 is 0.3")
      book.enter(charge("\(number)", reserved: "0.1"))
    }
    guard case .wait(_, let error, wholeAgent: true) = may(book) else {
      Issue.record("\(may(book))")
      return
    }
    #expect(error.message.contains("0.3"))
    // One was cheaper than was thought: by a hair too little, then enough.
    book.enter(charge("1", reserved: "0.1", consumed: "0.000000000000000001"))
    #expect(may(book) != .go(reserve: try credits("0.1")))
    book.enter(charge("1", reserved: "0.1", consumed: "0"))
    #expect(may(book) == .go(reserve: try credits("0.1")))
  }

  @Test func anUnknownPriceIsTriedOneAtATime() throws {
    var book = book(credits: "10")
    #expect(may(book) == .go(reserve: nil))
    book.enter(charge("1"))
    guard case .waitForPrice(let error) = may(book) else {
      Issue.record("\(may(book))")
      return
    }
    #expect(error.code == "price-unknown" && error.retryable && error.hint?.contains("--price") == true)
    book.enter(charge("1", consumed: "4"))
    #expect(may(book) == .go(reserve: try credits("4")))
    // Of a text that is no number, as good as none.
    book.enter(charge("2", consumed: "free"))
    #expect(may(book) != .go(reserve: try credits("4")))
    // Without a limit on credits there is nothing to wait for.
    #expect(may(self.book(submissions: 9, charges: [charge("1")])) == .go(reserve: nil))
  }

  @Test func anUnknownOutcomeKeepsWhatWasSetAside() throws {
    let book = book(credits: "1", price: "0.5", charges: [charge("1", reserved: "0.5"), charge("2", reserved: "0.5")])
    #expect(may(book) != .go(reserve: try credits("0.5")))
    #expect(book.today.credits.text == "1")
  }

  @Test func whatCostMoreThanWasSetAsideCountsInFull() throws {
    var book = book(credits: "10", prices: [kind: try credits("1")])
    book.enter(charge("1", reserved: "1"))
    book.enter(charge("1", reserved: "1", consumed: "9.5"))
    guard case .wait = may(book) else {
      Issue.record("\(may(book)): 9.5 of 10 are gone, and the next may cost 9.5")
      return
    }
  }

  // MARK: days

  @Test(arguments: [(0, 0), (-1, -1), (86_399_999, 0), (86_400_000, 1), (-86_400_000, -1), (-86_400_001, -2)])
  func days(milliseconds: Int64, day: Int64) {
    #expect(SpendBook.day(of: Timestamp(milliseconds: milliseconds)) == day)
  }

  @Test func midnightBeginsANewDay() throws {
    var book = book(submissions: 1)
    let midnight = Timestamp(milliseconds: (today + 1) * 86_400_000)
    let before = Timestamp(milliseconds: midnight.milliseconds - 1)
    book.enter(charge("1"))
    #expect(!book.needsOpening(at: before) && book.needsOpening(at: midnight))
    #expect(may(book, at: before) != .go(reserve: nil))
    book.open(day: today + 1, charges: [], prices: [:])
    #expect(!book.needsOpening(at: midnight) && book.needsOpening(at: before))
    #expect(may(book, at: midnight) == .go(reserve: nil))
    // What yesterday's costs becomes known today: it is yesterday's.
    book.enter(charge("1", consumed: "5"))
    #expect(book.today.submissions == 0 && book.today.credits == .zero)
    book.release("1")
    #expect(book.today.submissions == 0)
  }

  @Test func aNewBookHasToBeOpened() {
    #expect(SpendBook(limits: SpendLimits()).needsOpening(at: start))
  }

  /// A sidecar is somebody's file: it may add to the bill, and changes nothing that is on it.
  @Test func whatASidecarTellsChangesNothingThatIsKnown() {
    var book = SpendBook(limits: SpendLimits())
    book.open(day: today, charges: [charge("1", consumed: "5")], prices: [:])
    book.enterReported(charge("1", consumed: "0"))
    #expect(book.today.submissions == 1 && book.today.credits == Credits("5"))
    book.enterReported(charge("2", consumed: "999999"))
    book.enterReported(charge("2", consumed: "999999"))
    #expect(book.today.submissions == 2)
    #expect(book.price(of: charge("2").kind) == nil, "and teaches no price")
  }

  /// One whose price nobody knew when it was begun, and whose fate nobody knows: --price lets the others go.
  @Test func aPriceThatIsReportedLaterCounts() throws {
    #expect(may(book(credits: "10", charges: [charge("1")])).isWaitForPrice)
    #expect(may(book(credits: "10", price: "2", charges: [charge("1")])) == .go(reserve: try credits("2")))
    #expect(book(credits: "10", price: "2", charges: [charge("1")]).today.credits == Credits("2"))
  }
}

extension SpendBook.Permission {
  fileprivate var isWaitForPrice: Bool { if case .waitForPrice = self { true } else { false } }
}
