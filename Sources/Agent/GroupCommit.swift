import JobCore

/// Changes that wait to be durable together.
struct PendingCommit {
  var changes: [JournalChange]
  var waiting: CheckedContinuation<[ChangeResult], any Error>
}

extension Pipeline {
  /// Returns when the changes are durable. While one group is being written, all who come form the next: many
  /// transitions, one sync. Throws when the journal is broken; a full disk is waited out.
  func commit(_ changes: [JournalChange]) async throws -> [ChangeResult] {
    try await withCheckedThrowingContinuation { continuation in
      pendingCommits.append(PendingCommit(changes: changes, waiting: continuation))
      if journalIsFull { keepTasks(in: changes) }
      if !isCommitting {
        isCommitting = true
        Task { await self.writeGroups() }
      }
    }
  }

  private func writeGroups() async {
    while !pendingCommits.isEmpty {
      let group = pendingCommits
      pendingCommits = []
      do {
        var results = try await write(group.flatMap(\.changes))[...]
        for pending in group {
          pending.waiting.resume(returning: Array(results.prefix(pending.changes.count)))
          results = results.dropFirst(pending.changes.count)
        }
      } catch {
        for pending in group { pending.waiting.resume(throwing: error) }
      }
    }
    isCommitting = false
  }

  // The process may end before there is room again.
  private func keepTasks(in changes: [JournalChange]) {
    for case .move(let slot, from: .submitting, _) in changes where keptTasks.insert(slot.key).inserted {
      guard case .submitted = slot.state, let entry = active[slot.key.job] else { continue }
      Task { await self.keepTask(of: slot, entry) }
    }
  }

  /// The process ends, whether there is room for what still waits or not.
  func giveUpWriting() {
    givesUpWriting = true
    waitForRoom?.cancel()
  }

  private func write(_ changes: [JournalChange]) async throws -> [ChangeResult] {
    while true {
      do {
        let results = try await journal.commit(changes)
        noteChanged(changes)
        if journalIsFull { localTrouble = nil }
        journalIsFull = false
        keptTasks = []
        enterBill(changes)
        return results
      } catch JournalError.full(let why) {
        let error = JobError(
          code: "journal-full", message: "The journal cannot be written (\(why)): nothing is submitted.",
          hint: "Free some space on the disk of the state folder; promptdrop goes on by itself.", retryable: true)
        observer.notice(.error, error)
        localTrouble = error
        journalIsFull = true
        if givesUpWriting { throw JournalError.full(why) }
        keepTasks(in: changes + pendingCommits.flatMap(\.changes))
        if mode == .once { end(.cannotWrite(error)) }
        let wait = Task { [surroundings, now, settings] in
          try await surroundings.sleep(now + settings.policy.localTroubleDelay)
        }
        waitForRoom = wait
        _ = await wait.result
        if givesUpWriting { throw JournalError.full(why) }
      }
    }
  }
}
