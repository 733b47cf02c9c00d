import JobCore

// What a run would submit, found out by looking only: nothing is taken, written or sent.
extension Pipeline {
  func planReply(_ paths: [[UInt8]]) async throws -> CommandReply {
    try await ledger.open()
    var report = PlanReport()
    let folders = paths.isEmpty ? roots.map { FileKey(root: $0, path: .root) } : paths.compactMap(locate)
    guard paths.isEmpty || folders.count == paths.count else {
      return CommandReply(error: "Not every folder given is one that this agent watches, or below one.")
    }
    try await rememberStrangers()
    // What shows that a folder is not this agent's may stand behind what was looked at before.
    for _ in 0..<2 {
      let before = sharedWith
      report = PlanReport()
      do throws(LocalTrouble) {
        for folder in folders { try await plan(folder, &report) }
      } catch {
        return CommandReply(error: error.error.message)
      }
      if sharedWith == before { break }
    }
    var known: [String] = []
    var fresh = 0
    for item in report.items where item.pictures > 0 {
      report.pictures += item.pictures
      if let price = item.price {
        known += Array(repeating: price, count: item.pictures)
      } else {
        report.unpriced += item.pictures
      }
      if item.why != "queued" { fresh += 1 }
    }
    report.credits = DecimalText.sum(known) ?? "0"
    if settings.burstLimit > 0 { report.held_by_burst_limit = max(0, fresh - settings.burstLimit) }
    var reply = CommandReply()
    reply.plan = report
    return reply
  }

  private func plan(_ folder: FileKey, _ report: inout PlanReport) async throws(LocalTrouble) {
    let place = FileKey(root: folder.root, path: folder.path.appending(Array("any.prompt".utf8)))
    note(await belonging(of: place), place.folder, &report)
    let found = try await files.prompts(below: folder)
    for start in stride(from: 0, to: found.count, by: 64) {
      await planBatch(Array(found[start..<min(start + 64, found.count)]), &report)
    }
  }

  private func planBatch(_ batch: [FileKey], _ report: inout PlanReport) async {
    do {
      let known = try await journal.known(batch)
      let readings = await files.readSources(
        batch.map { SourceQuery(prompt: $0, list: Self.list(of: $0)) }, limit: settings.maxPromptBytes)
      await noteWriters(batch, readings)
      for (index, file) in batch.enumerated() {
        if let item = try await item(file, known[index], readings[index], &report) { report.items.append(item) }
      }
    } catch {
      fail(error)
    }
  }

  private func note(_ belonging: Belonging, _ folder: FileKey, _ report: inout PlanReport) {
    guard let problem = belonging.problem else { return }
    let note = PlanReport.NotTaken(folder: absolute(folder), message: problem.message, hint: problem.hint)
    if report.not_taken?.contains(where: { $0.message == note.message }) != true {
      report.not_taken = (report.not_taken ?? []) + [note]
    }
  }

  private func item(
    _ file: FileKey, _ known: KnownFile?, _ reading: SourceReading, _ report: inout PlanReport
  ) async throws -> PlanReport.Item? {
    var item = PlanReport.Item(file: absolute(file), why: "refused", pictures: 0)
    if case .missing = reading.prompt { return nil }
    let belonging = await lastBelonging(of: file)
    note(belonging, file.folder, &report)
    switch belonging {
    case .own: break
    case .other: return nil
    case .undecided(let problem):
      (item.why, item.message) = ("waits", problem.message)
      return item
    }
    if let message = try await heldFile(file, known, reading) {
      item.message = message
      return item
    }
    guard let bytes = reading.promptBytes else {
      if case .missing = reading.prompt { return nil }
      item.message = "It cannot be read, is no regular file, or is too large."
      return item
    }
    if let written = reading.beingWritten {
      (item.why, item.message) = ("waits", beingWritten(written).message)
      return item
    }
    let request: PromptRequest
    do throws(JobError) {
      request = try understand(file, bytes, reading)
    } catch {
      if error.code == .excluded { return nil }
      item.why = error.code == .empty || error.code == .badExclude ? "waits" : "refused"
      item.message = error.message
      return item
    }
    let told = try reading.sidecar.get().flatMap(reader.sidecar)
    if known?.current ?? 0 == 0, wasExcluded(file, reading), case .file(let stamp, _) = reading.prompt,
      !isApproved(.excludeChanged, known, stamp)
    {
      (item.why, item.message) = ("waits", "An exclude pattern left it out before the update: it waits for approve.")
      return item
    }
    if let note = known?.note, note.missing != nil, let seen = known?.stamp, seen.prompt == reading.prompt.stamp,
      seen.list == reading.list.stamp
    {
      (item.why, item.message) = ("waits", note.error.message)
      return item
    }
    (item.model, item.size) = (request.snapshot.model, request.snapshot.sentSize)
    item.price = ledger.price(of: PriceKey(model: request.snapshot.model, size: request.snapshot.sentSize))?.text
    if request.requireImages, case .missing = reading.list {
      item.why = "waits"
      item.message = "It waits for its image list."
      return item
    }
    (item.why, item.pictures) = try await wanted(file, known, request, told, nearList: hasNearList(file, reading))
    guard item.pictures > 0 else { return nil }
    if item.why != "queued", let stamp = reading.prompt.stamp,
      let doubt = doubt(about: request, reading, stamp, known?.note?.approval)
    {
      (item.why, item.message) = doubt.inPlan
      item.pictures = 0
      return item
    }
    if request.hold, item.why != "queued" {
      (item.why, item.pictures) = ("waits", 0)
      item.message = "It says hold: true; promptdrop approve lets it go."
    }
    return item
  }

  // What a run would hold before it is taken.
  private func heldFile(_ file: FileKey, _ known: KnownFile?, _ reading: SourceReading) async throws -> String? {
    guard known?.current ?? 0 == 0, case .file(let stamp, _) = reading.prompt else { return nil }
    if try await isConflictCopy(file, known, stamp), !isApproved(.conflictCopy, known, stamp) {
      return "It is a sync tool's conflict copy."
    }
    return nil
  }

  // How many pictures would be paid for, and why.
  private func wanted(
    _ file: FileKey, _ known: KnownFile?, _ request: PromptRequest, _ told: StatusSidecar?, nearList: Bool
  ) async throws -> (String, Int) {
    var identity = Identity(prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA, request: "")
    guard let known, known.current > 0, let job = try await inHand(known.job),
      let current = job.revisions[known.current]
    else {
      let likeTold = self.identity(identity, nearList: nearList, against: told?.identity)
      if let told, let adopted = Adoption(told, likeTold, count: request.count, now: wallClock) {
        let queued = adopted.slots(job: JobID(told.jobID), revision: 1).count { $0.state.name == .queued }
        return ("queued", queued)
      }
      if nearList { identity.list = nil }
      if try await isRename(file, identity) { return ("renamed", 0) }
      return ("new", request.count)
    }
    if !isUntouched(job) { identity = self.identity(identity, nearList: nearList, against: current.identity) }
    // Those that were withdrawn come back with the text.
    let queued = job.currentSlots.count {
      $0.state.name == .queued || $0.state == .cancelled(.superseded) || $0.state == .cancelled(.sourceGone)
    }
    if identity.asksForMore(than: current.identity) {
      if let earlier = try await journal.revision(of: job.id, like: identity) {
        return ("more", max(0, request.ownCount - earlier.count))
      }
      return ("changed", request.count)
    }
    if request.ownCount > current.count { return ("more", request.ownCount - current.count + queued) }
    return ("queued", queued)
  }
}
