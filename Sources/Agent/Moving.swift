import JobCore

// Pictures that change their names: with their prompt, or because an earlier revision is wanted again.
extension Pipeline {
  /// The job's file has another name: what is still ours follows.
  func moved(_ id: JobID, from former: FileKey, to file: FileKey) async {
    do {
      try await withJob(id) { entry in
        // Neither is a folder of another agent's written into, nor is anything taken out of it.
        guard await notOurs(file) == nil, await notOurs(former) == nil else { return }
        var before = entry.job
        before.file = former
        try await bringPictures(entry, before, to: file)
        if try await readSidecar(of: former)?.jobID == id.text { try await files.removeSidecar(of: former) }
        observer.changed(entry.job)
        // While money is at risk, the sidecar beside the prompt has to be the second copy again.
        if entry.job.state.isSettled { await show(id) } else { try await writeSidecar(entry, durable: true) }
        try await record([.arrived(job: id)])
        wake(entry)
        if keptPictures.contains(id) { putKeptBack() }
      }
    } catch let trouble as LocalTrouble {
      if trouble.isFatal { fail(trouble) } else { observer.notice(.warning, trouble.error) }
    } catch let failure as FetchFailure {
      if case .local(let error) = failure { observer.notice(.warning, error) }
    } catch {
      fail(error)
    }
    // Its text may have changed on the way, and its stamp has.
    lookAt(file)
    pump()
  }

  /// Another prompt was renamed over this one: what was not sent is withdrawn, what is paid for becomes a version.
  func gaveWay(_ id: JobID, to place: FileKey) async {
    do {
      try await withJob(id) { entry in
        entry.job.file = place
        let lock = await jobs.lockFiles(of: entry)
        do throws(FetchFailure) {
          let isOurs = await notOurs(place) == nil
          for output in entry.job.outputs where isOurs && output.isInPlace && !entry.job.isVersion(output) {
            try await rename(output, entry) { $0.versionName(output, turn: $1) }
          }
        } catch {
          if case .local(let why) = error { observer.notice(.warning, why) }
        }
        lock.release()
        for slot in entry.job.slots.values where slot.isUnsent { await withdraw(slot.key, .sourceGone) }
        await show(id)
      }
    } catch {
      fail(error)
    }
  }

  /// What waits because its place was not there goes on.
  func wake(_ entry: ActiveJob) {
    for key in entry.running where entry.job.slots[key]?.state.name == .fetching { schedule(.fetch(key), at: now) }
    if entry.sidecarIsStale { progress(entry) }
  }

  // The lock is given back however this ends: a job that stays locked would go quiet.
  private func bringPictures(_ entry: ActiveJob, _ before: Job, to file: FileKey) async throws(FetchFailure) {
    let lock = await jobs.lockFiles(of: entry)
    // Only now: whoever had the job's files was still working in the old place.
    entry.job.file = file
    let former = before.file
    let isSameFolder = former.isBeside(file)
    for planned in entry.job.outputs where planned.kept == nil {
      var output = planned
      if let temporary = planned.temporary {
        // It was being put in place: it is, or is on its way, and goes on from here.
        if try await digest(planned.file, former) == planned.sha256 {
          output.temporary = nil
        } else {
          output.file = entry.job.pictureName(planned, turn: 0)
          try await commitOutputs([output], entry)
          if !isSameFolder {
            _ = try await local { () async throws(LocalTrouble) in
              try await self.files.move(temporary, from: former, to: temporary, beside: file)
            }
          }
          continue
        }
      }
      let name = { (job: Job, turn: Int) in
        // One that had to give way once is nobody's version any more.
        output.slot.revision == job.current && (before.isReplaced || !before.isVersion(output))
          ? job.pictureName(output, turn: turn) : job.versionName(output, turn: turn)
      }
      if output != planned { try await commitOutputs([output], entry) }
      let isHere = isSameFolder ? true : try await digest(output.file, file) == output.sha256
      if !isHere {
        try await bring(output, entry, from: former, as: name)
      } else if before.stem != entry.job.stem || before.isReplaced {
        try await rename(output, entry, to: name)
      }
    }
    lock.release()
  }

  // From another folder. One that the user deleted or edited stays where it is.
  private func bring(
    _ output: Output, _ entry: ActiveJob, from former: FileKey, as name: (Job, Int) -> [UInt8]
  ) async throws(FetchFailure) {
    guard try await digest(output.file, former) == output.sha256 else { return }
    for turn in 0..<1000 {
      var brought = output
      brought.file = name(entry.job, turn)
      let isBrought = try await local { () async throws(LocalTrouble) in
        try await self.files.move(output.file, from: former, to: brought.file, beside: entry.job.file)
      }
      if isBrought { return try await commitOutputs([brought], entry) }
    }
  }

  /// An earlier revision is current again: the newer one's pictures are set aside, its own get their names back.
  func putBack(_ id: JobID, _ revision: Int) async {
    do {
      try await withJob(id) { entry in
        guard await notOurs(entry.job.file) == nil else { return }
        let lock = await jobs.lockFiles(of: entry)
        try await setEarlierAside(entry)
        for output in entry.job.outputs
        where output.slot.revision == revision && output.isInPlace && entry.job.isVersion(output) {
          try await rename(output, entry) { $0.pictureName(output, turn: $1) }
        }
        try await files.syncFolder(of: entry.job.file)
        lock.release()
      }
    } catch let trouble as LocalTrouble {
      if trouble.isFatal { fail(trouble) } else { observer.notice(.warning, trouble.error) }
    } catch let failure as FetchFailure {
      if case .local(let error) = failure { observer.notice(.warning, error) }
    } catch {
      fail(error)
    }
  }
}
