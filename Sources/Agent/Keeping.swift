import JobCore

// Pictures whose prompt's folder is not there: they are paid for, and their addresses do not last. So they are fetched into
// the state folder, and put beside the prompt when it is back.
extension Pipeline {
  /// Whether there is a place for the job's pictures beside its prompt: the folder is there, and this agent's.
  func hasPlace(_ job: Job) async -> Bool {
    guard await notOurs(job.file) == nil else { return false }
    return await files.hasPlace(beside: job.file, device: job.stamp?.prompt.device)
  }

  /// The name of a picture in the state folder: the job's, so that no two are the same, and the prompt's, for people.
  func keptName(_ output: Output, _ job: Job) -> [UInt8] {
    let unique = "\(output.slot.job.text.suffix(8))-\(output.slot.revision)-\(output.slot.number)-\(output.part)"
    return Array(job.stem.prefix(180)) + Array(".\(unique).\(output.image.format.fileExtension)".utf8)
  }

  /// The picture is in the state folder now.
  func keep(_ staged: StagedImage, _ output: Output, _ entry: ActiveJob) async throws(FetchFailure) {
    var kept = output
    let name = keptName(output, entry.job)
    try await local { () async throws(LocalTrouble) in try await self.files.keep(staged.temporary, as: name) }
    (kept.kept, kept.temporary) = (name, nil)
    kept.file = entry.job.pictureName(output, turn: 0)
    try await commitOutputs([kept], entry)
    keptPictures.insert(entry.job.id)
    let (why, hint) = await whyKept(entry.job)
    observer.notice(
      .warning,
      JobError(
        code: .pictureKept,
        message: "\(why) The picture of \(entry.job.file.path.display) is kept as "
          + "\(files.keptFolder)/\(DropPath.display(name)).", hint: hint))
  }

  /// Why the job's pictures are not beside its prompt, and when they will be.
  func whyKept(_ job: Job) async -> (why: String, hint: String) {
    guard let problem = await notOurs(job.file) else {
      return (
        "The folder of \(job.file.path.display) is not there.",
        "promptdrop puts it beside the prompt when the folder is back."
      )
    }
    return (
      problem.message,
      "promptdrop puts it beside the prompt when the folder belongs to this agent. \(problem.hint ?? "")"
    )
  }

  /// Puts kept pictures beside their prompts, those that are back.
  func putKeptBack() {
    guard let kept = keptPictures.beginPuttingBack() else { return }
    start { [self] in
      for id in kept where !isStopping { await putKeptBack(id) }
      keptPictures.endPuttingBack()
      pump()
    }
  }

  private func putKeptBack(_ id: JobID) async {
    do {
      let isKnown: Void? = try await withJob(id) { entry in
        guard case .file = await files.look(entry.job.file), await notOurs(entry.job.file) == nil else { return }
        try await putKeptBack(entry)
        try await files.syncFolder(of: entry.job.file)
        keptPictures.remove(id)
        await show(id)
      }
      if isKnown == nil { keptPictures.remove(id) }
    } catch let trouble as LocalTrouble {
      if trouble.isFatal { fail(trouble) } else { observer.notice(.warning, trouble.error) }
    } catch let failure as FetchFailure {
      if case .local(let error) = failure { observer.notice(.warning, error) }
    } catch {
      fail(error)
    }
  }

  private func putKeptBack(_ entry: ActiveJob) async throws(FetchFailure) {
    let lock = await jobs.lockFiles(of: entry)
    try await setEarlierAside(entry)
    for output in entry.job.outputs {
      guard let name = output.kept else { continue }
      // A restart: it may be in its place already.
      if try await digest(output.file, entry.job.file) != output.sha256 {
        let temporary = try await local { () async throws(LocalTrouble) in
          try await self.files.takeOut(name, beside: entry.job.file)
        }
        try await place(output, temporary, entry)
      }
      guard var placed = entry.job.outputs.first(where: { $0.slot == output.slot && $0.part == output.part }) else {
        continue
      }
      (placed.kept, placed.temporary) = (nil, nil)
      try await local { () async throws(LocalTrouble) in try await self.files.syncFolder(of: entry.job.file) }
      try await commitOutputs([placed], entry)
      await files.removeKept(name)
    }
    lock.release()
  }
}
