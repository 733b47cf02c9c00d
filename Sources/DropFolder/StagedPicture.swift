import SHA2
import Glibc
import JobCore
import Synchronization

/// A picture on its way: small ones wait in memory and cost one trip to the disk, large ones go to a temporary file as
/// they come. Used by one caller at a time.
final class StagedPicture: StagedFile {
  private struct State: ~Copyable {
    var buffer: [UInt8] = []
    var file: Descriptor?
    // Whether there is a temporary file.
    var isThere = false
    var total = 0
    var hash = SHA256()
  }
  private static let inMemory = 1_048_576
  private static let smallCheck = 65_536
  // Whole large images are in memory while they are checked: one at a time, so that many cannot add up.
  private static let oneLargeCheck = Mutex(())

  private let state = Mutex(State())
  private let files: FolderFiles
  private let folder: @Sendable (OpenFolders.Moment) throws(LocalTrouble) -> OpenFolder
  private let name: String
  private let temporary: [UInt8]
  // The root that it is put into, nil: the state folder; and how long some calls there take.
  private let root: RootID?
  private let kind: FileWorkers.Kind

  // `folder` opens the one that it is put into, for what is asked for at a moment; `name` is what people know it by.
  init(
    files: FolderFiles, folder: @escaping @Sendable (OpenFolders.Moment) throws(LocalTrouble) -> OpenFolder,
    name: String, root: RootID?, kind: FileWorkers.Kind
  ) {
    self.files = files
    self.root = root
    self.kind = kind
    self.folder = folder
    self.name = name
    temporary = files.newTemporary()
  }

  func append(_ bytes: [UInt8]) async throws(LocalTrouble) {
    let isLarge = state.withLock { state in
      if state.buffer.isEmpty { state.buffer = bytes } else { state.buffer += bytes }
      state.total += bytes.count
      return state.buffer.count > Self.inMemory
    }
    if isLarge {
      let asked = files.openFolders.now
      try await files.tryOnWorker { () throws(LocalTrouble) in try self.flush(asked) }
    }
  }

  func finish() async throws(LocalTrouble) -> Result<StagedImage, ImageDefect> {
    // To check a large one takes a while.
    let isSmall = state.withLock { $0.total <= Self.smallCheck }
    let asked = files.openFolders.now
    return try await files.tryOnWorker(isSmall ? kind : .long) {
      () throws(LocalTrouble) -> Result<StagedImage, ImageDefect> in
      do throws(LocalTrouble) {
        let (info, defect): (ImageInfo, ImageDefect?)
        switch try self.checkContent(asked) {
        case .whole(let whole): (info, defect) = (whole, nil)
        case .damaged(let glanced, let why): (info, defect) = (glanced, why)
        case .unknown(let why): return .failure(why)
        }
        try self.makeDurable(asked)
        return self.state.withLock { state in
          // Closed before it gets its final name: a close is reported under the name that the file has then, and whoever looks
          // whether the picture is whole would find it open. What is damaged may still be asked for.
          if defect == nil { state.file = nil }
          return .success(
            StagedImage(
              temporary: self.temporary, sha256: state.hash.finalize().hex, bytes: state.total, info: info,
              defect: defect))
        }
      } catch {
        self.remove()
        throw error
      }
    }
  }

  func content(limit: Int) async throws(LocalTrouble) -> [UInt8]? {
    try await files.tryOnWorker { () throws(LocalTrouble) -> [UInt8]? in
      try self.state.withLock { state throws(LocalTrouble) -> [UInt8]? in
        guard state.total <= limit, state.file != nil || !state.isThere else { return nil }
        do throws(SystemError) {
          // What was flushed is followed by what was not.
          return try (state.file?.read(limit: state.total) ?? []) + state.buffer
        } catch {
          throw self.trouble(error)
        }
      }
    }
  }

  // After a failed sync the pages may be gone and marked clean, so syncing again proves nothing: a picture that is
  // still in memory is written anew, one that is not is fetched anew.
  private func makeDurable(_ asked: OpenFolders.Moment) throws(LocalTrouble) {
    let content: [UInt8]? = state.withLock { $0.file == nil ? $0.buffer : nil }
    try flush(asked)
    do throws(LocalTrouble) { try sync() } catch {
      guard let content else { throw error }
      remove()
      state.withLock { state in
        state.buffer = content
        state.hash = SHA256()
      }
      try flush(asked)
      try sync()
    }
  }

  func discard() async {
    await files.onWorker { self.remove() }
  }

  private enum Verdict {
    case whole(ImageInfo)
    case damaged(ImageInfo, ImageDefect)
    case unknown(ImageDefect)
  }

  private func verdict(on bytes: UnsafeRawBufferPointer) -> Verdict {
    switch files.check(bytes) {
    case .success(let info): .whole(info)
    case .failure(let defect): files.glance(bytes).map { .damaged($0, defect) } ?? .unknown(defect)
    }
  }

  private func checkContent(_ asked: OpenFolders.Moment) throws(LocalTrouble) -> Verdict {
    let bytes: [UInt8]? = state.withLock { $0.file == nil ? $0.buffer : nil }
    if let bytes { return bytes.withUnsafeBytes(verdict(on:)) }
    try flush(asked)
    return try Self.oneLargeCheck.withLock { _ throws(LocalTrouble) in
      let content = try state.withLock { state throws(LocalTrouble) -> [UInt8] in
        do throws(SystemError) {
          return try state.file?.read(limit: state.total) ?? []
        } catch {
          throw trouble(error)
        }
      }
      return content.withUnsafeBytes(verdict(on:))
    }
  }

  private func flush(_ asked: OpenFolders.Moment) throws(LocalTrouble) {
    try state.withLock { state throws(LocalTrouble) in
      let isNew = state.file == nil
      let folder = isNew ? try folder(asked) : nil
      do throws(SystemError) {
        if let folder {
          state.file = try folder.descriptor.open(temporary, O_RDWR | O_CREAT | O_EXCL, mode: 0o666)
          state.isThere = true
        }
        try state.file?.write(state.buffer)
      } catch {
        throw trouble(error)
      }
      state.hash.update(data: state.buffer)
      state.buffer = []
    }
  }

  private func sync() throws(LocalTrouble) {
    try state.withLock { state throws(LocalTrouble) in
      do throws(SystemError) {
        try files.workers.syncing(root) { () throws(SystemError) in try state.file?.sync() }
      } catch {
        throw trouble(error)
      }
    }
  }

  private func remove() {
    let existed = state.withLock { state in
      defer { state.isThere = false }
      state.file = nil
      return state.isThere
    }
    guard existed else { return }
    // What cannot be removed is only untidy: the next start finds it by its name.
    if let folder = try? folder(files.openFolders.now) { unlinkat(folder.descriptor.number, cString(temporary), 0) }
  }

  private func trouble(_ failure: SystemError) -> LocalTrouble {
    LocalTrouble(failure, doing: "write a picture beside", name)
  }
}

extension FolderFiles {
  /// Begins a temporary file in the prompt's folder.
  public func stage(beside prompt: FileKey) async throws(LocalTrouble) -> any StagedFile {
    StagedPicture(
      files: self, folder: { asked throws(LocalTrouble) in try self.sharedFolder(of: prompt, asked: asked) },
      name: prompt.path.display, root: prompt.root,
      kind: few(prompt.root, withSyncs: true))
  }
}
