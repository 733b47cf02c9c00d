import JobCore

// The reference images of a prompt that stand in its root.
extension Pipeline {
  /// Fills in the local images, with what was seen of each, and whether one was found under a name that is spelled in
  /// another way; nil while one of them is not at rest. Throws what keeps the prompt.
  func withReferences(
    _ request: PromptRequest, _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp
  ) async throws(JobError) -> (PromptRequest, [FileStamp?], byLookalike: Bool)? {
    let evenIfOpen = isTakenThoughOpen(known, taken)
    var complete = request
    var stamps: [FileStamp?] = []
    var wanted: [FileKey] = []
    var missing: [String] = []
    var (isMoving, byLookalike) = (false, false)
    for image in request.images {
      switch image {
      case .url(let url): complete.snapshot.images.append(ImageInput(url: url))
      case .local(let path):
        let reference = FileKey(root: file.root, path: path)
        wanted.append(reference)
        let (found, reading, similar) = await readReference(reference, evenIfOpen: evenIfOpen)
        switch reading {
        case .missing: missing.append(Self.missing(path, similar))
        case .beingWritten:
          // Its close is heard of by its name.
          awaitFiles(wanted, for: file)
          throw beingWritten(found)
        case .refused(let error):
          awaitFiles(wanted, for: file)
          throw error
        case .image(let stamp, let age, let sha256, let bytes, _):
          stamps.append(stamp)
          if found != reference { byLookalike = true }
          if age < settings.windows.firstTake || sha256.isEmpty { isMoving = true }
          complete.snapshot.images.append(
            ImageInput(path: String(decoding: found.path.bytes, as: UTF8.self), sha256: sha256, bytes: bytes))
        }
      }
    }
    awaitFiles(missing.isEmpty ? [] : wanted, for: file)
    if !missing.isEmpty {
      throw JobError(
        code: .referenceMissing, message: "It waits for \(missing.joined(separator: ", ")), which it lists.",
        hint: "Put the image there, or take it out of the list.", retryable: true)
    }
    if isMoving {
      settling.lookAgain(file, at: now + max(settings.windows.firstTake, .milliseconds(100)), now: now)
      return nil
    }
    return (complete, stamps, byLookalike)
  }

  // A name that no file has in this very spelling means the only file whose letters are the same. `similar`: one that looks
  // the same and is not.
  private func readReference(
    _ reference: FileKey, evenIfOpen: Bool
  ) async -> (found: FileKey, reading: ReferenceReading, similar: DropPath?) {
    let reading = await files.readReference(reference, limit: settings.maxReferenceBytes, evenIfOpen: evenIfOpen)
    guard case .missing = reading else { return (reference, reading, nil) }
    switch await files.lookalike(of: reference) {
    case .none: return (reference, reading, nil)
    case .similar(let path): return (reference, reading, path)
    case .same(let other):
      return (other, await files.readReference(other, limit: settings.maxReferenceBytes, evenIfOpen: evenIfOpen), nil)
    case .several(let paths):
      let names = paths.map { "\"\(DropPath.spelled($0.bytes))\"" }.joined(separator: ", ")
      return (
        reference,
        .refused(
          JobError(
            code: .imageAmbiguous,
            message:
              "Which of \(names) the reference image \"\(DropPath.spelled(reference.path.bytes))\" means cannot be told.",
            hint: "Rename all but one of these files.")), nil
      )
    }
  }

  private static func missing(_ path: DropPath, _ similar: DropPath?) -> String {
    guard let similar else { return path.display }
    return "\"\(DropPath.spelled(path.bytes))\" (there is another file, \"\(DropPath.spelled(similar.bytes))\")"
  }
}
