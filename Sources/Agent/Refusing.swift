import JobCore

// Files that cannot be taken as they stand: what keeps each is noted, and its sidecar says so.
extension Pipeline {
  /// The machine's trouble is not the file's fault, and nothing says when it is over.
  func waitForMachine(_ file: FileKey, _ known: KnownFile?, _ start: Duration, _ error: JobError) -> Plan {
    schedule(.look(file), at: now + settings.policy.localTroubleDelay)
    return wait(file, known, start, error)
  }

  /// The file waits for something that is seen when it comes.
  func wait(_ file: FileKey, _ known: KnownFile?, _ start: Duration, _ error: JobError) -> Plan {
    refuse(file, known, nil, .queued, start, error)
  }

  /// Holds a file for a person, before anything of it is taken. Nil: a person has let this pass for the file as it stands,
  /// so it goes on. `untilItChanges`: what it is held for is in the file itself; otherwise each rescan looks again.
  func hold(
    _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp, _ start: Duration, _ reason: HeldReason,
    message: String, hint: String, untilItChanges: Bool = true
  ) -> Plan? {
    if let approval = known?.note?.approval, approval.covers(reason, taken.prompt) { return nil }
    return refuse(
      file, known, untilItChanges ? taken : nil, .held, start,
      JobError(code: .held(reason), message: message, hint: hint))
  }

  /// Says of a file what keeps it. Its sidecar tells the user.
  func refuse(
    _ file: FileKey, _ known: KnownFile?, _ stamp: TakenStamp?, _ state: StateName, _ start: Duration, _ error: JobError
  ) -> Plan {
    settling.finishedUnlessNoticed(file)
    var plan = Plan(file: file)
    if let note = known?.note, note.state == state, note.error == error, known?.stamp == stamp,
      !note.isOfFormerNames
    {
      return plan
    }
    let isSame = known?.note?.error.code == error.code
    let note = FileNote(
      state: state, error: error, since: isSame ? known?.note?.since ?? wallClock : wallClock,
      approval: known?.note?.approval)
    let id = known?.job ?? JobID(surroundings.newID())
    plan.changes = [.note(job: id, file: file, note, stamp: stamp, at: wallClock)]
    plan.then = { [self] in await tell(id, note) }
    return plan
  }

  private func tell(_ id: JobID, _ note: FileNote) async {
    do {
      try await withJob(id) { entry in
        // The file may have been taken since; then nothing is to be said of it any more.
        guard try await journal.known([entry.job.file])[0]?.note == note else { return }
        entry.job.note = note
        observer.changed(entry.job)
        // There is no name for a sidecar, so the log has to do, and `status`.
        if note.error.code == ErrorCode.nameTooLong {
          var error = note.error
          error.message = "\(entry.job.file.path.display): \(error.message)"
          return observer.notice(.warning, error)
        }
        // Where the journal was lost, this is all that is left of what was paid for.
        if try await sidecarHasMore(than: entry.job) { return }
        try await writeSidecar(entry, durable: false)
      }
    } catch let trouble as LocalTrouble {
      observer.notice(.warning, trouble.error)
      localTrouble = trouble.error
    } catch {
      fail(error)
    }
  }

  func tooLarge(_ what: String, _ size: Int64) -> JobError {
    JobError(
      code: .tooLarge, message: "\(what) has \(size) bytes; the limit is \(settings.maxPromptBytes).",
      hint: "Shorten it, or raise max-prompt-bytes.")
  }
}
