import JobCore

// From a list of results to pictures under their final names. Each step is durable before the next: bytes under a
// temporary name, the plan of the final name in the journal, the rename, the folder.
extension Pipeline {
  /// Fetches and places what is missing of a slot's results; returns what that means for the slot.
  func fetchAndPublish(_ key: SlotKey) async throws -> SlotEvent? {
    guard let entry = jobs[key.job], case .fetching(let fetching)? = entry.job.slots[key]?.state, !isStopping else {
      return nil
    }
    do throws(FetchFailure) {
      let placed = entry.job.outputs.filter { $0.slot == key && $0.temporary == nil }.map(\.part)
      if let shortfall = fetching.shortfall(placed: Set(placed)) { throw .expired(shortfall) }
      var miss: FetchFailure?
      // Several names share a sync.
      let isAlone = fetching.results.count == 1
      var isDurable = isAlone
      for (index, result) in fetching.results.enumerated() {
        // One that does not come keeps no other from its place.
        do throws(FetchFailure) {
          let isSynced = try await publish(result, part: index + 1, of: key, fetching.task, entry, durable: isAlone)
          isDurable = isDurable && isSynced
        } catch {
          if case .local = error { throw error }
          miss = miss ?? error
        }
      }
      if let miss { throw miss }
      guard !isStopping else { return nil }
      if !isDurable, entry.job.outputs.contains(where: { $0.slot == key && $0.kept == nil }) {
        try await local { () async throws(LocalTrouble) in try await self.files.syncFolder(of: entry.job.file) }
      }
      noticeWritten(.picture, in: entry.job.file.root)
      return .published
    } catch {
      if isStopping { return nil }
      if case .local(let why) = error, !why.isOfOwner {
        noticeLocal(why, .picture, in: entry.job.file.root)
        localTrouble = why
      }
      return .fetchFailed(error)
    }
  }

  // The machine's trouble with a file, as a reason why a picture cannot be placed. What is fatal ends the process.
  func local<T: Sendable>(
    _ body: () async throws(LocalTrouble) -> T
  ) async throws(FetchFailure) -> T {
    do throws(LocalTrouble) { return try await body() } catch {
      if error.isFatal { fail(error) }
      throw .local(error.error)
    }
  }

  func commitOutputs(_ outputs: [Output], _ entry: ActiveJob) async throws(FetchFailure) {
    do {
      try await record([.outputs(outputs)])
    } catch {
      fail(error)
      throw .local(JobError(code: .journal, message: "The journal cannot be written."))
    }
    for output in outputs { entry.job.setOutput(output) }
  }

  // `durable`: its name is to be durable on return. Whether it is.
  private func publish(
    _ result: ResultItem, part: Int, of key: SlotKey, _ task: TaskRef, _ entry: ActiveJob, durable: Bool
  ) async throws(FetchFailure) -> Bool {
    let file = entry.job.file
    let hasPlace = await hasPlace(entry.job)
    if var planned = entry.job.outputs.first(where: { $0.slot == key && $0.part == part }) {
      guard let temporary = planned.temporary else { return false }
      // A restart: the picture is under its final name, or still under the temporary one, or has to be fetched again.
      if try await digest(planned.file, file) == planned.sha256 {
        planned.temporary = nil
        entry.job.setOutput(planned)
        return false
      }
      if hasPlace, try await digest(temporary, file) == planned.sha256 {
        return try await place(planned, temporary, entry, durable: durable)
      }
    }
    let staged = try await fetch(result, part: part, of: key, task, entry, beside: hasPlace ? file : nil)
    let lock = await jobs.lockFiles(of: entry)
    let isDurable = try await publish(
      staged, part: part, of: key, entry, beside: hasPlace ? file : nil, durable: durable)
    lock.release()
    return isDurable
  }

  // The job's files are this one's.
  private func publish(
    _ staged: StagedImage, part: Int, of key: SlotKey, _ entry: ActiveJob, beside file: FileKey?, durable: Bool
  ) async throws(FetchFailure) -> Bool {
    if let file, let problem = await notOurs(entry.job.file) {
      // It became another's while the picture came: that is fetched once more, into the state folder.
      await files.removeTemporary(file.sibling(staged.temporary))
      throw .local(problem)
    }
    if let file, !entry.job.file.isBeside(file) { try await bring(staged, from: file, entry) }
    let number = entry.job.pictureNumber(slot: key, part: part)
    let output = Output(
      slot: key, part: part, number: number, file: [], sha256: staged.sha256, bytes: staged.bytes, image: staged.info,
      temporary: staged.temporary, warning: staged.defect.map { warn(of: $0, entry.job.file) })
    guard file != nil else {
      try await keep(staged, output, entry)
      return true
    }
    if key.revision == entry.job.current { try await setEarlierAside(entry) }
    return try await place(output, staged.temporary, entry, durable: durable)
  }

  // The prompt was moved to another folder while its picture was fetched.
  private func bring(_ staged: StagedImage, from former: FileKey, _ entry: ActiveJob) async throws(FetchFailure) {
    let isHere = try await local { () async throws(LocalTrouble) in
      try await self.files.move(staged.temporary, from: former, to: staged.temporary, beside: entry.job.file)
    }
    guard !isHere else { return }
    throw .local(
      JobError(
        code: .folderGone, message: "The folder that the picture was fetched into is gone.", retryable: true))
  }

  func digest(_ name: [UInt8], _ file: FileKey) async throws(FetchFailure) -> String? {
    try await local { () async throws(LocalTrouble) in try await self.files.digest(name, beside: file) }
  }

  // Tries names until one is free: the plan is in the journal before each rename, so that a restart knows the picture.
  // `durable`: the name is to be durable on return. Whether it is.
  @discardableResult
  func place(
    _ output: Output, _ temporary: [UInt8], _ entry: ActiveJob, durable: Bool = false
  ) async throws(FetchFailure) -> Bool {
    let file = entry.job.file
    for turn in 0..<1000 {
      var planned = output
      planned.file = entry.job.pictureName(output, turn: turn)
      try await commitOutputs([planned], entry)
      let isPlaced = try await local { () async throws(LocalTrouble) in
        try await self.files.rename(temporary, to: planned.file, beside: file, durable: durable)
      }
      if !isPlaced {
        // The same bytes under that name already: nothing is overwritten by calling them ours.
        guard try await digest(planned.file, file) == output.sha256, !entry.job.owns(planned.file, besides: planned)
        else {
          continue
        }
        await files.removeTemporary(file.sibling(temporary))
      }
      planned.temporary = nil
      entry.job.setOutput(planned)
      return durable && isPlaced
    }
    throw .local(
      JobError(
        code: .nameTaken, message: "A thousand names for the picture of \(file.path.display) are taken.",
        hint: "Move some of the alt files away.", retryable: true))
  }

  /// Earlier revisions' pictures get a version's name, those that still are ours.
  func setEarlierAside(_ entry: ActiveJob) async throws(FetchFailure) {
    for output in entry.job.outputs
    where output.slot.revision != entry.job.current && output.isInPlace && !entry.job.isVersion(output) {
      try await rename(output, entry) { $0.versionName(output, turn: $1) }
    }
  }

  /// Renames a picture that is ours; one that the user deleted or edited is left alone.
  func rename(
    _ output: Output, _ entry: ActiveJob, to name: (Job, Int) -> [UInt8]
  ) async throws(FetchFailure) {
    let file = entry.job.file
    let isInPlace = try await digest(output.file, file) == output.sha256
    for turn in 0..<1000 {
      var renamed = output
      renamed.file = name(entry.job, turn)
      if renamed.file == output.file { return }
      if isInPlace {
        let isFree = try await local { () async throws(LocalTrouble) in
          try await self.files.rename(output.file, to: renamed.file, beside: file, durable: false)
        }
        if !isFree { continue }
      } else if try await digest(renamed.file, file) != output.sha256 {
        // Neither here nor there: the user's decision. The name that it had is free for another picture of the file.
        if entry.job.owns(renamed.file, besides: output) { continue }
      }
      return try await commitOutputs([renamed], entry)
    }
  }
}
