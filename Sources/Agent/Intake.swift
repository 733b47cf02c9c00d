import JobCore

// One reconcile of one path is the only way in: whatever said where to look, what is there is observed, decided on and
// carried out.
extension Pipeline {
  /// Whether another batch may begin.
  var canExamine: Bool { arrivals.hasRoomForBatch && ending == nil && survey.isSurveyed }

  func examineSettled(at now: Duration) {
    while canExamine, let due = arrivals.beginBatch(at: now) { start { await self.examine(due) } }
  }

  /// Looks at a file soon.
  func lookAt(_ file: FileKey) { arrivals.noticed(file, .found, at: now) }

  /// A decision that is about to be carried out.
  private struct Decided {
    var file: FileKey
    var outcome: FileOutcome
    var seenAt: Timestamp

    // What came first goes first; of what came together, by name.
    func comesBefore(_ other: Decided) -> Bool {
      if seenAt != other.seenAt { return seenAt < other.seenAt }
      return file.path.bytes.lexicographicallyPrecedes(other.file.path.bytes)
    }
  }

  /// Looks at files and does what follows. `arrivals` has begun a batch.
  func examine(_ batch: [FileKey]) async {
    let number = origins.turns.beginBatch()
    do {
      let decided = try await decide(batch, number).sorted { $0.comesBefore($1) }
      var changes: [JournalChange] = []
      for decided in decided { changes += decided.outcome.changes }
      let ahead = beginAhead(changes)
      let results = try await commit(changes)
      for case (.take(let take), .applied) in zip(changes, results) {
        origins.turns.isInJournal(take.revision.identity.source)
      }
      var position = 0
      for decided in decided {
        let end = position + decided.outcome.changes.count
        let isStale = results[position..<end].contains(.stale)
        position = end
        if isStale {
          // Somebody else was quicker with this job: look again.
          for case .take(let take) in decided.outcome.changes where ahead.contains(take.job) { giveUpAhead(take) }
          lookAt(decided.file)
        } else {
          try await carryOut(decided.outcome.effects, decided.file, ahead: ahead)
        }
      }
    } catch {
      fail(error)
    }
    for file in origins.turns.end(batch: number, batch) { arrivals.hasItsTurn(file, at: now) }
    arrivals.endBatch()
    giveRoom()
    pump()
  }

  private func decide(_ batch: [FileKey], _ number: Int) async throws -> [Decided] {
    let known = try await journal.known(batch)
    let queries = zip(batch, known).map { file, known in
      // A sidecar is read with the bytes.
      let wantsBytes = self.sidecars.isProtected(file) || overrides.wantedAnew.contains(file)
      return SourceQuery(prompt: file, list: DropNames.list(of: file), known: wantsBytes ? nil : known?.stamp)
    }
    let readings = await files.readSources(queries, limit: settings.files.maxPromptBytes)
    tellBlindSpots()
    // Before anything is decided about one of them.
    let sidecars = try readings.map(sidecar(in:))
    for (file, sidecar) in zip(batch, sidecars) {
      if case .success(let sidecar?) = sidecar { await noteWriter(of: sidecar, file.root) }
    }
    let ahead = try await lookAhead(known, queries, readings, batch: number)
    var decided: [Decided] = []
    decided.reserveCapacity(batch.count)
    for (index, file) in batch.enumerated() {
      let seenAt = firstSeen(file, known[index], readings[index])
      var outcome: FileOutcome
      do {
        (outcome, _) = try await decide(
          file, known[index], readings[index], sidecars[index], isFull: queries[index].known == nil, batch: number,
          ahead: ahead[index])
      } catch is WaitsForItsTurn {
        continue
      }
      outcome.takePlace(in: seenAt)
      trace(TraceLine.decision(file, outcome))
      decided.append(Decided(file: file, outcome: outcome, seenAt: seenAt))
    }
    return decided
  }

  // When a file was first seen. One that was found by looking may be there for long: then its own time says more.
  private func firstSeen(_ file: FileKey, _ known: KnownFile?, _ reading: SourceReading) -> Timestamp {
    var moment = wallClock
    if let arrival = arrivals.arrival(of: file) {
      moment = moment + (arrival - now)
    } else if let stamp = reading.prompt.stamp {
      moment = min(moment, Timestamp(milliseconds: stamp.modified / 1_000_000))
    }
    return min(moment, known?.note?.since ?? moment)
  }

  // MARK: what is remembered of a file

  /// A file is there, or is not: what only matters while it is not, or is, is forgotten.
  func noteSight(of look: FileLook) {
    let file = look.file
    arrivals.looked(at: file)
    if let stamp = look.seen.prompt.stamp {
      origins.isThere(file)
      // A person's word outlives the note that it stands in.
      if let known = look.knowledge.file, known.note?.approval?.covers(.writerOpen, stamp) == true {
        overrides.takenThoughOpen[known.job] = stamp
      }
    } else {
      writerLooks.forget(file)
      guard look.seen.prompt == .missing else { return }
      awaitFiles([], for: file)
      origins.forget(file)
    }
  }

  /// What follows from a decision in memory.
  func remember(_ outcome: FileOutcome, _ file: FileKey) {
    arrivals.decided(outcome, on: file, at: now)
    var waitsForClose = outcome.next == .whenSettled
    for memo in outcome.memos {
      switch memo {
      case .confirm(let stamp): watcher.confirm(file, stamp)
      case .look(let due): schedule(.look(file), at: due)
      case .lookForClose(let pause):
        waitsForClose = true
        lookForClose(of: file, in: pause)
      case .awaitsControlFile: break
      }
    }
    if !waitsForClose { writerLooks.forget(file) }
  }
}

extension FileOutcome {
  /// Gives what is taken its place in the queue: by when the file was first seen.
  fileprivate mutating func takePlace(in moment: Timestamp) {
    for (index, change) in changes.enumerated() {
      guard case .take(var take) = change else { continue }
      take.seenAt = moment
      changes[index] = .take(take)
    }
  }
}
