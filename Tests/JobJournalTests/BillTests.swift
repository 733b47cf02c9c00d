import JobCore
import TestKit
import Testing

/// The bill, to the last digit.
@Suite struct BillTests {
  private func charge(
    _ id: String, _ bench: JournalFixture, day: Int64 = 100, folder: String = "a", model: String = "m",
    size: String? = "2k", reserved: String? = nil, consumed: String? = nil
  ) -> Charge {
    Charge(
      attemptID: id, root: bench.root, folder: DropPath(folder), kind: PriceKey(model: model, size: size), day: day,
      reserved: reserved, consumed: consumed)
  }

  @Test(arguments: JournalMaker.all) func aChargeIsEnteredThenItsCost(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let begun = charge("a", bench, size: nil, reserved: "0.500000")
    #expect(try await bench.apply(.charge(begun)) == .applied)
    #expect(try await bench.journal.charges(day: 100) == [begun])
    #expect(try await bench.journal.charges(day: 99).isEmpty)
    #expect(try await bench.journal.prices().isEmpty, "what was set aside is no price")
    var known = begun
    known.consumed = "0.250000"
    try await bench.apply(.charge(known))
    #expect(try await bench.journal.charges(day: 100) == [known])
    try await bench.apply(.charge(begun))
    #expect(try await bench.journal.charges(day: 100) == [known], "a cost is not forgotten")
    #expect(try await bench.journal.prices() == [PriceKey(model: "m", size: nil): try #require(Credits("0.25"))])
    #expect(try await bench.apply(.release(attemptID: "a")) == .applied)
    #expect(try await bench.apply(.release(attemptID: "a")) == .stale)
    #expect(try await bench.journal.charges(day: 100).isEmpty)
    #expect(try await bench.journal.prices().count == 1, "a price outlives its bill")
  }

  /// Most are kept as numbers, and none may lose a zero by that.
  @Test(arguments: JournalMaker.all) func amountsComeBackLetterByLetter(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    var amounts = [
      "", "0", "00", "0.0", ".", "5.", ".5", "05", "0.050", "1..2", "1.2.3", "-1", "+1", "1e3", "٣", " 1", "1 ",
    ]
    amounts += ["9999999999999999", "0.99999999999999", "12345678901234567", "0.000000000000001", "100000000.000000"]
    for number in 0..<1000 { amounts.append("\(number / 100).\(number % 100)") }
    let changes = amounts.enumerated().map { index, amount in
      JournalChange.charge(charge("a-\(index)", bench, reserved: amount, consumed: amount))
    }
    _ = try await bench.journal.commit(changes)
    let charges = try await bench.journal.charges(day: 100)
    let found = Dictionary(uniqueKeysWithValues: charges.map { ($0.attemptID, $0) })
    for (index, amount) in amounts.enumerated() {
      #expect(found["a-\(index)"]?.consumed == amount && found["a-\(index)"]?.reserved == amount, "\(amount)")
    }
  }

  @Test(arguments: JournalMaker.all) func theHighestPriceOfEachKind(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    // By value, not by letter: "9" is less than "10", and "0.30" is no more than "0.3".
    for (id, consumed) in ["9", "10", "0.5", "9.99"].enumerated() {
      try await bench.apply(.charge(charge("m-\(id)", bench, consumed: consumed)))
    }
    for (id, consumed) in ["0.3", "0.30", "nonsense", ""].enumerated() {
      try await bench.apply(.charge(charge("n-\(id)", bench, model: "n", size: nil, consumed: consumed)))
    }
    let prices = try await bench.journal.prices()
    #expect(
      prices.mapValues(\.text) == [PriceKey(model: "m", size: "2k"): "10", PriceKey(model: "n", size: nil): "0.3"])
  }

  /// No size and an empty one are one kind in the file, so they are one in memory.
  @Test(arguments: JournalMaker.all) func anEmptySizeIsNone(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    for (id, (size, consumed)) in [(nil, "1"), ("", "3"), (nil, "2")].enumerated() {
      try await bench.apply(.charge(charge("\(id)", bench, size: size, consumed: consumed)))
    }
    #expect(try await bench.journal.prices().mapValues(\.text) == [PriceKey(model: "m", size: nil): "3"])
  }

  @Test(arguments: JournalMaker.all) func spendingAddsUpExactly(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    var changes = (0..<10).map { JournalChange.charge(charge("t-\($0)", bench, consumed: "0.1")) }
    changes += [
      .charge(charge("tiny", bench, consumed: "0.000000000000000001")),
      .charge(charge("large", bench, consumed: "123456789012345678")),
      .charge(charge("open", bench, reserved: "0.5")), .charge(charge("open-2", bench, reserved: "0.500")),
      .charge(charge("in doubt", bench)), .charge(charge("words", bench, reserved: "7", consumed: "words")),
      .charge(charge("other folder", bench, folder: "a/b", consumed: "0.500000")),
      .charge(charge("other model", bench, model: "n", consumed: "1.50")),
      .charge(charge("other day", bench, day: 101, consumed: "2")),
      .charge(charge("earlier", bench, day: 99, consumed: "3")),
    ]
    _ = try await bench.journal.commit(changes)
    let lines = try await bench.journal.spending(since: 100)
    #expect(lines.map(\.submissions) == [16, 1, 1, 1])
    #expect(lines.map(\.consumed) == ["123456789012345679.000000000000000001", "1.50", "0.500000", "2"])
    #expect(lines.map(\.reserved) == ["8.000", nil, nil, nil])
    #expect(lines.map(\.folder.display) == ["a", "a", "a/b", "a"] && lines.map(\.model) == ["m", "n", "m", "m"])
    #expect(try await bench.journal.spending(since: 102).isEmpty)
  }

  @Test(arguments: JournalMaker.all) func aSumLongerThanAnyAmount(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    for id in ["a", "b", "c"] { try await bench.apply(.charge(charge(id, bench, consumed: "999999999999999999"))) }
    let lines = try await bench.journal.spending(since: 100)
    #expect(lines.map(\.consumed) == ["2999999999999999997"])
  }

  @Test(arguments: JournalMaker.all) func twentyThousandParts(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    for part in 0..<10 {
      let changes = (0..<2000).map { JournalChange.charge(charge("\(part)-\($0)", bench, consumed: "0.100001")) }
      _ = try await bench.journal.commit(changes)
    }
    #expect(try await bench.journal.spending(since: 0).map(\.consumed) == ["2000.020000"])
  }

  // MARK: the clock

  @Test(arguments: JournalMaker.all) func aClockThatWasSetMovesWhatWaits(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let waits: [SlotState] = [
      .queued(Queued(notBefore: start + .seconds(60), error: trouble)), .queued(Queued()), .submitted(task), .done,
    ]
    for (index, state) in waits.enumerated() {
      try await bench.take(JobID("job-\(index)"), bench.file("\(index).prompt"), states: [state])
    }
    let year = Duration.seconds(365 * 86_400)
    func next() async throws -> Timestamp? {
      try await bench.journal.nextStart(roots: [bench.root], except: [slotKey(JobID("job-1"))])
    }
    #expect(try await bench.apply(.clockSet(by: year, after: start + .seconds(60))) == .stale, "it waits until then")
    #expect(try await bench.apply(.clockSet(by: year, after: start)) == .applied)
    #expect(try await next() == start + year + .seconds(60))
    #expect(try await bench.apply(.clockSet(by: .zero - year, after: start)) == .applied)
    #expect(try await next() == start + .seconds(60))
    let ready = try await bench.journal.startable(roots: [bench.root], at: start, limit: 9, except: [])
    #expect(ready == [slotKey(JobID("job-1"))], "what waits only for its turn keeps its place")
  }

  @Test(arguments: JournalMaker.all) func whatWaitsForALimitCanBeLetGo(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let limit = JobError(code: "daily-limit", message: "Enough for today.")
    let waits: [Queued] = [
      Queued(notBefore: start + .seconds(60), error: trouble), Queued(notBefore: start + .seconds(70), error: limit),
      Queued(notBefore: start + .seconds(999_999_999), error: trouble),
    ]
    for (index, queued) in waits.enumerated() {
      try await bench.take(JobID("job-\(index)"), bench.file("\(index).prompt"), states: [.queued(queued)])
    }
    let change = JournalChange.undelay(code: "daily-limit", beyond: start + .seconds(86_400), now: start)
    #expect(try await bench.apply(change) == .applied)
    let ready = try await bench.journal.startable(roots: [bench.root], at: start, limit: 9, except: [])
    #expect(Set(ready) == [slotKey(JobID("job-1")), slotKey(JobID("job-2"))])
    #expect(try await bench.journal.nextStart(roots: [bench.root], except: Set(ready)) == start + .seconds(60))
    #expect(try await bench.journal.slots(of: JobID("job-0"), revision: 1).first?.state == .queued(waits[0]))
  }
}
