import JobCore

// What was spent: one row for a submission, from its intent on, for good.
extension Store {
  /// `isReported`: a sidecar tells it. Then it changes nothing that is known, and teaches no price.
  func enter(_ charge: Charge, isReported: Bool) throws -> ChangeResult {
    guard !isReported, let consumed = charge.consumed else {
      try add(charge, of: slot(of: charge.attemptID))
      return .applied
    }
    // What it cost is told of submissions that are on the bill already.
    let isKnown = try setConsumed(consumed, of: charge)
    if !isKnown { try add(charge, of: slot(of: charge.attemptID)) }
    guard let amount = Credits(consumed), amount > .zero else { return .applied }
    // A price is learned once and then stays: most jobs write nothing here.
    if try highestPrice(of: charge.kind).map({ $0 < amount }) ?? true {
      try connection.run(
        "INSERT OR REPLACE INTO price VALUES (?, ?, ?)", .text(charge.kind.model), .text(charge.kind.size ?? ""),
        .text(consumed))
      bill.prices[BillMemory.Price(charge.kind)] = amount
    }
    return .applied
  }

  /// Enters a charge, unless it is there already. `slot`: whose attempt it is, where that is known.
  func add(_ charge: Charge, of slot: SlotKey?) throws {
    let job = try slot.flatMap { slot in
      try held.peek(slot.job)?.row
        ?? connection.first("SELECT id FROM job WHERE uuid = ?", .id(slot.job)) { $0.integer(0) }
    }
    let add = steps.addCharge
    try add.bind(1, charge.day)
    try add.bind(2, id: charge.attemptID)
    try add.bind(3, try place(of: charge))
    try add.bind(4, amount: charge.reserved)
    try add.bind(5, amount: charge.consumed)
    try add.bind(6, job)
    try add.bind(7, job == nil ? nil : slot.map { Int64($0.revision) })
    try add.bind(8, job == nil ? nil : slot.map { Int64($0.number) })
    try add.execute()
  }

  // Whether the charge is there.
  private func setConsumed(_ consumed: String, of charge: Charge) throws -> Bool {
    try steps.setConsumed.bind(1, amount: consumed)
    try steps.setConsumed.bind(2, charge.day)
    try steps.setConsumed.bind(3, id: charge.attemptID)
    try steps.setConsumed.execute()
    return connection.changes > 0
  }

  private func highestPrice(of kind: PriceKey) throws -> Credits? {
    let key = BillMemory.Price(kind)
    if let known = bill.prices[key] { return known }
    let text = try connection.first(
      "SELECT highest FROM price WHERE model = ? AND size = ?", .text(key.model), .text(key.size)
    ) { $0.text(0) }
    guard let price = text.flatMap({ Credits($0) }) else { return nil }
    bill.prices[key] = price
    return price
  }

  /// A submission was not accepted: it goes from the bill.
  func release(charge attemptID: String) throws -> ChangeResult {
    // An id of version 7 tells its day, but for a moment at midnight; of others every line is looked at, which are those of
    // the version before these.
    if let time = UUIDTime.milliseconds(attemptID) {
      let day = time / 86_400_000
      for day in [day, day + 1, day - 1] {
        let isGone = try connection.changed(
          "DELETE FROM charge WHERE day = ? AND attempt = ?", .integer(day), .id(attemptID))
        if isGone { return .applied }
      }
    }
    return done(try connection.changed("DELETE FROM charge WHERE attempt = ?", .id(attemptID)))
  }

  // The row that says where and for what; made where it is new.
  private func place(of charge: Charge) throws -> Int64 {
    let place = BillMemory.Place(root: charge.root, folder: charge.folder, kind: charge.kind)
    if let known = bill.places[place] { return known }
    let row = try findPlace(of: charge)
    // So many folders are not written to at the same time.
    if bill.places.count >= BillMemory.mostPlaces { bill.places = [:] }
    bill.places[place] = row
    return row
  }

  private func findPlace(of charge: Charge) throws -> Int64 {
    let (root, folder) = (SQLValue.integer(charge.root.number), SQLValue.bytes(charge.folder.bytes))
    let (model, size) = (SQLValue.text(charge.kind.model), SQLValue.text(charge.kind.size))
    let known = try connection.first(
      "SELECT id FROM place WHERE root = ? AND folder = ? AND model = ? AND size IS ?", root, folder, model, size
    ) { $0.integer(0) }
    if let known { return known }
    try connection.run(
      "INSERT INTO place (root, folder, model, size) VALUES (?, ?, ?, ?)", root, folder, model, size)
    return connection.lastRow
  }
}

/// Rows that the next charge most likely needs again; they are never removed from the file.
struct BillMemory {
  struct Place: Hashable {
    let root: RootID
    let folder: DropPath
    let kind: PriceKey
  }
  /// As the table tells kinds apart: no size and an empty one are the same row.
  struct Price: Hashable {
    let model: String
    let size: String

    init(_ kind: PriceKey) { (model, size) = (kind.model, kind.size ?? "") }
  }
  static let mostPlaces = 256
  var places: [Place: Int64] = [:]
  /// The highest price of each kind.
  var prices: [Price: Credits] = [:]
}

extension SQLiteJournal {
  /// The bill of a UTC day.
  public func charges(day: Int64) async throws -> [Charge] {
    try await run { store in
      try store.connection.all(
        """
        SELECT attempt, root, folder, model, size, day, reserved, consumed FROM charge JOIN place ON place.id = charge.place
        WHERE day = ?
        """, .integer(day)
      ) { row in
        Charge(
          attemptID: row.id(0), root: RootID(row.integer(1)), folder: DropPath(bytes: row.bytes(2)),
          kind: PriceKey(model: row.text(3), size: row.optionalText(4)), day: row.integer(5), reserved: row.amount(6),
          consumed: row.amount(7))
      }
    }
  }

  /// The highest price seen of each kind.
  public func prices() async throws -> [PriceKey: Credits] {
    try await run { store in
      var prices: [PriceKey: Credits] = [:]
      try store.connection.each("SELECT model, size, highest FROM price") { row in
        let size = row.text(1)
        prices[PriceKey(model: row.text(0), size: size.isEmpty ? nil : size)] = Credits(row.text(2))
        return true
      }
      return prices
    }
  }

  /// What was spent from a UTC day on, by day, folder and model.
  public func spending(since day: Int64) async throws -> [SpendLine] {
    try await run { store in
      var lines: [SpendLine] = []
      var amounts: (consumed: [String], reserved: [String]) = ([], [])
      func close() {
        guard let last = lines.indices.last else { return }
        lines[last].consumed = amounts.consumed.first
        lines[last].reserved = amounts.reserved.first
        amounts = ([], [])
      }
      try store.connection.each(
        """
        SELECT day, root, folder, model, reserved, consumed FROM charge JOIN place ON place.id = charge.place
        WHERE day >= ? ORDER BY day, root, folder, model
        """, .integer(day)
      ) { row in
        let line = SpendLine(
          day: row.integer(0), root: RootID(row.integer(1)), folder: DropPath(bytes: row.bytes(2)), model: row.text(3),
          submissions: 1, consumed: nil, reserved: nil)
        if let last = lines.last, last.isSameKind(as: line) {
          lines[lines.count - 1].submissions += 1
        } else {
          close()
          lines.append(line)
        }
        // What is no number is no amount either.
        if let consumed = row.amount(5), Credits(consumed) != nil {
          amounts.consumed = Self.sum(amounts.consumed + [consumed])
        } else if let reserved = row.amount(4), Credits(reserved) != nil {
          amounts.reserved = Self.sum(amounts.reserved + [reserved])
        }
        return true
      }
      close()
      return lines
    }
  }

  private static func sum(_ texts: [String]) -> [String] { DecimalText.sum(texts).map { [$0] } ?? [] }
}

extension SpendLine {
  fileprivate func isSameKind(as other: SpendLine) -> Bool {
    day == other.day && root == other.root && folder == other.folder && model == other.model
  }
}
