import JobCore

// Where a file comes from: it was renamed, so that its job follows; or it is a copy, or new.
extension Pipeline {
  enum Origin {
    /// It is nobody else's.
    case none
    /// It was this job's file under another name.
    case renamed(Job, from: FileKey)
    /// That cannot be told yet: it is looked at again.
    case notYet
  }

  private struct Candidate {
    var job: JobID
    var file: FileKey
    // The kernel told of the rename; else only the text is the same.
    var isTold: Bool
  }

  private static let precedence: Duration = .seconds(1)

  /// Whether the job of a file that is not there any more, or is about to go, is this one's. `grace`: for how long a copy
  /// waits for its source to vanish.
  func origin(
    of file: FileKey, _ known: KnownFile?, _ identity: Identity, _ stamp: TakenStamp, grace: Duration
  ) async throws -> Origin {
    var until: Duration?
    func wait(_ moment: Duration) { until = min(until ?? moment, moment) }
    for candidate in try await candidates(file, known, identity) {
      guard let job = try await inHand(candidate.job), job.file == candidate.file else { continue }
      if !candidate.isTold {
        guard job.state != .cancelled, asksForNothing(identity, beyond: job) else { continue }
      }
      if try await isElsewhere(candidate, job, notIn: file) { continue }
      switch await files.look(candidate.file) {
      case .missing:
        // A finished prompt whose pictures are gone too was deleted: the same text somewhere else is meant anew.
        if !candidate.isTold, job.state == .done, try await !hasPicture(job, beside: [candidate.file, file]) {
          continue
        }
        let since = goneSince[candidate.file] ?? now
        goneSince[candidate.file] = since
        // The very file that was renamed goes before copies of it.
        let isCertain = candidate.isTold || job.stamp.map { $0.prompt.isSameFile(as: stamp.prompt) } ?? false
        let end = since + settings.absence + (isCertain ? .zero : Self.precedence)
        guard now >= end else {
          wait(end)
          continue
        }
        // That it was renamed is forgotten once the job has followed: until then no other file may take it for its own.
        forgetCopy(file)
        goneSince[candidate.file] = nil
        return .renamed(job, from: candidate.file)
      case .file where !candidate.isTold:
        let since = copiedSince[file] ?? now
        guard now < since + grace else { continue }
        if copiedSince.updateValue(since, forKey: file) == nil { copiesOf[candidate.file, default: []].append(file) }
        wait(since + grace)
      default: continue
      }
    }
    if let until {
      settling.lookAgain(file, at: until, now: now)
      return .notYet
    }
    forgetOrigin(file)
    return .none
  }

  /// Whether the file looks like one that was renamed, for who only looks.
  func isRename(_ file: FileKey, _ identity: Identity) async throws -> Bool {
    for candidate in try await candidates(file, nil, identity) {
      guard let job = try await inHand(candidate.job), job.state != .cancelled,
        asksForNothing(identity, beyond: job), await files.look(candidate.file) == .missing,
        try await !isElsewhere(candidate, job, notIn: file)
      else { continue }
      if job.state != .done { return true }
      if try await hasPicture(job, beside: [candidate.file, file]) { return true }
    }
    return false
  }

  // Whether a job's file that is not in its place any more is known not to be this one: the kernel told that it became
  // another one, which is there; or this one was copied together with its sidecar, which the file that was moved left behind.
  private func isElsewhere(_ candidate: Candidate, _ job: Job, notIn file: FileKey) async throws -> Bool {
    let former = candidate.file
    if let name = renames.name(of: former), name != file, case .file = await files.look(name) { return true }
    let haveOneSidecar = former.isBeside(file) && Self.stem(former) == Self.stem(file)
    guard !candidate.isTold, !haveOneSidecar, try await told(of: file)?.jobID == job.id.text else { return false }
    return try await told(of: former)?.jobID == job.id.text
  }

  // A list that has gone asks for nothing.
  private func asksForNothing(_ identity: Identity, beyond job: Job) -> Bool {
    job.revisions[job.current].map { !identity.asksForMore(than: $0.identity) } ?? false
  }

  private func candidates(
    _ file: FileKey, _ known: KnownFile?, _ identity: Identity
  ) async throws -> [Candidate] {
    var found: [Candidate] = []
    if let former = renames.former(of: file), let job = try await journal.known([former])[0], job.current > 0 {
      found.append(Candidate(job: job.job, file: former, isTold: true))
    }
    for (job, former) in try await journal.jobs(roots: roots, source: identity.source)
    where former != file && job != known?.job && found.first?.job != job {
      found.append(Candidate(job: job, file: former, isTold: false))
    }
    return found
  }

  /// Nothing has to be known any more of where the file came from.
  func forgetOrigin(_ file: FileKey) {
    renames.remove(file)
    forgetCopy(file)
  }

  private func forgetCopy(_ file: FileKey) {
    guard copiedSince.removeValue(forKey: file) != nil else { return }
    copiesOf = copiesOf.compactMapValues { copies in
      let rest = copies.filter { $0 != file }
      return rest.isEmpty ? nil : rest
    }
  }

  private func hasPicture(_ job: Job, beside places: [FileKey]) async throws -> Bool {
    for output in job.outputs {
      if output.kept != nil { return true }
      for place in places where try await files.digest(output.file, beside: place) == output.sha256 { return true }
    }
    return false
  }

  /// The job follows its file to the new name. One that has the name gives way: its pictures become versions.
  func follow(_ file: FileKey, _ known: KnownFile?, _ job: Job, from former: FileKey) -> Plan {
    settling.finishedUnlessNoticed(file)
    var plan = Plan(file: file)
    let displaced = known.map { file.sibling(DropNames.replaced(stem: Self.stem(file), id: $0.job.text)) }
    plan.changes = [.renamed(job: job.id, from: former, to: file, displaced: displaced)]
    plan.then = { [self] in
      renames.remove(file)
      if let displaced, let known, known.current > 0 { await gaveWay(known.job, to: displaced) }
      await moved(job.id, from: former, to: file)
    }
    return plan
  }

  /// A folder was renamed: the jobs of the prompts below it follow at once, their pictures and sidecars are there already.
  func folderMoved(from: FileKey, to: FileKey) {
    func follow(_ file: FileKey) -> FileKey? {
      guard file.root == from.root, file.path.isBelowOrEqual(from.path), file.path != from.path else { return nil }
      return FileKey(
        root: to.root, path: DropPath(bytes: to.path.bytes + file.path.bytes.dropFirst(from.path.bytes.count)))
    }
    // At once, before anything is written to the old place.
    for entry in jobs.inHand { if let file = follow(entry.job.file) { entry.job.file = file } }
    jobs.forgetAll()
    start { [self] in
      do {
        try await record([.renamedFolder(from: from, to: to)])
        for entry in jobs.inHand {
          // One whose new path had a job stays where it was, and is found by its text.
          guard let kept = try await journal.jobs([entry.job.id])[0] else { continue }
          entry.job.file = kept.file
          if follow(from) == nil, kept.file.path.isBelowOrEqual(to.path) { wake(entry) }
        }
      } catch {
        fail(error)
      }
      noticeVanished(Vanished(folder: from, isDeep: true), at: now)
      backlog.journalHasNew()
      pump()
    }
  }
}
