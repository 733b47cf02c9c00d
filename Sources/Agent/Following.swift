import JobCore

// Where a file comes from: it was renamed, so that its job follows; or it is a copy, or new.
extension Pipeline {
  /// Whether the job of a file that is not there any more, or is about to go, is this one's. `grace`: for how long a copy
  /// waits for its source to vanish.
  func origin(
    of look: FileLook, _ identity: Identity, grace: Duration, for purpose: DecisionPurpose
  ) async throws -> Origin {
    guard let stamp = look.seen.prompt.stamp else { return .none }
    var until: Duration?
    let places = try await formerPlaces(look, identity)
    if !places.isEmpty { origins.turns.isInJournal(identity.source) }
    var own = OwnSidecar.unread
    for place in places {
      guard let candidate = try await candidate(at: place, for: look, identity, &own) else { continue }
      let verdict: OriginTracker.Verdict =
        if purpose.isRun {
          origins.weigh(
            candidate, for: look.file, stamp, absence: settings.files.absence, grace: grace, at: now)
        } else {
          candidate.isMissing ? .isIt : .isNot
        }
      switch verdict {
      case .isIt: return .renamed(candidate.job, from: candidate.file)
      case .wait(let moment): until = min(until ?? moment, moment)
      case .isNot: continue
      }
    }
    if let until { return .wait(until: until) }
    if purpose.isRun { origins.forget(look.file) }
    return .none
  }

  /// The sidecar of the file that is asked about: of a hundred candidates none reads it again.
  private enum OwnSidecar { case unread, job(String?) }

  private struct FormerPlace {
    var job: JobID
    var file: FileKey
    var isFromKernel: Bool
  }

  private func formerPlaces(_ look: FileLook, _ identity: Identity) async throws -> [FormerPlace] {
    var found: [FormerPlace] = []
    if let former = origins.former(of: look.file), let job = try await journal.known([former])[0], job.current > 0 {
      found.append(FormerPlace(job: job.job, file: former, isFromKernel: true))
    }
    for (job, former) in try await journal.jobs(roots: roots, source: identity.source)
    where former != look.file && job != look.knowledge.file?.job && found.first?.job != job {
      found.append(FormerPlace(job: job, file: former, isFromKernel: false))
    }
    return found
  }

  // Nil: it is known not to be this file.
  private func candidate(
    at place: FormerPlace, for look: FileLook, _ identity: Identity, _ own: inout OwnSidecar
  ) async throws -> OriginTracker.Candidate? {
    guard let job = try await inHand(place.job), job.file == place.file else { return nil }
    let current = job.revisions[job.current]?.identity
    if !place.isFromKernel {
      // A list that has gone asks for nothing.
      guard job.state != .cancelled, let current, !identity.asksForMore(than: current) else { return nil }
    }
    let hasLostList = identity.list == nil && current?.list != nil
    if let name = origins.name(of: place.file), name != look.file, case .file = await files.look(name) {
      // The kernel reported what its file is called now: this one is a copy of that, until that goes too.
      return place.isFromKernel
        ? nil : .init(job: job, file: name, isFromKernel: false, hasLostList: hasLostList, isMissing: false)
    }
    if try await hasLeftSidecar(place, job, notIn: look.file, &own) { return nil }
    switch await files.look(place.file) {
    case .missing:
      // A finished prompt whose pictures are gone too was deleted: the same text somewhere else is meant anew. Not so where it
      // is the same file, or was copied from it before that went: pictures may have been moved before.
      if !place.isFromKernel, !isSameFile(look, job), !origins.isCopy(look.file, of: place.file), job.state == .done,
        try await !hasPicture(job, beside: [place.file, look.file])
      {
        return nil
      }
      return .init(
        job: job, file: place.file, isFromKernel: place.isFromKernel, hasLostList: hasLostList, isMissing: true)
    case .file where !place.isFromKernel:
      return .init(job: job, file: place.file, isFromKernel: false, hasLostList: hasLostList, isMissing: false)
    case .file, .notAFile, .unreadable: return nil
    }
  }

  // Whether a job's file that is not in its place any more is known not to be this one: this one was copied together with its
  // sidecar, which the file that was moved left behind.
  private func hasLeftSidecar(
    _ place: FormerPlace, _ job: Job, notIn file: FileKey, _ own: inout OwnSidecar
  ) async throws -> Bool {
    let former = place.file
    let haveOneSidecar = former.isBeside(file) && DropNames.stemOrName(former) == DropNames.stemOrName(file)
    if place.isFromKernel || haveOneSidecar { return false }
    if case .unread = own { own = .job(try await readSidecar(of: file)?.jobID) }
    guard case .job(job.id.text) = own else { return false }
    return try await readSidecar(of: former)?.jobID == job.id.text
  }

  // A rename keeps inode and modification time; a new file with the inode of one that is gone has a time of its own.
  private func isSameFile(_ look: FileLook, _ job: Job) -> Bool {
    guard let stamp = look.seen.prompt.stamp, let taken = job.stamp?.prompt else { return false }
    return taken.isSameFile(as: stamp) && taken.modified == stamp.modified
  }

  private func hasPicture(_ job: Job, beside places: [FileKey]) async throws -> Bool {
    for output in job.outputs {
      if output.kept != nil { return true }
      for place in places where try await files.digest(output.file, beside: place) == output.sha256 { return true }
    }
    return false
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
    origins.folderMoved(follow)
    arrivals.beginMove()
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
      arrivals.endMove()
      noticeVanished(Vanished(folder: from, isDeep: true), at: now)
      backlog.journalHasNew()
      pump()
    }
  }
}
