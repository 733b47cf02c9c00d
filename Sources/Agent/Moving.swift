import JobCore

// Pictures that change their names: with their prompt, or because an earlier revision is wanted again.
extension Pipeline {
  /// The job's file has another name: what is still ours follows.
  func moved(_ id: JobID, from former: FileKey, to file: FileKey) async {
    do {
      guard let job = try await inHand(id) else { return }
      var renamed = job
      renamed.file = file
      active[id]?.job.file = file
      recent[id]?.file = file
      if former.root == file.root, former.path.directory == file.path.directory {
        let entry = active[id] ?? ActiveJob(renamed)
        try await renamePictures(of: job, entry, from: former)
        renamed = entry.job
      }
      try await files.removeSidecar(of: former)
      observer.changed(renamed)
      await show(renamed)
      if job.state == .cancelled { settling.noticed(file, .found, at: now) }
    } catch let trouble as LocalTrouble {
      observer.notice(.warning, trouble.error)
    } catch let failure as FetchFailure {
      if case .local(let error) = failure { observer.notice(.warning, error) }
    } catch {
      fail(error)
    }
  }

  // The lock is given back however this ends: a job that stays locked would go quiet.
  private func renamePictures(of job: Job, _ entry: ActiveJob, from former: FileKey) async throws(FetchFailure) {
    await entry.lock()
    defer { entry.unlock() }
    for output in job.outputs where output.temporary == nil {
      try await rename(output, entry) { job, turn in
        output.slot.revision == job.current && !job.isVersionName(output, of: former)
          ? job.pictureName(output, turn: turn) : job.versionName(output, turn: turn)
      }
    }
  }

  /// An earlier revision is current again: the newer one's pictures are set aside, its own get their names back.
  func putBack(_ id: JobID, _ revision: Int) async {
    do {
      guard let job = try await inHand(id) else { return }
      let entry = active[id] ?? ActiveJob(job)
      await entry.lock()
      defer { entry.unlock() }
      try await setEarlierAside(entry)
      for output in entry.job.outputs
      where output.slot.revision == revision && output.temporary == nil && entry.job.isVersion(output) {
        try await rename(output, entry) { $0.pictureName(output, turn: $1) }
      }
      try await files.syncFolder(of: job.file)
    } catch let trouble as LocalTrouble {
      if trouble.isFatal { fail(trouble) } else { observer.notice(.warning, trouble.error) }
    } catch let failure as FetchFailure {
      if case .local(let error) = failure { observer.notice(.warning, error) }
    } catch {
      fail(error)
    }
    do {
      if let job = try await inHand(id) { await show(job) }
    } catch {
      fail(error)
    }
  }
}

extension Job {
  /// Whether the picture had a version's name while the prompt had its former one.
  fileprivate func isVersionName(_ output: Output, of former: FileKey) -> Bool {
    var before = self
    before.file = former
    return before.isVersion(output)
  }
}
