import JobCore

// A file that a program still has open for writing is not complete. It waits for the close, and after a while for a person.
extension Pipeline {
  // The close is heard of where inotify hears; this is for what is not: a name elsewhere for the same file, or a folder that
  // is polled. The longer it has waited, the longer the next look can wait.
  private static let shortestLook: Duration = .milliseconds(100)
  private static let longestLook: Duration = .seconds(30)

  /// What is wrong with a file that is still being written.
  func beingWritten(_ file: FileKey) -> JobError {
    JobError(
      code: .held(.writerOpen),
      message: "A program still has \(file.path.display) open for writing, so it may not be complete.",
      hint:
        "It is taken once that program closes it. promptdrop approve FILE takes it as it stands; after "
        + "\(settings.writerWait.brief) it is held until then.",
      retryable: true)
  }

  /// What is to be done about a file that is not complete. Nil: a person has said that it is to be taken as it stands.
  func waitForWriter(
    _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp, _ start: Duration, _ problem: JobError
  ) -> Plan? {
    if isTakenThoughOpen(known, taken) {
      writerLooks[file] = nil
      return nil
    }
    let since = known?.note.flatMap { $0.isOfWriter ? $0.since : nil } ?? wallClock
    let rest = since + settings.writerWait - wallClock
    // One that is held stays so: a clock that was set back does not make it wait anew.
    guard known?.note?.heldFor != .writerOpen, rest > .zero else {
      writerLooks[file] = nil
      // What it is held for is not in the file: each look finds out whether that is over.
      return hold(
        file, known, taken, start, .writerOpen, message: problem.message,
        hint: "Close it in that program; or have it taken as it stands: promptdrop approve FILE.",
        untilItChanges: false)
    }
    lookForClose(of: file, in: min(pause(since: since), rest))
    return wait(file, known, start, problem)
  }

  /// Whether a person has said that the file is to be taken although a program has it open. It holds while the job is in the
  /// queue too, where the file's note is gone.
  func isTakenThoughOpen(_ known: KnownFile?, _ taken: TakenStamp) -> Bool {
    guard let known else { return false }
    if known.note?.approval?.covers(.writerOpen, taken.prompt) == true { takenThoughOpen[known.job] = taken.prompt }
    return takenThoughOpen[known.job] == taken.prompt
  }

  /// How long a slot whose file is waited for is put off.
  func pause(for note: FileNote) -> Duration { max(.seconds(1), pause(since: note.since)) }

  private func pause(since: Timestamp) -> Duration {
    min(max(Self.shortestLook, (wallClock - since) / 2), Self.longestLook)
  }

  // One look for each file is on the agenda, however often it is examined meanwhile.
  private func lookForClose(of file: FileKey, in pause: Duration) {
    let due = now + pause
    if let next = writerLooks[file], next > now, next <= due { return }
    writerLooks[file] = due
    schedule(.writer(file, due: due), at: due)
  }

  /// The time has come to look whether a file was closed.
  func lookForClose(of file: FileKey, due: Duration) {
    guard writerLooks[file] == due else { return }
    writerLooks[file] = nil
    settling.noticed(file, .found, at: now)
  }

  /// The request of a slot that was about to go is not complete after all. Nil: a person has said that it is to go.
  func putOff(_ key: SlotKey, _ entry: ActiveJob, _ written: FileKey) async throws -> SlotEvent? {
    let file = entry.job.file
    guard let stamp = entry.job.stamp, let known = try await journal.known([file])[0], known.job == key.job else {
      return .postponed(until: wallClock + .seconds(1), beingWritten(written))
    }
    guard let plan = waitForWriter(file, known, stamp, now, beingWritten(written)) else { return nil }
    try await record(plan.changes)
    await plan.then()
    return .postponed(until: wallClock + .seconds(1), beingWritten(written))
  }

  /// Tells of the places where it cannot be seen whether a file is open, each once.
  func tellBlindSpots() {
    let found = files.blindSpots
    guard found.count > toldBlindSpots.count else { return }
    for spot in found where toldBlindSpots.insert(spot).inserted {
      var error = spot.error
      error.message = "\(absolute(FileKey(root: spot.root, path: .root))): \(error.message)"
      observer.notice(.info, error)
    }
  }
}

extension Queued {
  /// Whether it was put off because a program has its file open.
  var isOfWriter: Bool { error?.code.heldReason == .writerOpen }
}
