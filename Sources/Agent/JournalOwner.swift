import JobCore

// Changes of the journal, and what is done when it has no room.
extension Pipeline: JournalWriterOwner {
  /// Returns when the changes are durable, with what became of each. Throws when the journal is broken; a full disk is
  /// waited out.
  func commit(_ changes: [JournalChange]) async throws -> [ChangeResult] {
    try await journalWriter.commit(changes, for: self)
  }

  /// The same for changes that have no guard, so that nothing can become of them but that they are applied.
  func record(_ changes: [JournalChange]) async throws {
    _ = try await commit(changes)
  }

  func wroteToJournal(_ changes: [JournalChange]) {
    jobs.journalHas(changes)
    for change in changes {
      guard case .move(let slot, _, _) = change.unannounced, let attempt = slot.attempts.last, attempt.outcome != .begun
      else { continue }
      marks.clear(attempt.attemptID)
    }
    if let due = ledger.apply(changes) { schedule(.liftLimits, at: due) }
  }

  func journalIsFull(_ why: String) {
    let error = JobError(
      code: .journalFull, message: "The journal cannot be written (\(why)): nothing is submitted.",
      hint: "Free some space on the disk of the state folder; promptdrop goes on by itself.", retryable: true)
    observer.notice(.error, error)
    localTrouble = error
    if mode == .once { end(.cannotWrite(error)) }
  }

  func journalHasRoom() { localTrouble = nil }

  func keepAnswer(of slot: Slot) {
    guard let entry = jobs[slot.key.job] else { return }
    start { await self.keepTask(of: slot, entry) }
  }
}
