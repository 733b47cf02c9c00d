import SHA2
import Glibc
import JobCore

// Local reference images: looked at when a prompt is taken, and read when its request is sent.
extension FolderFiles {
  // Not every image that is published can be sent.
  private func checkReference(_ bytes: UnsafeRawBufferPointer) -> Result<ImageInfo, ImageDefect> {
    check(bytes).flatMap { $0.format.isForReferences ? .success($0) : .failure(.unknownFormat) }
  }

  /// Looks at a reference image: whole, and of a format that the service takes.
  public func readReference(_ file: FileKey, limit: Int, evenIfOpen: Bool) async -> ReferenceReading {
    await onWorker {
      let name = file.path.display
      let seen = self.sight(file, readUpTo: limit)
      if seen.isBeingWritten, !evenIfOpen { return .beingWritten }
      switch (seen.sighting, seen.bytes) {
      case (.missing, _): return .missing
      case (.notAFile(let kind), _):
        return .refused(
          JobError(
            code: .imageNotAFile, message: "The reference image \(name) is \(kind).",
            hint: "Name a regular file inside the watched folder."))
      case (.unreadable(let error), _) where error.isOfMachine: return .refused(error)
      case (.unreadable(let error), _):
        return .refused(JobError(code: .imageUnreadable, message: error.message, hint: error.hint))
      case (.file(let stamp, _), nil) where stamp.size > limit:
        return .refused(
          JobError(
            code: .imageTooLarge,
            message: "The reference image \(name) has \(stamp.size) bytes; the limit is \(limit).",
            hint: "Make it smaller, or raise max-reference-bytes."))
      case (.file(let stamp, _), nil):  // It changed while it was read: not settled.
        return .image(stamp, age: .zero, sha256: "", bytes: 0, .png)
      case (.file(let stamp, let age), let bytes?):
        switch bytes.withUnsafeBytes(self.checkReference) {
        case .success(let info):
          return .image(stamp, age: age, sha256: SHA256.hash(data: bytes).hex, bytes: bytes.count, info.format)
        case .failure(let defect):
          return .refused(
            JobError(
              code: .imageNotAnImage, message: "The reference image \(name) \(defect.words).",
              hint: "Use a whole PNG, JPEG or WebP file."))
        }
      }
    }
  }

  /// Reads a reference image to be sent: the hash is that of the very bytes.
  public func referenceContent(
    _ file: FileKey, limit: Int, evenIfOpen: Bool
  ) async throws(LocalTrouble) -> ReferenceContent? {
    try await tryOnWorker { () throws(LocalTrouble) in
      var seen = self.sight(file, readUpTo: limit)
      if case .missing = seen.sighting, case .same(let other) = self.findLookalike(of: file) {
        seen = self.sight(other, readUpTo: limit)
      }
      if seen.isBeingWritten, !evenIfOpen { return nil }
      guard case .file = seen.sighting, let bytes = seen.bytes,
        case .success(let info) = bytes.withUnsafeBytes(self.checkReference)
      else {
        throw LocalTrouble(
          JobError(
            code: .referenceMissing, message: "The reference image \(file.path.display) is gone or cannot be used.",
            hint: "Put it back; the job goes on by itself.", retryable: true))
      }
      return ReferenceContent(bytes: bytes, sha256: SHA256.hash(data: bytes).hex, format: info.format)
    }
  }

  /// Looks at a prompt and its list for the last time before the request is sent.
  public func lookBeforeSending(_ prompt: FileKey, list: FileKey) async -> LastLook {
    let look = await onWorker(few(prompt.root)) { self.lastLook(prompt, list) }
    // As in `readSources`: only a worker waits for what may end in a moment.
    return look.beingWritten == nil ? look : await onWorker(.long) { self.lastLook(prompt, list) }
  }

  private func lastLook(_ prompt: FileKey, _ list: FileKey) -> LastLook {
    // Moved into a bin, or its folder is left out by now.
    if isLeftOut(prompt) { return LastLook(prompt: .missing) }
    let seen = sightWithWriter(prompt)
    var look = LastLook(prompt: seen.sighting)
    if seen.isBeingWritten {
      look.beingWritten = prompt
    } else {
      let list = listPlace(of: SourceQuery(prompt: prompt, list: list))
      if isBeingWritten(list) { look.beingWritten = list }
    }
    return look
  }

  // What cannot be opened has no writer that matters: whoever looks at it says what is wrong with it.
  private func isBeingWritten(_ file: FileKey) -> Bool {
    do throws(SystemError) {
      let opened = try open(file.root, file.path.bytes, O_RDONLY | O_NONBLOCK)
      let status = try opened.status()
      return status.isRegular && writers.hasWriter(opened, file, status)
    } catch {
      return false
    }
  }

  /// Where it cannot be seen whether a program has a file open for writing.
  public var blindSpots: [BlindSpot] { writers.blindSpots }
}
