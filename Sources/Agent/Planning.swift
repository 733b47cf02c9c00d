import JobCore

// What a run would submit, found out by looking only: the run's own decision on each file is reported, not carried out.
extension Pipeline {
  /// A plan in the making.
  private struct Plan {
    var report = PlanReport()
    var context: PlanContext
    /// The day's bill with what is planned so far.
    var book: SpendBook

    init(burst: SubmissionPace, book: SpendBook) {
      context = PlanContext(burst: burst, listsOnTheirWay: [:])
      self.book = book
      report.waits_for_daily_limit = 0
    }
  }

  func planReply(_ paths: [[UInt8]]) async throws -> CommandReply {
    try await ledger.open()
    let folders = paths.isEmpty ? roots.map { FileKey(root: $0, path: .root) } : paths.compactMap(locate)
    guard paths.isEmpty || folders.count == paths.count else {
      return CommandReply(error: "Not every folder given is one that this agent watches, or below one.")
    }
    try await ownership.loadOnce()
    arrivals.formerExcludes = try await journal.rootsOfFormerExcludes()
    var plan = Plan(burst: arrivals.burst, book: ledger.bill)
    // What shows that a folder is not this agent's may stand behind what was looked at before.
    for _ in 0..<2 {
      let before = ownership.strangers
      plan = Plan(burst: arrivals.burst, book: ledger.bill)
      do throws(LocalTrouble) {
        for folder in folders { try await look(through: folder, &plan) }
      } catch {
        return CommandReply(error: error.error.message)
      }
      if ownership.strangers == before { break }
    }
    let known = plan.report.items.flatMap { item in
      item.price.map { Array(repeating: $0, count: item.pictures) } ?? []
    }
    plan.report.pictures = plan.report.items.reduce(0) { $0 + $1.pictures }
    plan.report.unpriced = plan.report.pictures - known.count
    plan.report.credits = DecimalText.sum(known) ?? "0"
    var reply = CommandReply()
    reply.plan = plan.report
    return reply
  }

  private func look(through folder: FileKey, _ plan: inout Plan) async throws(LocalTrouble) {
    let place = FileKey(root: folder.root, path: folder.path.appending(Array("any.prompt".utf8)))
    if let problem = await ownership.belonging(of: place).problem { note(problem, folder, &plan.report) }
    let found = try await files.prompts(below: folder)
    plan.context.listsOnTheirWay = found.listsOnTheirWay
    for start in stride(from: 0, to: found.prompts.count, by: 64) {
      await add(Array(found.prompts[start..<min(start + 64, found.prompts.count)]), to: &plan)
    }
  }

  private func add(_ batch: [FileKey], to plan: inout Plan) async {
    do {
      let known = try await journal.known(batch)
      let queries = zip(batch, known).map { SourceQuery(prompt: $0, list: DropNames.list(of: $0), known: $1?.stamp) }
      let readings = await files.readSources(queries, limit: settings.files.maxPromptBytes)
      let sidecars = try readings.map(sidecar(in:))
      for (file, sidecar) in zip(batch, sidecars) { await noteWriter(of: sidecar, file.root) }
      for (index, file) in batch.enumerated() {
        let decided = try await decide(
          file, known[index], readings[index], sidecars[index], isFull: queries[index].known == nil,
          for: .plan(plan.context))
        let outcome = decided.outcome
        var job = decided.job
        if let pace = outcome.burst { plan.context.burst = pace }
        if let id = outcome.followed ?? known[index]?.job, job?.id != id { job = try await inHand(id) }
        if let item = item(file, outcome, job, &plan) { plan.report.items.append(item) }
      }
    } catch {
      fail(error)
    }
  }

  private func note(_ problem: JobError, _ folder: FileKey, _ report: inout PlanReport) {
    let note = PlanReport.NotTaken(folder: absolute(folder), message: problem.message, hint: problem.hint)
    if report.not_taken?.contains(where: { $0.message == note.message }) != true {
      report.not_taken = (report.not_taken ?? []) + [note]
    }
  }

  // Nil: there is nothing to say of it.
  private func item(_ file: FileKey, _ outcome: FileOutcome, _ job: Job?, _ plan: inout Plan) -> PlanReport.Item? {
    let reason = outcome.reason
    var item = PlanReport.Item(file: absolute(file), why: "waits", pictures: 0, message: reason.message)
    switch reason.kind {
    case .gone: return nil
    case .notOurs:
      note(
        JobError(code: reason.code ?? .otherOwner, message: reason.message, hint: reason.hint), file.folder,
        &plan.report)
      return reason.code == .otherOwner ? nil : item
    case .leftOut where reason.code == .excluded: return nil
    case .refused, .leftOut: item.why = "refused"
    // Of two texts that a sync tool could not bring together, one is meant.
    case .held: if reason.code == .held(.conflictCopy) { item.why = "refused" }
    case .waits, .settling: break
    case .unchanged, .new, .changed, .more, .restored, .renamed, .adopted:
      let expected = outcome.expected(of: job)
      item.pictures = expected.queued + expected.beyondBurst
      guard item.pictures > 0 else {
        guard let held = expected.held else { return nil }
        item.message = held.message
        return item
      }
      item.message = nil
      item.why = Self.why(reason.kind)
      guard let snapshot = expected.snapshot else { return item }
      let kind = PriceKey(model: snapshot.model, size: snapshot.sentSize)
      (item.model, item.size) = (kind.model, kind.size)
      item.price = plan.book.price(of: kind)?.text
      if expected.beyondBurst > 0 { plan.report.held_by_burst_limit += 1 }
      enter(expected.queued, kind, file, &plan)
    }
    return item
  }

  private static func why(_ kind: FileReason.Kind) -> String {
    switch kind {
    case .new, .changed: kind.rawValue
    case .more, .restored: FileReason.Kind.more.rawValue
    default: StateName.queued.rawValue
    }
  }

  // What the limits of the day leave for tomorrow.
  private func enter(_ pictures: Int, _ kind: PriceKey, _ file: FileKey, _ plan: inout Plan) {
    let now = wallClock
    for number in 0..<pictures {
      switch plan.book.permission(root: file.root, kind: kind, at: now) {
      case .go(let reserve):
        plan.book.enter(
          Charge(
            attemptID: "\(absolute(file)) \(number)", root: file.root, folder: file.path.directory, kind: kind,
            day: SpendBook.day(of: now), reserved: reserve?.text))
      case .wait(_, let why, _):
        plan.report.waits_for_daily_limit = (plan.report.waits_for_daily_limit ?? 0) + 1
        plan.report.daily_limit = plan.report.daily_limit ?? why.message
      // When it can go depends on what the one before turns out to cost.
      case .waitForPrice: break
      }
    }
  }
}
