import JobCore

// The last look before money is spent: whether the prompt is still there and the same, and what exactly is sent.
extension Pipeline {
  // What changes it is heard of; this is for what is not.
  private static let ownerWait: Duration = .seconds(600)

  // Nil: the slot has become something else meanwhile, and goes on as that.
  struct NotNow: Error {
    var event: SlotEvent?
    init(_ event: SlotEvent?) { self.event = event }
  }

  struct Prepared {
    var request: SubmitRequest
    // Of what is sent.
    var sha256: String
  }

  // The last look before money is spent: is the prompt still there and the same, and are its reference images?
  func prepare(
    _ key: SlotKey, _ entry: ActiveJob, isFresh: Bool
  ) async throws -> Result<Prepared, NotNow> {
    let file = entry.job.file
    let began = now
    // What the file says now is what is wanted: a text that was replaced is not sent, unless it was in doubt and a person
    // wants it; nor is one whose file cannot be taken as it stands. Should it come back, so does its place in the queue.
    // It was just taken, and what is in hand is about to be brought up to date.
    if key.revision > entry.job.current {
      return .failure(NotNow(.postponed(until: wallClock + .seconds(1), nil)))
    }
    if key.revision != entry.job.current,
      entry.job.slots[key]?.attempts.contains(where: { $0.outcome.mayBePaid }) != true
    {
      return .failure(NotNow(.withdrawn(.superseded)))
    }
    if let note = entry.job.note {
      // Its place in the queue is kept for the moment in which its file is closed.
      guard note.isOfWriter, note.state == .queued else { return .failure(NotNow(.withdrawn(.superseded))) }
      return .failure(NotNow(.postponed(until: wallClock + pause(for: note), note.error)))
    }
    // Another's sidecar may have been seen since it was taken.
    let owner = entry.job.revisions[key.revision]?.snapshot.owner
    if isFresh, let problem = ownership.belonging(file, owner: owner).problem { return .failure(waitForOwner(problem)) }
    let isLetGo = overrides.takenThoughOpen[key.job].map { $0 == entry.job.stamp?.prompt } ?? false
    if !isFresh || !isJustTaken(key, entry) {
      let look = await files.lookBeforeSending(file, list: DropNames.list(of: file))
      if let written = look.beingWritten, !isLetGo, let event = try await putOff(key, entry, written) {
        return .failure(NotNow(event))
      }
      switch look.prompt {
      case .file(let stamp, _) where stamp == entry.job.stamp?.prompt: break
      case .missing: return .failure(NotNow(.withdrawn(.sourceGone)))
      default:
        lookAt(file)
        return .failure(NotNow(.postponed(until: wallClock + settings.files.windows.revision + .seconds(1), nil)))
      }
    }
    if !isFresh {
      let belonging = await ownership.belonging(of: file)
      if case .other(let problem) = belonging { return .failure(waitForOwner(problem)) }
      if let notNow = try await lookAtSidecar(key, entry) { return .failure(notNow) }
    }
    // An empty text is never sent, whatever the journal holds.
    guard var revision = entry.job.revisions[key.revision], !revision.snapshot.prompt.isEmpty else {
      return .failure(NotNow(.withdrawn(.superseded)))
    }
    var images: [ReferenceImage] = []
    var isChanged = false
    var written: FileKey?
    for (index, image) in revision.snapshot.images.enumerated() {
      if let url = image.url { images.append(.url(url)) }
      guard let path = image.path else { continue }
      do throws(LocalTrouble) {
        let reference = FileKey(root: file.root, path: DropPath(path))
        let content = try await files.referenceContent(
          reference, limit: settings.files.maxReferenceBytes, evenIfOpen: isLetGo)
        guard let content else {
          written = reference
          break
        }
        images.append(.data(content.bytes, content.format))
        guard content.sha256 != image.sha256 else { continue }
        revision.snapshot.images[index] = ImageInput(path: path, sha256: content.sha256, bytes: content.bytes.count)
        isChanged = true
      } catch {
        // Something happened to it while the job waited: the file is looked at as if it were new.
        lookAt(file)
        return .failure(NotNow(.postponed(until: wallClock + .seconds(5), error.error)))
      }
    }
    if let written {
      let event = try await putOff(key, entry, written)
      return .failure(NotNow(event ?? .postponed(until: wallClock + .seconds(1), nil)))
    }
    // A slow disk may have held up the images for long, and nobody looked at the sidecar since.
    if !images.isEmpty, now - began >= JobTable.freshLife, let notNow = try await lookAtSidecar(key, entry) {
      return .failure(notNow)
    }
    if isChanged {
      revision.identity.request = reader.requestHash(revision.snapshot)
      // Once a picture was begun with the former ones, the revision goes on telling of these, in the journal and so in hand
      // too; the attempt has the hash of what it sends.
      if try await commit([.refresh(job: key.job, revision)]).first == .applied {
        entry.job.revisions[key.revision] = revision
      }
    }
    return .success(
      Prepared(
        request: SubmitRequest(snapshot: revision.snapshot, images: images), sha256: revision.identity.request))
  }

  // Whether the sidecar tells of something that was paid for, or of another owner.
  private func lookAtSidecar(_ key: SlotKey, _ entry: ActiveJob) async throws -> NotNow? {
    do {
      if let bytes = try await files.sidecar(of: entry.job.file) { return try await weighSidecar(bytes, key, entry) }
      // As beside almost every new prompt. Its first writer need not look again.
      if !entry.isCompared(at: now) { compare(entry, with: nil) }
      if let problem = await notOurs(entry.job.file) { return waitForOwner(problem) }
      return nil
    } catch let trouble as LocalTrouble where !trouble.isFatal {
      return NotNow(.postponed(until: wallClock + settings.policy.localTroubleDelay, trouble.error))
    }
  }

  // Out of line, as what it takes room for is rarely there.
  @inline(never)
  private func weighSidecar(_ bytes: [UInt8], _ key: SlotKey, _ entry: ActiveJob) async throws -> NotNow? {
    let file = entry.job.file
    // What was paid for is followed, whoever the folder belongs to; who wrote the sidecar is known after that.
    let sidecar = await sidecar(from: bytes, file.root)
    if try await sidecarKnowsMore(key, entry, sidecar) { return NotNow(nil) }
    // Its next writer need not read it again.
    if !entry.isCompared(at: now) { compare(entry, with: sidecar) }
    if let problem = await notOurs(file) { return waitForOwner(problem) }
    // The intent of a try that was not sent may still stand there, and is forgotten by the journal after some more: then
    // it would look like a submission in doubt.
    if entry.job.slots[key]?.attempts.last?.outcome == .notSent,
      sidecar?.attempts.contains(where: { $0.attempt.outcome == .begun }) == true
    {
      try await writeSidecar(entry, durable: true)
    }
    return nil
  }

  // For so long the last look holds: the intent is written down meanwhile.
  private static let lookLife: Duration = .seconds(5)

  /// Whether the prompt is still there and the same. A disk that was slow or full may have held up the intent for long, and
  /// nobody looked since.
  func isStillWanted(_ key: SlotKey, _ entry: ActiveJob, lookedAt: Duration) async -> Bool {
    guard now - lookedAt >= Self.lookLife else { return true }
    let mayBePaid = entry.job.slots[key]?.attempts.dropLast().contains { $0.outcome.mayBePaid } ?? false
    guard key.revision == entry.job.current || mayBePaid, entry.job.note == nil else { return false }
    let look = await files.lookBeforeSending(entry.job.file, list: DropNames.list(of: entry.job.file))
    guard case .file(let stamp, _) = look.prompt, stamp == entry.job.stamp?.prompt else { return false }
    return look.beingWritten == nil || overrides.takenThoughOpen[key.job] == stamp
  }

  // Whether the file was looked at a moment ago, so that there is no need to look whether it was opened since.
  private func isJustTaken(_ key: SlotKey, _ entry: ActiveJob) -> Bool {
    guard let revision = entry.job.revisions[key.revision] else { return false }
    let age = wallClock - revision.takenAt
    return age >= .zero && age < .seconds(1)
  }

  // `once` does not wait for a person; whoever decides wakes what waits for that.
  private func waitForOwner(_ problem: JobError) -> NotNow {
    NotNow(.postponed(until: wallClock + (mode == .once ? RetryPolicy.longestWait : Self.ownerWait), problem))
  }
}
