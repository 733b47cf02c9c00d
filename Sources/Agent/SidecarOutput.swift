import JobCore

// The sidecar says what the job is, whenever it is written; only when it is written is decided here.
extension Pipeline {
  // Progress is shown, not recorded: at most once a second for each job.
  private static let progressInterval: Duration = .seconds(1)

  /// Writes the sidecar now. Durable: on return it is.
  func writeSidecar(_ entry: ActiveJob, durable: Bool) async throws(LocalTrouble) {
    let lock = await jobs.lockFiles(of: entry)
    try await writeLocked(entry, durable: durable)
    lock.release()
  }

  private func writeLocked(_ entry: ActiveJob, durable: Bool) async throws(LocalTrouble) {
    if try await isWithheld(entry, durable: durable) { return }
    if !entry.isCompared(at: now) {
      compare(entry, with: try await readSidecar(of: entry.job.file))
      // Whose the folder is, the sidecar may have told.
      if try await isWithheld(entry, durable: durable) { return }
    }
    guard !sidecars.isProtected(entry.job.file) else {
      guard durable else { return }
      throw LocalTrouble(
        JobError(
          code: .sidecarKept, message: "The sidecar of \(entry.job.file.path.display) has more than the journal.",
          hint: "promptdrop takes over what it says as soon as the prompt can be read, and goes on by itself.",
          retryable: true))
    }
    // It says all that is known: what was to be written later is not, and the job need not stay in hand for that.
    let hadToLast = entry.sidecarHasToLast
    if durable || !hadToLast { (entry.sidecarIsDue, entry.sidecarHasToLast) = (false, false) }
    entry.sidecarIsStale = false
    sidecars.showed(entry.job.id)
    let bytes = try sidecarBytes(of: entry.job)
    // Before it is written too: what happens meanwhile is shown a while after this.
    entry.sidecarWrittenAt = now
    do throws(LocalTrouble) {
      try await files.writeSidecar(bytes, of: entry.job.file, durable: durable)
    } catch {
      if hadToLast { entry.sidecarHasToLast = true }
      throw error
    }
    entry.sidecarWrittenAt = now
    noticeWritten(.sidecar, in: entry.job.file.root)
  }

  // Whether the folder is another agent's, so that nothing is written. Throws where that was to be durable.
  private func isWithheld(_ entry: ActiveJob, durable: Bool) async throws(LocalTrouble) -> Bool {
    guard let problem = await notOurs(entry.job.file) else { return false }
    entry.sidecarIsStale = true
    sidecars.withhold(entry.job.id)
    if durable { throw LocalTrouble(problem) }
    return true
  }

  // A function that does not wait, and out of line: its large values are on the stack, not in the task's memory.
  @inline(never)
  private func sidecarBytes(of job: Job) throws(LocalTrouble) -> [UInt8] {
    let machine = settings.identity.machine.isEmpty ? nil : settings.identity.machine
    let run = try identity?.run()
    let writer = identity.flatMap { identity in
      run.map { SidecarWriter(id: identity.id, run: $0, machine: machine) }
    }
    var sidecar = StatusSidecar(
      of: job, now: wallClock, agentVersion: settings.identity.version, agentHost: settings.identity.host,
      writer: writer, service: dispatcher.closed?.error)
    if let error = sidecar.error { sidecar.error = places.naming(job.file, in: error) }
    return sidecar.encoded()
  }

  /// The service takes nothing: it is reported, and shown in the sidecars of jobs that are on their way.
  func sayClosed(_ error: JobError) {
    observer.notice(.error, error)
    for entry in jobs.inHand where !entry.running.isEmpty { progress(entry) }
  }

  /// The service takes submissions again.
  func sayOpen() {
    observer.notice(.info, JobError(code: .serviceOpen, message: "The service takes submissions again."))
    askWhatWaited()
    for entry in jobs.inHand where !entry.running.isEmpty { progress(entry) }
  }

  /// Shows progress, soon.
  func progress(_ entry: ActiveJob) {
    entry.sidecarIsStale = true
    guard !entry.sidecarIsDue else { return }
    entry.sidecarIsDue = true
    schedule(.sidecar(entry.job.id), at: entry.sidecarWrittenAt.map { $0 + Self.progressInterval } ?? now)
  }

  // A task that takes longer than this is worth a sidecar of its own.
  private static let soon: Duration = .milliseconds(200)
  // All that comes within so long is written at one moment: timers of their own would be as many wake-ups.
  private static let together: Int64 = 50

  /// Shows that the service has accepted it, durably, unless its end comes first.
  func showSoon(_ entry: ActiveJob) {
    (entry.sidecarIsStale, entry.sidecarIsDue, entry.sidecarHasToLast) = (true, true, true)
    let due = (now + Self.soon).milliseconds / Self.together + 1
    schedule(.sidecar(entry.job.id), at: .milliseconds(due * Self.together))
  }

  func writeDueSidecar(_ job: JobID) async {
    guard let lease = jobs.leaseInHand(job), lease.job.sidecarIsDue, !isStopping else { return }
    let entry = lease.job
    entry.sidecarIsDue = false
    if entry.sidecarHasToLast {
      await writeOrRetry(entry)
    } else if entry.sidecarIsStale {
      if let written = entry.sidecarWrittenAt, now - written < Self.progressInterval {
        // A durable one came between; what has happened since then is shown in its turn.
        entry.sidecarIsDue = true
        return schedule(.sidecar(job), at: written + Self.progressInterval)
      }
      await writeOrRetry(entry)
    }
    lease.release()
  }

  /// Writes the sidecar, without waiting for the disk unless it has to last; where that fails, the user's log says so and it
  /// is tried again.
  func writeOrRetry(_ entry: ActiveJob) async {
    do throws(LocalTrouble) {
      try await writeSidecar(entry, durable: entry.sidecarHasToLast)
    } catch {
      entry.sidecarIsStale = true
      // Without a place for it there is nothing to try; whoever brings the job to its new place writes it.
      if error.error.isOfPlace || error.error.isOfOwner { return }
      noticeLocal(error.error, .sidecar, in: entry.job.file.root)
      entry.sidecarIsDue = true
      schedule(.sidecar(entry.job.id), at: now + settings.policy.localTroubleDelay)
    }
  }

  /// The end of the process: what has not been shown yet is shown now.
  func writeStaleSidecars() async {
    for entry in jobs.inHand where entry.sidecarIsStale || entry.sidecarHasToLast { await writeOrRetry(entry) }
  }
}
