import JobCore

// One reconcile of one path is the only way in: whatever said where to look, this decides from what is there.
extension Pipeline {
  private static let batch = 64
  // Two batches at once keep the disk and the journal busy; more would only grow the memory.
  private static let batchesAtOnce = 2

  /// Whether another batch may begin.
  var canExamine: Bool {
    examinations < Self.batchesAtOnce && ending == nil && unsurveyed.isEmpty && readingStrays == 0
  }

  func examineSettled(at now: Duration) {
    while canExamine {
      let due = settling.takeDue(at: now, limit: Self.batch)
      guard !due.isEmpty else { return }
      examinations += 1
      start { await self.examine(due, since: now) }
    }
  }

  /// Looks at files and does what follows. `examinations` counts it already.
  func examine(_ batch: [FileKey], since start: Duration) async {
    do {
      let known = try await journal.known(batch)
      let readings = await files.readSources(
        batch.enumerated().map { index, file in
          let isKept = keptSidecars.contains(file) || wantedAnew.contains(file)
          return SourceQuery(prompt: file, list: Self.list(of: file), known: isKept ? nil : known[index]?.stamp)
        }, limit: settings.maxPromptBytes)
      tellBlindSpots()
      await noteWriters(batch, readings)
      var plans: [Plan] = []
      for (index, file) in batch.enumerated() {
        let seenAt = firstSeen(file, known[index], readings[index])
        if var plan = try await plan(file, known[index], readings[index], at: start) {
          plan.queue(seenAt)
          plans.append(plan)
        }
      }
      // What came first goes first; of what came together, by name.
      plans.sort { $0.comesBefore($1) }
      let results = try await commit(plans.flatMap(\.changes))
      var position = 0
      for plan in plans {
        let own = results[position..<(position + plan.changes.count)]
        position += plan.changes.count
        if own.contains(.stale) {
          // Somebody else was quicker with this job: look again.
          settling.noticed(plan.file, .found, at: now)
        } else {
          await plan.then()
        }
      }
    } catch {
      fail(error)
    }
    examinations -= 1
    giveRoom()
    pump()
  }

  /// Where the image list of a prompt would stand.
  static func list(of prompt: FileKey) -> FileKey { prompt.sibling(DropNames.imageList(stem: stem(prompt))) }

  static func stem(_ file: FileKey) -> [UInt8] {
    switch DropNames.meaning(of: file.path.name) {
    case .prompt(let stem), .conflictCopy(let stem): stem
    default: file.path.name
    }
  }

  // Looks at everything that the file needs, in the order in which it can be missing. Nil: nothing to be done now.
  private func plan(
    _ file: FileKey, _ known: KnownFile?, _ first: SourceReading, at start: Duration
  ) async throws -> Plan? {
    var reading = first
    arriving.remove(file)
    guard case .file(let stamp, let age) = reading.prompt else {
      settling.finishedUnlessNoticed(file)
      let problem = reading.prompt == .missing ? nil : belonging(file, reading).problem
      if let problem { return planProblem(file, known, nil, problem, start) }
      return try await planWithoutFile(file, known, reading.prompt)
    }
    goneSince[file] = nil
    var listStamp: FileStamp?
    var stillFor = age
    if case .file(let found, let listAge) = reading.list {
      listStamp = found
      stillFor = min(age, listAge)
    }
    let inputs = reading.defaults.map { (try? $0.content.get()) ?? [] }  // An unreadable one says so later.
    var taken = TakenStamp(prompt: stamp, list: listStamp, inputs: reader.fingerprint(inputs + unclearNames(reading)))
    if let known, !keptSidecars.contains(file), !wantedAnew.contains(file),
      try await isUnchanged(file, known, taken, stillFor: stillFor)
    {
      settling.finishedUnlessNoticed(file)
      if keptJobs.contains(known.job) { putKeptBack() }
      return nil
    }
    if let before = known?.stamp, before.prompt == stamp, before.list == listStamp, reading.promptBytes == nil {
      // What else it is made of has changed, so its text is wanted after all.
      reading = await files.readSources(
        [SourceQuery(prompt: file, list: Self.list(of: file))], limit: settings.maxPromptBytes)[0]
      await noteWriters([file], [reading])
    }
    // One stamp for both: a change of either is a change.
    var both = stamp
    both.changed = max(stamp.changed, listStamp?.changed ?? .min)
    both.size += listStamp?.size ?? 0
    if case .wait = settling.observed(file, both, age: stillFor, at: now) { return nil }
    // Before anything that a sidecar would be written about.
    let belonging = belonging(file, reading)
    if let problem = belonging.problem {
      if case .undecided = belonging { try await followUndecided(file, known, reading, taken) }
      return planProblem(file, known, taken, problem, start)
    }
    if let problem = await nameProblem(file) { return planProblem(file, known, taken, problem, start) }
    if let plan = try await holdConflictCopy(file, known, taken, start) { return plan }
    if let written = reading.beingWritten {
      if let plan = waitForWriter(file, known, taken, start, beingWritten(written)) { return plan }
    } else {
      writerLooks[file] = nil
    }
    guard let bytes = reading.promptBytes else {
      guard stamp.size > settings.maxPromptBytes else { return lookSoon(file) }
      return refuse(file, known, taken, .failed, start, tooLarge("The prompt", stamp.size))
    }
    if let listStamp, reading.listBytes == nil {
      guard listStamp.size > settings.maxPromptBytes else { return lookSoon(file) }
      return refuse(file, known, taken, .failed, start, tooLarge("The image list", listStamp.size))
    }
    if await isListOnItsWay(file) {
      schedule(.look(file), at: now + .seconds(1))
      return wait(
        file, known, start,
        JobError(
          code: .waitingForList, message: "Its image list is being written by another program.", retryable: true))
    }
    let complete: PromptRequest
    let doubt: Doubt?
    do throws(JobError) {
      let request = try understand(file, bytes, reading)
      if request.requireImages, listStamp == nil {
        return wait(
          file, known, start,
          JobError(
            code: .waitingForList, message: "It waits for its image list, because it says require_images.",
            hint: "Put \(DropPath.display(DropNames.imageList(stem: Self.stem(file)))) beside it.", retryable: true))
      }
      if let plan = holdFormerlyExcluded(file, known, taken, reading, start) { return plan }
      guard let (filled, references, byLookalike) = try await withReferences(request, file, known, taken) else {
        return nil
      }
      if !references.isEmpty { taken.inputs = reader.fingerprint(taken.inputs, references: references) }
      let byName = FoundByName(list: hasNearList(file, reading), image: byLookalike)
      if let plan = keepFormerRefusal(file, known, taken, byName, start) { return plan }
      complete = filled
      doubt = self.doubt(about: request, reading, stamp, known?.note?.approval)
    } catch {
      if !error.isOfFolder, let plan = try await staysAsTaken(file, known, bytes, reading, taken) { return plan }
      return planProblem(file, known, taken, error, start)
    }
    do {
      let told = try reading.sidecar.get().flatMap(reader.sidecar)
      return try await decide(
        file, known, complete, told, taken, doubt, nearList: hasNearList(file, reading), age: stillFor, start: start)
    } catch let trouble as LocalTrouble where !trouble.isFatal {
      return waitForMachine(file, known, start, trouble.error)
    }
  }

  // Nothing of it has changed since it was read: a stat for each file tells.
  private func isUnchanged(
    _ file: FileKey, _ known: KnownFile, _ seen: TakenStamp, stillFor: Duration
  ) async throws -> Bool {
    guard let before = known.stamp, before.prompt == seen.prompt, before.list == seen.list else { return false }
    // Withdrawn because it was missing, as on a disk that was unmounted, or could not be taken for a while; it is wanted
    // again.
    if known.state == .cancelled, let job = try await inHand(known.job),
      job.currentSlots.contains(where: { $0.isWithdrawn })
    {
      return false
    }
    if before.inputs == seen.inputs {
      // A file system's clock may be too coarse for two writes that follow one another at once.
      if stillFor >= Self.coarsestClock { watcher.confirm(file, before) }
      return true
    }
    guard let job = try await inHand(known.job), let images = job.revisions[job.current]?.snapshot.images else {
      return false
    }
    var references: [FileStamp?] = []
    for path in images.compactMap(\.path) {
      if case .file(let stamp, _) = await files.look(FileKey(root: file.root, path: DropPath(path))) {
        references.append(stamp)
      } else {
        references.append(nil)
      }
    }
    return !references.isEmpty && before.inputs == reader.fingerprint(seen.inputs, references: references)
  }

  private static let coarsestClock: Duration = .seconds(2)

  // A name that cannot be worked with.
  private func nameProblem(_ file: FileKey) async -> JobError? {
    let name = file.path.name
    if Self.stem(file).count > DropNames.longestStem {
      return JobError(
        code: .nameTooLong,
        message: "The name has \(name.count) bytes; those of its sidecar and its pictures would be too long.",
        hint: "Shorten it to \(DropNames.longestStem) bytes without its ending.")
    }
    if let plain = DropNames.plainPrompt(name), case .file = await files.look(file.sibling(plain)) {
      return JobError(
        code: .sameStem, message: "\(DropPath.display(plain)) stands beside it: both would have the same pictures.",
        hint: "Rename one of the two.")
    }
    return nil
  }

  func understand(
    _ file: FileKey, _ bytes: [UInt8], _ reading: SourceReading
  ) throws(JobError) -> PromptRequest {
    var defaults: [(FileKey, [UInt8])] = []
    for (place, content) in reading.defaults {
      switch content {
      case .success(let bytes): defaults.append((place, bytes))
      case .failure(let trouble): throw trouble.error
      }
    }
    // A list that has not arrived asks for nothing.
    let list = reading.listBytes.flatMap { isBlankText($0) ? nil : $0 }
    return try reader.understand(prompt: bytes, list: list, file: file, defaults: defaults)
  }

  func planProblem(
    _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp?, _ problem: JobError, _ start: Duration
  ) -> Plan? {
    switch problem.code {
    case .held(.writerOpen):
      guard let taken else { return nil }
      return waitForWriter(file, known, taken, start, problem)
    case _ where problem.isOfOwner:
      settling.finishedUnlessNoticed(file)
      sayNotOurs(file, problem)
      return nil
    case .excluded, .sameStem:
      settling.finishedUnlessNoticed(file)
      // Said once: every rescan looks at it again. Beyond many it is a whole folder, and said enough.
      if toldLeftOut.count < 10_000, toldLeftOut.insert(file).inserted {
        observer.notice(.info, JobError(code: problem.code, message: "\(file.path.display): \(problem.message)"))
      }
      return leaveOut(file, known)
    case .empty, .badExclude: return wait(file, known, start, problem)
    case .referenceMissing:
      let since = known?.note.flatMap { $0.error.code == problem.code ? $0.since : nil } ?? wallClock
      let end = since + settings.referenceWait
      if wallClock < end, known?.note?.state != .failed {
        schedule(.look(file), at: monotonic(end) + .milliseconds(1))
        return wait(file, known, start, problem)
      }
      return refuse(file, known, nil, .failed, start, problem)
    case _ where problem.isOfMachine: return waitForMachine(file, known, start, problem)
    // What is wrong is not in the file, so its stamp says nothing about when it is over.
    case _ where problem.isOfCompanion:
      return refuse(file, known, nil, .failed, start, problem)
    default: return refuse(file, known, taken, .failed, start, problem)
    }
  }

  private func planWithoutFile(_ file: FileKey, _ known: KnownFile?, _ sighting: Sighting) async throws -> Plan? {
    writerLooks[file] = nil
    switch sighting {
    case .missing:
      awaitFiles([], for: file)
      forgetOrigin(file)
      guard let known else { return nil }
      return try await planGone(file, known)
    case .notAFile(let kind):
      return refuse(
        file, known, nil, .failed, now,
        JobError(
          code: .notAFile, message: "It is \(kind), not a regular file.",
          hint: "Put the prompt itself here; links are not followed."))
    case .unreadable(let error) where error.isOfMachine: return waitForMachine(file, known, now, error)
    case .unreadable(let error): return refuse(file, known, nil, .failed, now, error)
    case .file: return nil
    }
  }

  // A deleted prompt that was not sent yet is cancelled; what was sent is paid for and goes on.
  private func planGone(_ file: FileKey, _ known: KnownFile) async throws -> Plan? {
    guard let job = try await inHand(known.job) else { return nil }
    if known.current == 0 {
      var plan = Plan(file: file, changes: [.forget(job: known.job)])
      plan.then = { [self] in
        do throws(LocalTrouble) {
          if try await !sidecarHasMore(than: job) { await removeSidecar(of: file) }
        } catch {
          observer.notice(.warning, error.error)
        }
      }
      return plan
    }
    let unsent = job.slots.values.filter(\.isUnsent)
    var plan = Plan(file: file)
    if known.note != nil {
      plan.changes = [.note(job: known.job, file: file, nil, stamp: nil, at: wallClock)]
    }
    plan.then = { [self] in
      for slot in unsent { await withdraw(slot.key, .sourceGone) }
      if job.slots.values.allSatisfy({ $0.state.name == .cancelled || unsent.contains($0) }), job.outputs.isEmpty {
        await removeSidecar(of: file)
      }
    }
    return plan
  }

  private func removeSidecar(of file: FileKey) async {
    guard await notOurs(file) == nil else { return }
    do throws(LocalTrouble) {
      try await files.removeSidecar(of: file)
    } catch {
      observer.notice(.warning, error.error)
    }
  }

  // MARK: what a file waits for

  private func lookSoon(_ file: FileKey) -> Plan? {
    settling.noticed(file, .touched, at: now)
    return nil
  }

  private func isListOnItsWay(_ file: FileKey) async -> Bool {
    for temporary in listsOnTheirWay[file] ?? [] {
      // A temporary file that nobody has touched for ten minutes was left behind.
      if case .file(_, let age) = await files.look(file.sibling(temporary)), age < .seconds(600) { return true }
      listsOnTheirWay[file]?.remove(temporary)
    }
    listsOnTheirWay[file] = nil
    return false
  }

  /// The job as it is known best: in hand, or from the journal.
  func inHand(_ id: JobID) async throws -> Job? {
    try await jobs.peek(id)
  }

  /// Withdraws a slot that was not sent, wherever it waits.
  func withdraw(_ key: SlotKey, _ reason: CancelReason) async {
    do {
      takeFromQueue(key)
      guard try await jobs.reserve(key) else { return }
      await advance(key, .withdrawn(reason))
    } catch {
      fail(error)
    }
  }
}
