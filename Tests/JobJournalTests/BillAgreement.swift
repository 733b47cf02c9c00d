import JobCore

/// What the journal tells of the bill, of callbacks and of folders, against the model.
enum BillAgreement {
  static func violation(
    _ journal: any JobJournal, _ model: JournalModel, _ roots: [RootID]
  ) async throws -> String? {
    for day in Int64(-2)...3 {
      let charges = try await journal.charges(day: day)
      let wanted = model.bill.values.filter { $0.day == day }
      if Set(charges) != Set(wanted) || charges.count != wanted.count { return "charges of day \(day): \(charges)" }
      let lines = try await journal.spending(since: day)
      let expected = spending(model.bill.values.filter { $0.day >= day })
      if lines != expected { return "spending since \(day): \(lines)\nnot \(expected)" }
    }
    if try await journal.prices() != model.prices { return "prices: \(try await journal.prices())" }

    for secret in (0..<21).map({ "secret-\($0)" }) where try await journal.callback(secret) != model.callbacks[secret] {
      return "callback \(secret): \(String(describing: try await journal.callback(secret)))"
    }
    let open = try await journal.openEvidence()
    if Set(open) != Set(model.evidence.values.filter { !$0.isWeighed }.map(\.evidence)) { return "evidence: \(open)" }
    if open.map(\.receivedAt) != open.map(\.receivedAt).sorted() { return "evidence is not told oldest first: \(open)" }

    let events = try await journal.pendingEvents(limit: .max)
    let pending = model.events.sorted { $0.key < $1.key }.map { id, event in
      var event = event
      event.id = id
      return event
    }
    if events != pending { return "events: \(events), not \(pending)" }

    for task in (0..<31).map({ "task-\($0)" })
    where Set(try await journal.slots(task: task)) != Set(model.slots(task: task)) {
      return "slots of \(task): \(try await journal.slots(task: task)), not \(model.slots(task: task))"
    }
    let paths = try await journal.roots()
    if paths != [roots[0]: Array("/srv/drop".utf8), roots[1]: Array("/srv/other".utf8)] { return "roots: \(paths)" }
    return try await folders(journal, model, roots)
  }

  private static func folders(
    _ journal: any JobJournal, _ model: JournalModel, _ roots: [RootID]
  ) async throws -> String? {
    for root in roots {
      for folder in ["", "d0", "d1", "d2", "d", "d1/1.prompt"] {
        for state in StateName.allCases {
          let inside = model.jobs.filter { entry in
            let path = entry.value.file.path.bytes
            return entry.value.file.root == root && entry.value.state == state
              && (folder.isEmpty || path.starts(with: Array((folder + "/").utf8)))
          }
          let wanted = inside.sorted { a, b in
            a.value.file.path.bytes.lexicographicallyPrecedes(b.value.file.path.bytes)
          }.map(\.key)
          for limit in [2, .max] {
            let found = try await journal.files(root, below: DropPath(folder), in: state, limit: limit)
            if found != Array(wanted.prefix(limit)) { return "\(state) below \"\(folder)\": \(found), not \(wanted)" }
          }
        }
      }
    }
    return nil
  }

  // MARK: the bill, added up in whole numbers

  static func spending(_ charges: [Charge]) -> [SpendLine] {
    var groups: [[Charge]] = []
    for charge in charges {
      let index = groups.firstIndex { group in
        let first = group[0]
        return first.day == charge.day && first.root == charge.root && first.folder == charge.folder
          && first.kind.model == charge.kind.model
      }
      if let index { groups[index].append(charge) } else { groups.append([charge]) }
    }
    let lines = groups.map { group in
      let first = group[0]
      return SpendLine(
        day: first.day, root: first.root, folder: first.folder, model: first.kind.model, submissions: group.count,
        consumed: sum(group.compactMap(\.consumed)),
        reserved: sum(group.compactMap { $0.consumed.flatMap(Credits.init) == nil ? $0.reserved : nil }))
    }
    return lines.sorted { a, b in
      if (a.day, a.root.number) != (b.day, b.root.number) { return (a.day, a.root.number) < (b.day, b.root.number) }
      if a.folder != b.folder { return a.folder.bytes.lexicographicallyPrecedes(b.folder.bytes) }
      return a.model < b.model
    }
  }

  // With as many decimals as the longest has, as the service writes them.
  private static func sum(_ texts: [String]) -> String? {
    var total: Int128 = 0
    var scale: Int?
    for text in texts {
      let parts = text.split(separator: ".")
      let fraction = parts.count > 1 ? String(parts[1]) : ""
      guard let units = Int128(parts[0] + fraction + String(repeating: "0", count: 18 - fraction.count)) else {
        continue
      }
      total += units
      scale = max(scale ?? 0, fraction.count)
    }
    guard let scale else { return nil }
    var digits = String(total)
    digits = String(repeating: "0", count: max(0, 19 - digits.count)) + digits
    let whole = digits.dropLast(18)
    return scale == 0 ? String(whole) : "\(whole).\(digits.suffix(18).prefix(scale))"
  }
}
