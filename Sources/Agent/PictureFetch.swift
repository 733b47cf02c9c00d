import JobCore

// A picture's bytes: fetched, looked at, and taken for the picture or not.
extension Pipeline {
  /// Fetches one of a task's results. Nil for the file: its folder is not there, and it goes into the state folder.
  func fetch(
    _ result: ResultItem, part: Int, of key: SlotKey, _ task: TaskRef, _ entry: ActiveJob, beside file: FileKey?
  ) async throws(FetchFailure) -> StagedImage {
    let permit = await requests.acquire()
    guard !isStopping else { throw .local(JobError(code: .stopped, message: "promptdrop was stopped.")) }
    let staged = try await local { () async throws(LocalTrouble) -> any StagedFile in
      if let file { try await self.files.stage(beside: file) } else { try await self.files.stageKept() }
    }
    do throws(FetchFailure) {
      try await service.fetch(result, limit: settings.files.maxImageBytes) { bytes throws(FetchFailure) in
        do throws(LocalTrouble) { try await staged.append(bytes) } catch { throw .local(error.error) }
      }
      switch try await local({ () async throws(LocalTrouble) in try await staged.finish() }) {
      case .success(let image):
        if case .damaged(let damage, var error)? = failure(of: image, part, task) {
          if let kept = await keepOdd(staged, part, of: key, task) { error.message += " \(kept)" }
          throw .damaged(damage, error)
        }
        return image
      case .failure:
        var error = JobError(
          code: .resultNotAnImage, message: "The picture's URL does not lead to an image of a known format.",
          retryable: true)
        if let kept = await keepOdd(staged, part, of: key, task) { error.message += " \(kept)" }
        throw .expired(error)
      }
    } catch {
      await staged.discard()
      permit.release()
      throw error
    }
  }

  // A picture that is damaged may be one that is not whole yet. The same bytes after a while are what was made.
  private func failure(of image: StagedImage, _ part: Int, _ task: TaskRef) -> FetchFailure? {
    guard let defect = image.defect else { return nil }
    let damage = Damage(part: part, sha256: image.sha256)
    guard !task.hasSettledFor(damage, settings.policy) else { return nil }
    return .damaged(
      damage,
      JobError(
        code: .resultDamaged, message: "The picture that the service returned \(defect.words).",
        hint: "promptdrop fetches it again. If the same bytes come again, it publishes them as they are.",
        retryable: true))
  }

  /// Says of a picture that it is published although something is wrong with it; the same, for its sidecar.
  func warn(of defect: ImageDefect, _ file: FileKey) -> String {
    let warning = "The picture \(defect.words). The same bytes came more than once, so they are published as they are."
    observer.notice(
      .warning,
      JobError(
        code: .pictureDamaged, message: "\(file.path.display): \(warning)",
        hint: "If it is of no use, change the text of the prompt: a changed text is submitted again."))
    return warning
  }

  // MARK: what cannot be published

  // The largest that is kept, and for how many tasks.
  private static let mostKeptBytes = 16_777_216
  private static let mostKept = 100

  // What came, where its slot is held for it, is all that there is of what was paid for: its owner may know what it is. What
  // is said of that; nil where nothing was kept yet.
  private func keepOdd(_ staged: any StagedFile, _ part: Int, of key: SlotKey, _ task: TaskRef) async -> String? {
    let waited = task.late?.cause == .notFetched ? task.late?.waited ?? .zero : .zero
    guard waited >= settings.policy.fetchPatience else { return nil }
    let name = Self.oddName(part, of: key)
    do throws(LocalTrouble) {
      guard let bytes = try await staged.content(limit: Self.mostKeptBytes) else {
        return "The bytes are too many to be kept."
      }
      if bytes.isEmpty { return nil }
      guard try await files.keepOdd(bytes, as: name, most: Self.mostKept) else {
        return "The bytes are not kept: \(files.keptFolder) has too many such files already."
      }
      return "The bytes are kept as \(files.keptFolder)/\(DropPath.display(name))."
    } catch {
      // Nothing is lost by it while the URL still leads to it.
      if error.isFatal { fail(error) }
      observer.notice(.warning, error.error)
      return nil
    }
  }

  // The slot's, whatever its prompt is called by now: the next one takes its place.
  private static func oddName(_ part: Int, of key: SlotKey) -> [UInt8] {
    Array("\(key.job.text.suffix(8))-\(key.revision)-\(key.number)-\(part)\(DropNames.oddSuffix)".utf8)
  }

  /// The picture came after all: what came instead of it is not needed any more.
  func removeOdd(_ slot: Slot, _ entry: ActiveJob) async {
    let parts = entry.job.outputs.filter { $0.slot == slot.key }.map(\.part)
    for part in parts { await files.removeKept(Self.oddName(part, of: slot.key)) }
  }
}
