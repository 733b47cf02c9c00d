import JobCore

// A file that a program still has open for writing is not complete. It waits for the close, and after a while for a person.
extension Pipeline {
  /// How long a slot whose file is waited for is put off.
  func pause(for note: FileNote) -> Duration { max(.seconds(1), WriterPause.next(since: note.since, now: wallClock)) }

  func lookForClose(of file: FileKey, in pause: Duration) {
    let due = now + pause
    if writerLooks.look(at: file, due, now: now) { schedule(.writer(file, due: due), at: due) }
  }

  /// The time has come to look whether a file was closed.
  func lookForClose(of file: FileKey, due: Duration) {
    if writerLooks.take(file, due: due) { lookAt(file) }
  }

  /// The request of a slot that was about to go is not complete after all. Nil: a person has said that it is to go.
  func putOff(_ key: SlotKey, _ entry: ActiveJob, _ written: FileKey) async throws -> SlotEvent? {
    let file = entry.job.file
    guard let stamp = entry.job.stamp, let known = try await journal.known([file])[0], known.job == key.job else {
      return .postponed(until: wallClock + .seconds(1), FileDecision.beingWritten(written, settings.fileRules))
    }
    let seen = Observation(file: file, prompt: .file(stamp.prompt, age: .zero))
    let reading = SourceReading(prompt: seen.prompt, promptBytes: nil, list: .missing, listBytes: nil, defaults: [])
    var look = FileLook(file: file, reading: reading, seen: seen, knowledge: Knowledge(known))
    let outcome = try await answering(&look) { [settings] look, now throws(FileNeed) in
      try FileDecision.waitForWriter(written, stamp, look.seen, look.knowledge, rules: settings.fileRules, now: now)
    }
    guard let outcome else { return nil }
    remember(outcome, file)
    if !outcome.changes.isEmpty { _ = try await commit(outcome.changes) }
    try await carryOut(outcome.effects, file)
    return .postponed(until: wallClock + .seconds(1), FileDecision.beingWritten(written, settings.fileRules))
  }

  /// Reports the places where it cannot be seen whether a file is open, each once.
  func tellBlindSpots() {
    for spot in writerLooks.unreported(files.blindSpots) {
      var error = spot.error
      error.message = "\(absolute(FileKey(root: spot.root, path: .root))): \(error.message)"
      observer.notice(.info, error)
    }
  }
}
