import JobCore

// The sidecar says what the job is, whenever it is written; only when it is written is decided here.
extension Pipeline {
  // Progress is shown, not recorded: at most once a second for each job.
  private static let progressInterval: Duration = .seconds(1)

  /// Writes the sidecar now. Durable: on return it is.
  func writeSidecar(_ entry: ActiveJob, durable: Bool) async throws(LocalTrouble) {
    await entry.lock()
    defer { entry.unlock() }
    let sidecar = StatusSidecar(
      of: entry.job, now: wallClock, agentVersion: settings.version, agentHost: settings.host)
    try await files.writeSidecar(sidecar.encoded(), of: entry.job.file, durable: durable)
    entry.sidecarWrittenAt = now
  }

  /// Shows progress, soon.
  func progress(_ entry: ActiveJob) {
    guard !entry.sidecarIsDue else { return }
    entry.sidecarIsDue = true
    let earliest = entry.sidecarWrittenAt.map { $0 + Self.progressInterval } ?? now
    if earliest <= now {
      Task { await self.writeDueSidecar(entry.job.id) }
    } else {
      schedule(.sidecar(entry.job.id), at: earliest)
    }
  }

  func writeDueSidecar(_ job: JobID) async {
    guard let entry = active[job], entry.sidecarIsDue, !isStopping else { return }
    entry.sidecarIsDue = false
    let writtenBefore = entry.sidecarWrittenAt
    do throws(LocalTrouble) {
      // A slot that moved on meanwhile may have written a newer one already.
      if let writtenBefore, now - writtenBefore < Self.progressInterval { return forgetIfIdle(entry) }
      try await writeSidecar(entry, durable: false)
    } catch {
      observer.notice(.warning, error.error)
      entry.sidecarIsDue = true
      schedule(.sidecar(job), at: now + settings.policy.localTroubleDelay)
      return
    }
    forgetIfIdle(entry)
  }

  private func forgetIfIdle(_ entry: ActiveJob) {
    if entry.running.isEmpty, !entry.sidecarIsDue { active[entry.job.id] = nil }
  }
}
