import CLinux
import Crypto
import Glibc
import JobCore
import NIOPosix
import Synchronization

/// The files of the watched roots. Blocking calls run on a pool of threads.
public final class FolderFiles: RootFiles {
  let roots: [RootID: RootFolder]
  let workers: NIOThreadPool
  let check: ImageCheck
  private let run: String
  private let temporaries = Atomic<Int>(0)
  private let folderSync: FolderSync
  /// Where pictures are kept whose place is not there.
  public let keptFolder: String

  /// Takes roots. `check` judges images, `run` marks this process's temporary files, `workers` is running; `keptFolder` is
  /// made when it is needed.
  public init(
    roots: [RootID: RootFolder], workers: NIOThreadPool, check: @escaping ImageCheck, run: String, keptFolder: String
  ) {
    self.roots = roots
    self.workers = workers
    self.check = check
    self.run = run
    self.keptFolder = keptFolder
    folderSync = FolderSync()
  }

  /// Runs `body` on a worker thread.
  func onWorker<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
      workers.submit { _ in continuation.resume(returning: body()) }
    }
  }

  /// As `onWorker`, for what can fail. Throws what `body` throws.
  func tryOnWorker<T: Sendable>(
    _ body: @escaping @Sendable () throws(LocalTrouble) -> T
  ) async throws(LocalTrouble) -> T {
    try await onWorker { () -> Result<T, LocalTrouble> in
      do throws(LocalTrouble) { return .success(try body()) } catch { return .failure(error) }
    }.get()
  }

  /// Opens a path below a root, never through a symbolic link and never out of the root. Throws `SystemError`: ENODEV while
  /// the root itself is not there, which says nothing about what is in it.
  func open(_ root: RootID, _ path: [UInt8], _ flags: Int32) throws(SystemError) -> Descriptor {
    guard let place = roots[root]?.place else { throw SystemError(ENODEV) }
    return try Descriptor.open(beneath: place.descriptor, path, flags)
  }

  /// Opens the folder that a file is in.
  func openFolder(of file: FileKey) throws(LocalTrouble) -> Descriptor {
    do throws(SystemError) {
      return try open(file.root, file.path.directory.bytes, O_RDONLY | O_DIRECTORY)
    } catch {
      throw LocalTrouble(error, doing: "open the folder of", file.path.display)
    }
  }

  // MARK: looking and reading

  /// Looks at a path.
  public func look(_ file: FileKey) async -> Sighting {
    await onWorker { self.sight(file).0 }
  }

  // O_NONBLOCK, because opening a FIFO for reading would wait for a writer for ever.
  private func sight(_ file: FileKey, readUpTo limit: Int? = nil) -> (Sighting, [UInt8]?) {
    do throws(SystemError) {
      let opened = try open(file.root, file.path.bytes, limit == nil ? pd_o_path : O_RDONLY | O_NONBLOCK)
      let before = try opened.status()
      guard before.isRegular else { return (.notAFile(before.kindName), nil) }
      if before.st_nlink > 1, try isPlanted(before, file) {
        return (.notAFile("a hard link to a file that is not yours"), nil)
      }
      let now = coarseWallClock()
      guard let limit, before.st_size <= limit else { return (.file(before.stamp, age: before.age(now: now)), nil) }
      let bytes = try opened.read(limit: limit + 1)
      let after = try opened.status()
      let whole = after.stamp == before.stamp && bytes.count == Int(before.st_size)
      return (.file(after.stamp, age: whole ? before.age(now: now) : .zero), whole ? bytes : nil)
    } catch {
      return (sighting(of: error, file), nil)
    }
  }

  // Who can write into the folder could link a file there that promptdrop may read and he may not: its text would go to
  // the service. The kernel forbids such links by default (fs.protected_hardlinks), but not everywhere.
  private func isPlanted(_ status: stat, _ file: FileKey) throws(SystemError) -> Bool {
    guard status.st_uid == geteuid() || status.st_uid == 0 else { return false }
    let folder = try open(file.root, file.path.directory.bytes, pd_o_path)
    return try folder.status().st_uid != status.st_uid
  }

  private func sighting(of failure: SystemError, _ file: FileKey) -> Sighting {
    switch failure.number {
    case ENOENT, ENOTDIR: .missing
    case ELOOP, EXDEV: .notAFile("a symbolic link")
    case ENXIO: .notAFile("a socket or a FIFO")
    default: .unreadable(LocalTrouble(failure, doing: "read", file.path.display).error)
    }
  }

  /// Reads prompts, each with all that decides on it; bytes only where the file did not change meanwhile.
  public func readSources(_ files: [SourceQuery], limit: Int) async -> [SourceReading] {
    await onWorker {
      // Most files of a batch share their folder.
      var defaultsOfFolders: [FileKey: [FolderDefaults]] = [:]
      return files.map { file in
        let defaults = defaultsOfFolders[file.prompt.folder] ?? self.defaults(above: file.prompt, limit: limit)
        defaultsOfFolders[file.prompt.folder] = defaults
        return self.readSource(file, defaults, limit: limit)
      }
    }
  }

  private func readSource(_ file: SourceQuery, _ defaults: [FolderDefaults], limit: Int) -> SourceReading {
    if let known = file.known, case .file(let stamp, let age) = sight(file.prompt).0, stamp == known.prompt {
      let list = sight(file.list).0
      let isSame =
        switch (list, known.list) {
        case (.missing, nil): true
        case (.file(let stamp, _), let before?): stamp == before
        default: false
        }
      if isSame {
        return SourceReading(
          prompt: .file(stamp, age: age), promptBytes: nil, list: list, listBytes: nil, defaults: defaults)
      }
    }
    let (prompt, promptBytes) = sight(file.prompt, readUpTo: limit)
    let (list, listBytes) = sight(file.list, readUpTo: limit)
    var reading = SourceReading(
      prompt: prompt, promptBytes: promptBytes, list: list, listBytes: listBytes, defaults: defaults)
    if promptBytes != nil {
      do throws(LocalTrouble) {
        reading.sidecar = .success(try findSidecar(of: file.prompt))
      } catch {
        reading.sidecar = .failure(error)
      }
    }
    return reading
  }

  /// Reads the defaults of the folder and of those above it, the nearest first.
  public func folderDefaults(above file: FileKey, limit: Int) async -> [FolderDefaults] {
    await onWorker { self.defaults(above: file, limit: limit) }
  }

  private func defaults(above file: FileKey, limit: Int) -> [FolderDefaults] {
    var found: [FolderDefaults] = []
    var folder = file.path.directory
    while true {
      let key = FileKey(root: file.root, path: folder.appending(DropNames.folderDefaults))
      switch sight(key, readUpTo: limit) {
      case (.file, let bytes?): found.append((key, .success(bytes)))
      case (.missing, _): break
      case (.unreadable(let error), _) where error.isOfMachine: found.append((key, .failure(LocalTrouble(error))))
      case (let sighting, _):
        let why =
          if case .unreadable(let error) = sighting { error.message } else { "it is no regular file, or too large" }
        let error = JobError(
          code: "folder-defaults-unreadable", message: "\(key.path.display) cannot be read: \(why)",
          hint: "Mend or remove that file.", retryable: true)
        found.append((key, .failure(LocalTrouble(error))))
      }
      if folder.bytes.isEmpty { return found }
      folder = folder.directory
    }
  }

  /// Looks at a reference image: whole, and of a known format.
  public func readReference(_ file: FileKey, limit: Int) async -> ReferenceReading {
    await onWorker {
      let name = file.path.display
      switch self.sight(file, readUpTo: limit) {
      case (.missing, _): return .missing
      case (.notAFile(let kind), _):
        return .refused(
          JobError(
            code: "image-not-a-file", message: "The reference image \(name) is \(kind).",
            hint: "Name a regular file inside the watched folder."))
      case (.unreadable(let error), _) where error.isOfMachine: return .refused(error)
      case (.unreadable(let error), _):
        return .refused(JobError(code: "image-unreadable", message: error.message, hint: error.hint))
      case (.file(let stamp, _), nil) where stamp.size > limit:
        return .refused(
          JobError(
            code: "image-too-large",
            message: "The reference image \(name) has \(stamp.size) bytes; the limit is \(limit).",
            hint: "Make it smaller, or raise max-reference-bytes."))
      case (.file(let stamp, _), nil):  // It changed while it was read: not settled.
        return .image(stamp, age: .zero, sha256: "", bytes: 0, .png)
      case (.file(let stamp, let age), let bytes?):
        switch bytes.withUnsafeBytes(self.check) {
        case .success(let info):
          return .image(stamp, age: age, sha256: SHA256.hash(data: bytes).hex, bytes: bytes.count, info.format)
        case .failure(let defect):
          return .refused(
            JobError(
              code: "image-not-an-image", message: "The reference image \(name) \(defect.words).",
              hint: "Use a whole PNG, JPEG or WebP file."))
        }
      }
    }
  }

  /// Reads a reference image to be sent: the hash is that of the very bytes.
  public func referenceContent(_ file: FileKey, limit: Int) async throws(LocalTrouble) -> ReferenceContent {
    try await tryOnWorker { () throws(LocalTrouble) in
      guard case (.file, let bytes?) = self.sight(file, readUpTo: limit),
        case .success(let info) = bytes.withUnsafeBytes(self.check)
      else {
        throw LocalTrouble(
          JobError(
            code: "reference-missing", message: "The reference image \(file.path.display) is gone or cannot be used.",
            hint: "Put it back; the job goes on by itself.", retryable: true))
      }
      return ReferenceContent(bytes: bytes, sha256: SHA256.hash(data: bytes).hex, format: info.format)
    }
  }

  /// Every prompt in a folder and below it, as a scan of the watcher's would find them.
  public func prompts(below folder: FileKey) async throws(LocalTrouble) -> [FileKey] {
    try await tryOnWorker { () throws(LocalTrouble) in
      var found: [FileKey] = []
      var waiting = [folder.path]
      while let next = waiting.popLast() {
        let scan: FolderScan
        do throws(SystemError) {
          scan = try FolderScan(self.open(folder.root, next.bytes, O_RDONLY | O_DIRECTORY))
        } catch {
          // One that went while this went on had nothing to say.
          if error.number == ENOENT && next != folder.path { continue }
          throw LocalTrouble(error, doing: "list", next.display)
        }
        for name in scan.names {
          switch DropNames.meaning(of: name) {
          case .prompt, .conflictCopy: found.append(FileKey(root: folder.root, path: next.appending(name)))
          default: continue
          }
        }
        waiting += scan.folders.map { next.appending($0) }
      }
      return found
    }
  }

  // MARK: names

  /// Renames within the prompt's folder; false when the name is taken.
  public func rename(_ from: [UInt8], to: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> Bool {
    try await tryOnWorker { () throws(LocalTrouble) in
      let folder = try self.openFolder(of: prompt)
      do throws(SystemError) {
        try renameWithin(folder.number, from, to: to, replacing: false)
        return true
      } catch {
        if error.number == EEXIST { return false }
        throw LocalTrouble(error, doing: "rename to", prompt.sibling(to).path.display)
      }
    }
  }

  /// Makes the names in the prompt's folder durable. Calls for one folder share an fsync.
  public func syncFolder(of prompt: FileKey) async throws(LocalTrouble) {
    try await folderSync.sync(prompt.folder) { () async throws(LocalTrouble) in
      try await self.tryOnWorker { () throws(LocalTrouble) in
        let opened = try self.openFolder(of: prompt)
        do throws(SystemError) {
          try opened.sync()
        } catch {
          throw LocalTrouble(error, doing: "sync the folder of", prompt.path.display, isFatal: true)
        }
      }
    }
  }

  /// SHA-256 of a regular file beside the prompt; nil where there is none.
  public func digest(_ name: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> String? {
    try await tryOnWorker { () throws(LocalTrouble) -> String? in
      let file = prompt.sibling(name)
      do throws(SystemError) {
        let opened = try self.open(file.root, file.path.bytes, O_RDONLY | O_NONBLOCK)
        guard try opened.status().isRegular else { return nil }
        return try sha256(of: opened).hex
      } catch {
        if [ENOENT, ENOTDIR, ELOOP, EXDEV, ENXIO].contains(error.number) { return nil }
        throw LocalTrouble(error, doing: "read", file.path.display)
      }
    }
  }

  /// Removes a temporary file of promptdrop's.
  public func removeTemporary(_ file: FileKey) async {
    guard DropNames.isOwnTemporary(file.path.name) else { return }
    await onWorker {
      // A temporary that cannot be removed is only untidy: the next start finds it by its name.
      if let folder = try? self.openFolder(of: file) { unlinkat(folder.number, cString(file.path.name), 0) }
    }
  }

  /// A new temporary name: this run's mark and a number.
  func newTemporary() -> [UInt8] {
    let number = temporaries.wrappingAdd(1, ordering: .relaxed).newValue
    return DropNames.temporary(id: "\(run)-\(number)")
  }

  /// Begins every temporary name that this process makes.
  public var temporaryPrefix: [UInt8] { Array(DropNames.temporary(id: "\(run)-").dropLast(4)) }
}

extension ImageDefect {
  /// The end of a sentence that begins with the image's name.
  public var words: String {
    switch self {
    case .unknownFormat: "is not a PNG, JPEG or WebP image"
    case .truncated: "ends too early"
    case .malformed(let why): "is damaged: \(why)"
    }
  }
}

func sha256(of file: borrowing Descriptor) throws(SystemError) -> [UInt8] {
  var hash = SHA256()
  var offset = 0
  var buffer = [UInt8](repeating: 0, count: 262_144)
  while true {
    let got = pread(file.number, &buffer, buffer.count, off_t(offset))
    if got < 0 {
      if errno == EINTR { continue }
      throw SystemError(errno)
    }
    if got == 0 { return Array(hash.finalize()) }
    buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<got])) }
    offset += got
  }
}
