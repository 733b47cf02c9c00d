import FoundationEssentials
import GRDB
import JobCore

// What was spent: one row for a submission, from its intent on.
extension Database {
  /// `isTold`: a sidecar tells it. Then it changes nothing that is known, and teaches no price.
  func enter(_ charge: Charge, isTold: Bool) throws -> ChangeResult {
    try put(
      """
      INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (attempt_id) DO \(isTold ? "NOTHING" : "UPDATE SET consumed = coalesce(excluded.consumed, consumed)")
      """,
      [
        charge.attemptID, charge.root.number, Data(charge.folder.bytes), charge.kind.model, charge.kind.size,
        charge.day,
        charge.reserved, charge.consumed,
      ])
    guard !isTold, let consumed = charge.consumed, let amount = Credits(consumed), amount > .zero else {
      return .applied
    }
    let key: StatementArguments = [charge.kind.model, charge.kind.size ?? ""]
    let known = try String.fetchOne(
      cachedStatement(sql: "SELECT highest FROM price WHERE model = ? AND size = ?"), arguments: key)
    // A price is learned once and then stays: most jobs write nothing here.
    if known.flatMap({ Credits($0) }).map({ $0 < amount }) ?? true {
      try put("INSERT OR REPLACE INTO price VALUES (?, ?, ?)", key + [consumed])
    }
    return .applied
  }
}

extension SQLiteJournal {
  /// The bill of a UTC day.
  public func charges(day: Int64) async throws -> [Charge] {
    try await run { db in
      try Row.fetchAll(db, sql: "SELECT * FROM charge WHERE day = ?", arguments: [day]).map { row in
        let folder: Data = row["folder"]
        return Charge(
          attemptID: row["attempt_id"], root: RootID(row["root"]), folder: DropPath(bytes: Array(folder)),
          kind: PriceKey(model: row["model"], size: row["size"]), day: row["day"], reserved: row["reserved"],
          consumed: row["consumed"])
      }
    }
  }

  /// The highest price seen of each kind.
  public func prices() async throws -> [PriceKey: Credits] {
    try await run { db in
      var prices: [PriceKey: Credits] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT * FROM price") {
        let (size, highest): (String, String) = (row["size"], row["highest"])
        prices[PriceKey(model: row["model"], size: size.isEmpty ? nil : size)] = Credits(highest)
      }
      return prices
    }
  }

  /// What was spent from a UTC day on, by day, folder and model.
  public func spending(since day: Int64) async throws -> [SpendLine] {
    try await run { db in
      var lines: [SpendLine] = []
      var amounts: (consumed: [String], reserved: [String]) = ([], [])
      func close() {
        guard let last = lines.indices.last else { return }
        lines[last].consumed = amounts.consumed.first
        lines[last].reserved = amounts.reserved.first
        amounts = ([], [])
      }
      let rows = try Row.fetchCursor(
        db, sql: "SELECT * FROM charge WHERE day >= ? ORDER BY day, root, folder, model", arguments: [day])
      while let row = try rows.next() {
        let folder: Data = row["folder"]
        let line = SpendLine(
          day: row["day"], root: RootID(row["root"]), folder: DropPath(bytes: Array(folder)), model: row["model"],
          submissions: 1, consumed: nil, reserved: nil)
        if let last = lines.last, last.isSameKind(as: line) {
          lines[lines.count - 1].submissions += 1
        } else {
          close()
          lines.append(line)
        }
        let (consumed, reserved): (String?, String?) = (row["consumed"], row["reserved"])
        // What is no number is no amount either.
        if let consumed, Credits(consumed) != nil {
          amounts.consumed = Self.sum(amounts.consumed + [consumed])
        } else if let reserved, Credits(reserved) != nil {
          amounts.reserved = Self.sum(amounts.reserved + [reserved])
        }
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
