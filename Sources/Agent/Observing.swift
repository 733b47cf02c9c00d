import JobCore

// What is seen of a file, put together for the decision on it.
extension Pipeline {
  /// What a reading shows of a file. `isFull`: whether bytes were wanted although nothing has changed.
  func observe(
    _ file: FileKey, _ reading: SourceReading, _ sidecar: Result<StatusSidecar?, JobError>, isFull: Bool,
    for purpose: DecisionPurpose
  ) async -> Observation {
    let unclear = reading.unclear.filter { $0.content.map(reader.looksLikeDefaults) ?? true }
    let inputs =
      reading.defaults.map { (try? $0.content.get()) ?? [] }  // An unreadable one says so where it is understood.
      + unclear.flatMap(\.files).map { Array("unclear ".utf8) + $0.path.name }
    var emptyList: FileKey?
    if let bytes = reading.listBytes, isBlankText(bytes) { emptyList = reading.listFile }
    var emptyDefaults: [FileKey] = []
    for case (let place, .success(let bytes)) in reading.defaults where isBlankText(bytes) {
      emptyDefaults.append(place)
    }
    let belonging: Belonging
    var temporaries = arrivals.temporaryLists(of: file)
    switch purpose {
    case .run: belonging = ownership.belonging(file, defaults: reading.defaults)
    case .plan(let plan):
      belonging = await ownership.lastBelonging(of: file)
      temporaries.formUnion(plan.listsOnTheirWay[file] ?? [])
    }
    var isPerhapsOurs = false
    if case .undecided = belonging, case .success(let sidecar?) = sidecar {
      isPerhapsOurs = ownership.isPerhapsOurs(sidecar)
    }
    return Observation(
      file: file, prompt: reading.prompt, list: reading.list, listFile: reading.listFile,
      inputs: reader.fingerprint(inputs), isRead: (reading.promptBytes != nil, reading.listBytes != nil),
      isFull: isFull, beingWritten: reading.beingWritten, unclear: unclear, emptyControls: (emptyList, emptyDefaults),
      sidecar: sidecar, belonging: belonging, isSidecarPerhapsOurs: isPerhapsOurs,
      wasExcluded: wasExcluded(file, reading), isListOnItsWay: await isOnItsWay(file, temporaries))
  }

  /// What the sidecar beside a file that was just read tells. Throws where what is on the disk is not known any more.
  func sidecar(in reading: SourceReading) throws(LocalTrouble) -> Result<StatusSidecar?, JobError> {
    switch reading.sidecar {
    case .success(let bytes): return .success(bytes.flatMap(reader.sidecar))
    case .failure(let trouble) where trouble.isFatal: throw trouble
    case .failure(let trouble): return .failure(trouble.error)
    }
  }

  /// What a prompt asks for, or what is wrong with it.
  func understand(_ file: FileKey, _ reading: SourceReading) -> Result<PromptRequest, JobError> {
    var defaults: [(FileKey, [UInt8])] = []
    for (place, content) in reading.defaults {
      switch content {
      case .success(let bytes): defaults.append((place, bytes))
      case .failure(let trouble): return .failure(trouble.error)
      }
    }
    // A list that has not arrived asks for nothing.
    let list = reading.listBytes.flatMap { isBlankText($0) ? nil : $0 }
    do throws(JobError) {
      return .success(
        try reader.understand(prompt: reading.promptBytes ?? [], list: list, file: file, defaults: defaults))
    } catch {
      return .failure(error)
    }
  }

  /// What it asks for without list and defaults whose names are not the exact ones; nil where there are none, or where it is
  /// wrong by itself.
  func understandExactly(_ file: FileKey, _ reading: SourceReading) -> PromptRequest? {
    var exact = reading
    if let list = reading.listFile, list != DropNames.list(of: file) { exact.listBytes = nil }
    exact.defaults = reading.defaults.filter { $0.file.path.name == DropNames.folderDefaults }
    guard exact.defaults.count < reading.defaults.count || (exact.listBytes == nil && reading.listBytes != nil),
      case .success(let request) = understand(file, exact)
    else { return nil }
    return request
  }

  // A prompt, or a list, of this stem; or one that the journal knows, which may be deleted or renamed by now.
  func isThere(_ stem: [UInt8], beside file: FileKey) async throws -> Bool {
    let spellings = [".prompt", ".PROMPT", ".Prompt"].map { file.sibling(stem + Array($0.utf8)) }
    if try await journal.known(spellings).contains(where: { $0 != nil }) { return true }
    for neighbour in spellings + [file.sibling(DropNames.imageList(stem: stem))] {
      if case .file = await files.look(neighbour) { return true }
    }
    return false
  }

  private func wasExcluded(_ file: FileKey, _ reading: SourceReading) -> Bool {
    guard arrivals.formerExcludes.contains(file.root) else { return false }
    return reader.wasExcluded(
      file, defaults: reading.defaults.compactMap { place, content in (try? content.get()).map { (place, $0) } })
  }

  // A temporary file that nobody has touched for ten minutes was left behind.
  private static let abandoned: Duration = .seconds(600)

  private func isOnItsWay(_ file: FileKey, _ temporaries: Set<[UInt8]>) async -> Bool {
    for temporary in temporaries {
      if case .file(_, let age) = await files.look(file.sibling(temporary)), age < Self.abandoned { return true }
      arrivals.list(of: file, hasTemporary: temporary, false)
    }
    return false
  }

  // MARK: reference images

  /// Looks at the local images of a request.
  func references(of request: PromptRequest, _ look: FileLook, for purpose: DecisionPurpose) async -> ReferencesSeen {
    let file = look.file
    var wanted: [FileKey] = []
    let seen = await references(
      of: request, look, evenIfOpen: look.seen.prompt.stamp.map(look.knowledge.isTakenThoughOpen) ?? false, &wanted)
    if purpose.isRun {
      // Their coming, or the close of one that is written, wakes the prompt.
      switch seen {
      case .complete, .moving: awaitFiles([], for: file)
      case .missing, .beingWritten, .refused: awaitFiles(wanted, for: file)
      }
    }
    return seen
  }

  private func references(
    of request: PromptRequest, _ look: FileLook, evenIfOpen: Bool, _ wanted: inout [FileKey]
  ) async -> ReferencesSeen {
    var snapshot = request.snapshot
    var stamps: [FileStamp?] = []
    var missing: [String] = []
    var (isMoving, byLookalike) = (false, false)
    for image in request.images {
      switch image {
      case .url(let url): snapshot.images.append(ImageInput(url: url))
      case .local(let path):
        let reference = FileKey(root: look.file.root, path: path)
        wanted.append(reference)
        let (found, reading, similar) = await readReference(reference, evenIfOpen: evenIfOpen)
        switch reading {
        case .missing: missing.append(Self.missing(path, similar))
        case .beingWritten: return .beingWritten(found)
        case .refused(let error): return .refused(error)
        case .image(let stamp, let age, let sha256, let bytes, _):
          stamps.append(stamp)
          if found != reference { byLookalike = true }
          if age < settings.files.windows.firstTake || sha256.isEmpty { isMoving = true }
          snapshot.images.append(
            ImageInput(path: String(decoding: found.path.bytes, as: UTF8.self), sha256: sha256, bytes: bytes))
        }
      }
    }
    if !missing.isEmpty { return .missing(missing) }
    if isMoving { return .moving }
    let inputs = stamps.isEmpty ? look.seen.inputs : reader.fingerprint(look.seen.inputs, references: stamps)
    return .complete(
      .init(
        images: snapshot.images, requestSHA: reader.requestHash(snapshot), inputs: inputs,
        isFoundByLookalike: byLookalike))
  }

  /// The fingerprint of the inputs with what stands now at the paths of the images that the job was taken with.
  func referenceInputs(of job: Job, _ seen: Observation) async -> UInt64 {
    var stamps: [FileStamp?] = []
    for path in job.revisions[job.current]?.snapshot.images.compactMap(\.path) ?? [] {
      stamps.append(await files.look(FileKey(root: seen.file.root, path: DropPath(path))).stamp)
    }
    return reader.fingerprint(seen.inputs, references: stamps)
  }

  // A name that no file has in this very spelling means the only file whose letters are the same. `similar`: one that looks
  // the same and is not.
  private func readReference(
    _ reference: FileKey, evenIfOpen: Bool
  ) async -> (found: FileKey, reading: ReferenceReading, similar: DropPath?) {
    let reading = await files.readReference(reference, limit: settings.files.maxReferenceBytes, evenIfOpen: evenIfOpen)
    guard case .missing = reading else { return (reference, reading, nil) }
    switch await files.lookalike(of: reference) {
    case .none: return (reference, reading, nil)
    case .similar(let path): return (reference, reading, path)
    case .same(let other):
      return (
        other, await files.readReference(other, limit: settings.files.maxReferenceBytes, evenIfOpen: evenIfOpen), nil
      )
    case .several(let paths):
      let names = paths.map { "\"\(DropPath.spelled($0.bytes))\"" }.joined(separator: ", ")
      return (
        reference,
        .refused(
          JobError(
            code: .imageAmbiguous,
            message:
              "The reference image \"\(DropPath.spelled(reference.path.bytes))\" may be any of \(names).",
            hint: "Rename all but one of these files.")), nil
      )
    }
  }

  private static func missing(_ path: DropPath, _ similar: DropPath?) -> String {
    guard let similar else { return path.display }
    return "\"\(DropPath.spelled(path.bytes))\" (there is another file, \"\(DropPath.spelled(similar.bytes))\")"
  }
}
