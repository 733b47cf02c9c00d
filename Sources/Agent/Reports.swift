import JobCore

// How things stand, for `status`.
extension Pipeline {
  private static let mostListed = 200

  func statusReply() async throws -> CommandReply {
    try await ledger.open()
    try await ownership.loadOnce()
    var reply = CommandReply()
    let census = try await journal.census(roots: roots)
    let today = SpendBook.day(of: wallClock)
    let (waiting, more) = try await waitingJobs()
    reply.status = StatusReport(
      version: settings.identity.version, pid: nil, roots: roots.map(name(of:)), folders: await folders(),
      settling: arrivals.count, kept: try await kept(),
      counts: Dictionary(uniqueKeysWithValues: StateName.allCases.map { ($0.rawValue, census[$0] ?? 0) }),
      stops: stops(), in_flight: try await inFlight(), waiting: waiting, waiting_more: more,
      today: .init(
        day: Self.date(today), submissions: ledger.today.submissions, credits: ledger.today.credits.text,
        submission_limit: settings.spending.submissions, credit_limit: settings.spending.credits?.text),
      spending: try await journal.spending(since: today - 30).map { line in
        StatusReport.Spend(
          day: Self.date(line.day), folder: absolute(FileKey(root: line.root, path: line.folder)), model: line.model,
          submissions: line.submissions, consumed: line.consumed, reserved: line.reserved)
      })
    return reply
  }

  // RFC 3339's date is the head of its moment.
  private static func date(_ day: Int64) -> String {
    String(Timestamp(milliseconds: day * 86_400_000).rfc3339.prefix(10))
  }

  // Where no agent runs, nothing is watched; whose the roots are is reported all the same.
  private func folders() async -> [StatusReport.Folder] {
    var folders: [StatusReport.Folder] = []
    let foreign = await ownership.notOurs(of: roots)
    func isForeign(_ root: RootID, _ folder: inout StatusReport.Folder) -> Bool {
      guard let problem = foreign.first(where: { $0.file.root == root })?.belonging.problem else { return false }
      (folder.mode, folder.message, folder.hint) = ("foreign", problem.message, problem.hint)
      return true
    }
    if watcher.conditions.isEmpty {
      for root in roots {
        var folder = StatusReport.Folder(path: name(of: root), mode: "")
        if isForeign(root, &folder) { folders.append(folder) }
      }
    }
    for condition in watcher.conditions {
      var folder = StatusReport.Folder(
        path: DropPath.display(condition.path), mode: condition.mode.rawValue, filesystem: condition.fileSystem,
        interval: condition.interval.map { Double($0.milliseconds) / 1000 }, message: condition.error?.message,
        hint: condition.error?.hint)
      if ![.gone, .unreadable].contains(condition.mode), condition.path == rootPaths[condition.root] {
        _ = isForeign(condition.root, &folder)
      }
      if condition.path == rootPaths[condition.root] {
        let unseen = files.blindSpots.filter { $0.root == condition.root }
        folder.unseen_writers =
          unseen.isEmpty ? nil : unseen.map { .init(message: $0.error.message, hint: $0.error.hint) }
      }
      folders.append(folder)
    }
    return folders
  }

  private func kept() async throws -> [StatusReport.Kept] {
    var kept: [StatusReport.Kept] = []
    for job in try await journal.jobs(try await journal.withKeptPictures()) {
      guard let job else { continue }
      let reason = await notOurs(job.file)
      for name in job.outputs.compactMap(\.kept) {
        kept.append(
          StatusReport.Kept(
            file: absolute(job.file), picture: "\(files.keptFolder)/\(DropPath.display(name))",
            message: reason?.message, hint: reason?.hint))
      }
    }
    return kept
  }

  private func stops() -> [StatusReport.Stop] {
    var stops: [StatusReport.Stop] = []
    func add(_ error: JobError, until: Timestamp?) {
      stops.append(.init(reason: error.code.rawValue, message: error.message, hint: error.hint, until: until?.rfc3339))
    }
    if let closed = dispatcher.closed { add(closed.error, until: nil) }
    if lateTries.isClosed { add(Self.noPictures(lateTries.count), until: nil) }
    if let error = localTrouble, journalWriter.isFull { add(error, until: nil) }
    for root in roots {
      if let error = diskTroubles.trouble(in: root) { add(error, until: nil) }
    }
    if let priceWait = ledger.priceWait() { add(priceWait, until: nil) }
    for (root, limit) in ledger.limitsNow {
      if stops.contains(where: { $0.message == limit.error.message }) { continue }
      var error = limit.error
      if roots.count > 1 { error.message += " (\(absolute(FileKey(root: root, path: .root))))" }
      add(error, until: limit.until)
    }
    if let heldBack = dispatcher.heldBackUntil, dispatcher.closed == nil, heldBack > now {
      let until = wallClock + (heldBack - now)
      add(
        JobError(
          code: .slowedDown,
          message: "The service asked for fewer requests, or the limit of submissions per minute is reached."),
        until: until)
    }
    return stops
  }

  private func inFlight() async throws -> [StatusReport.JobLine] {
    var lines: [StatusReport.JobLine] = []
    for state in [StateName.submitting, .submitted, .fetching] {
      let ids = try await journal.files(roots: roots, in: state, limit: Self.mostListed)
      for id in ids { if let job = try await inHand(id) { lines.append(line(job)) } }
    }
    return lines
  }

  // What waits for a person first: nobody else will do it.
  private func waitingJobs() async throws -> ([StatusReport.JobLine], more: Int) {
    var lines: [StatusReport.JobLine] = []
    var more = 0
    for state in [StateName.held, .failed, .queued] {
      // Of a long queue only what waits for more than its turn is listed.
      let ids = try await journal.files(roots: roots, in: state, limit: state == .queued ? 2000 : Int(Int32.max))
      for id in ids {
        guard lines.count < Self.mostListed else {
          if state != .queued { more += 1 }
          continue
        }
        guard let job = try await inHand(id) else { continue }
        let line = line(job)
        if state != .queued || line.reason != nil || line.until != nil { lines.append(line) }
      }
    }
    return (lines, more)
  }

  private func line(_ job: Job) -> StatusReport.JobLine {
    let sidecar = StatusSidecar(
      of: job, now: wallClock, agentVersion: settings.identity.version, agentHost: settings.identity.host)
    let error = sidecar.error.map { places.naming(job.file, in: $0) }
    let urls = job.slots.values.flatMap { slot -> [String] in
      if case .held(let held) = slot.state { held.task?.late?.urls ?? [] } else { [] }
    }
    return StatusReport.JobLine(
      file: absolute(job.file), state: sidecar.state.rawValue, reason: sidecar.reason, message: error?.message,
      hint: error?.hint, tasks: job.currentSlots.compactMap { $0.state.task?.taskID },
      service_status: sidecar.serviceStatus, until: sidecar.nextAttemptAt.flatMap { $0 > wallClock ? $0.rfc3339 : nil },
      urls: urls.isEmpty ? nil : urls)
  }
}
