import CLinux
import SHA2
import Glibc
import JobCore
import NIOCore
import Synchronization

/// The files of the watched roots. Blocking calls run on a pool of threads.
public final class FolderFiles: RootFiles {
  let roots: [RootID: RootFolder]
  let workers: FileWorkers
  let check: ImageCheck
  let writers: FileWriters
  let glance: ImageGlance
  private let run: String
  private let temporaries = Atomic<Int>(0)
  private let folderSync: FolderSync
  let openFolders: OpenFolders
  let skipped: SkippedFolders
  /// Where pictures are kept whose place is not there.
  public let keptFolder: String

  /// Takes roots. `check` checks images, `glance` says what a damaged one is, `run` marks this process's temporary files,
  /// `workers` do what may block, `loop` is where the calls come from (each of its turns makes a batch; nil: there are no batches);
  /// `keptFolder` is made when it is needed; `writers` is the watcher's too; what lies in `skipped` folders is not there.
  public init(
    roots: [RootID: RootFolder], workers: WorkerThreads, loop: (any EventLoop)? = nil, check: @escaping ImageCheck,
    glance: @escaping ImageGlance, run: String, keptFolder: String,
    writers: FileWriters = FileWriters(), skipped: SkippedFolders = .standard
  ) {
    self.roots = roots
    let openFolders = OpenFolders()
    self.openFolders = openFolders
    self.workers = FileWorkers(workers, loop: loop) { openFolders.letGo() }
    self.check = check
    self.glance = glance
    self.run = run
    self.keptFolder = keptFolder
    self.writers = writers
    self.skipped = skipped
    folderSync = FolderSync()
  }

  /// Runs `body` on a worker thread, or here where it takes no time to speak of.
  func onWorker<T: Sendable>(_ kind: FileWorkers.Kind = .long, _ body: @escaping @Sendable () -> T) async -> T {
    if workers.areNotNeeded(for: kind) { return body() }
    return await withCheckedContinuation { continuation in
      workers.submit(kind) { [workers] in
        let value = body()
        workers.finish { continuation.resume(returning: value) }
      }
    }
  }

  /// As `onWorker`, for what can fail. Throws what `body` throws.
  func tryOnWorker<T: Sendable>(
    _ kind: FileWorkers.Kind = .long, _ body: @escaping @Sendable () throws(LocalTrouble) -> T
  ) async throws(LocalTrouble) -> T {
    try await onWorker(kind) { () -> Result<T, LocalTrouble> in
      do throws(LocalTrouble) { return .success(try body()) } catch { return .failure(error) }
    }.get()
  }

  /// How long some calls on files of a root take. On a file server, as long as that likes; those are not heard of in full, as
  /// a rule.
  func few(_ root: RootID, withSyncs: Bool = false) -> FileWorkers.Kind {
    guard let root = roots[root], let place = root.place, !place.isRemote, root.controls.hearsAll else { return .long }
    return withSyncs ? .local : .short
  }

  /// Opens a path below a root, never through a symbolic link and never out of the root. Throws `SystemError`: ENODEV while
  /// the root itself is not there, which says nothing about what is in it.
  func open(_ root: RootID, _ path: [UInt8], _ flags: Int32) throws(SystemError) -> Descriptor {
    guard let place = roots[root]?.place else { throw SystemError(ENODEV) }
    return try place.open(path, flags)
  }

  /// Opens a file by its name in its folder, where that is open; else by its path, as above. Throws `SystemError`.
  func open(_ file: FileKey, _ flags: Int32, in folder: OpenFolder?) throws(SystemError) -> Descriptor {
    if let folder { return try folder.descriptor.open(file.path.name, flags) }
    return try open(file.root, file.path.bytes, flags)
  }

  /// Whether nothing stands under a file's name in its folder: a look that costs less than to open what is not there. False also
  /// where that cannot be told: whoever opens it finds out why.
  func isMissing(_ file: FileKey, in folder: OpenFolder?) -> Bool {
    guard let folder else { return false }
    do throws(SystemError) {
      _ = try folder.descriptor.status(of: file.path.name)
      return false
    } catch {
      return error.number == ENOENT
    }
  }

  /// The folder that a file is in, open for working with names in it; not to be listed.
  func openFolder(of file: FileKey) throws(LocalTrouble) -> Descriptor {
    do throws(SystemError) {
      guard let place = roots[file.root]?.place else { throw SystemError(ENODEV) }
      return try place.folder(file.path.directory)
    } catch {
      throw LocalTrouble(error, doing: "open the folder of", file.path.display)
    }
  }

  /// The same, for a piece of work on a worker that was asked for at a moment: one for all of its batch.
  func sharedFolder(of file: FileKey, asked: OpenFolders.Moment) throws(LocalTrouble) -> OpenFolder {
    try openFolders.folder(file.folder, asked: asked) { () throws(LocalTrouble) in
      OpenFolder(try openFolder(of: file))
    }
  }

  // MARK: looking and reading

  /// Looks at a path.
  public func look(_ file: FileKey) async -> Sighting {
    if isLeftOut(file) { return .missing }
    return await onWorker(few(file.root)) { self.sight(file).sighting }
  }

  /// What a look at a path found. `bytes`: where they were wanted, and did not change under the reading.
  struct Seen {
    var sighting: Sighting
    var bytes: [UInt8]?
    var isBeingWritten = false
    /// Whether the file can be written to under another name, of which nothing is heard in this folder.
    var hasOtherNames = false
  }

  // O_NONBLOCK, because opening a FIFO for reading would wait for a writer for ever. Writers are looked for before the bytes
  // are read: who opens the file later changes its stamp with the first byte. `folder`: the file's, where that is open.
  func sight(_ file: FileKey, readUpTo limit: Int? = nil, in folder: OpenFolder? = nil) -> Seen {
    do throws(SystemError) {
      let opened = try open(file, limit == nil ? pd_o_path : O_RDONLY | O_NONBLOCK, in: folder)
      let before = try opened.status()
      guard before.isRegular else { return Seen(sighting: .notAFile(before.kindName)) }
      if before.st_nlink > 1, try isPlanted(before, file) {
        return Seen(sighting: .notAFile("a hard link to a file that is not yours"))
      }
      let now = coarseWallClock()
      guard let limit, before.st_size <= limit else {
        return Seen(
          sighting: .file(before.stamp, age: before.age(now: now)), hasOtherNames: before.st_nlink > 1)
      }
      let isOpen = writers.hasWriter(opened, file, before)
      // One more than there ought to be, so that a longer file is seen to have changed. A whole batch of these is kept for a
      // while: room for more than is there would be most of the memory that it takes.
      let bytes = try opened.read(limit: Int(before.st_size) + 1)
      let after = try opened.status()
      let whole = after.stamp == before.stamp && bytes.count == Int(before.st_size)
      return Seen(
        sighting: .file(after.stamp, age: whole ? before.age(now: now) : .zero), bytes: whole ? bytes : nil,
        isBeingWritten: isOpen, hasOtherNames: before.st_nlink > 1)
    } catch {
      return Seen(sighting: sighting(of: error, file))
    }
  }

  /// A look, and whether a program has the file open for writing: what cannot be opened has no writer that matters.
  func sightWithWriter(_ file: FileKey) -> Seen {
    do throws(SystemError) {
      let opened = try open(file.root, file.path.bytes, O_RDONLY | O_NONBLOCK)
      let status = try opened.status()
      guard status.isRegular else { return sight(file) }
      if status.st_nlink > 1, try isPlanted(status, file) { return sight(file) }
      return Seen(
        sighting: .file(status.stamp, age: status.age(now: coarseWallClock())),
        isBeingWritten: writers.hasWriter(opened, file, status))
    } catch {
      return sight(file)
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

  /// Every prompt in a folder and below it, as a scan of the watcher's would find them.
  public func prompts(below folder: FileKey) async throws(LocalTrouble) -> FoundPrompts {
    try await tryOnWorker { () throws(LocalTrouble) in
      var found = FoundPrompts()
      var waiting = self.skipped.cover(folder.path.appending([UInt8(ascii: "x")])) ? [] : [folder.path]
      while let next = waiting.popLast() {
        let scan: FolderScan
        do throws(SystemError) {
          scan = try FolderScan(self.open(folder.root, next.bytes, O_RDONLY | O_DIRECTORY), skipping: self.skipped)
        } catch {
          // One that went while this went on had nothing to say.
          if error.number == ENOENT && next != folder.path { continue }
          throw LocalTrouble(error, doing: "list", next.display)
        }
        for name in scan.names {
          let file = FileKey(root: folder.root, path: next.appending(name))
          switch DropNames.meaning(of: name) {
          case .prompt, .conflictCopy: found.prompts.append(file)
          case .imageListOnItsWay(let stem):
            found.listsOnTheirWay[file.sibling(DropNames.prompt(stem: stem)), default: []].insert(name)
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
  public func rename(
    _ from: [UInt8], to: [UInt8], beside prompt: FileKey, durable: Bool
  ) async throws(LocalTrouble) -> Bool {
    try await inFolder(of: prompt, durable: durable) { folder throws(LocalTrouble) in
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
    try await inFolder(of: prompt, durable: true) { _ in }
  }

  /// Does something in the prompt's folder and, where that has to be durable, syncs the folder: one trip to a worker, and one
  /// sync for all that is written at the same time. `syncs`: whether `body` itself syncs what it writes; nil: as `durable`.
  func inFolder<T: Sendable>(
    of prompt: FileKey, durable: Bool, syncs: Bool? = nil,
    _ body: @escaping @Sendable (borrowing Descriptor) throws(LocalTrouble) -> T
  ) async throws(LocalTrouble) -> T {
    let path = prompt.folder
    if durable { folderSync.expect(path) }
    return try await withCheckedContinuation { (continuation: CheckedContinuation<Result<T, LocalTrouble>, Never>) in
      let kind = few(prompt.root, withSyncs: syncs ?? durable)
      let asked = openFolders.now
      let isHere = workers.areNotNeeded(for: kind)
      let end = { @Sendable [workers] (result: Result<T, LocalTrouble>) in
        workers.finish { continuation.resume(returning: result) }
      }
      let work = { @Sendable in
        do throws(LocalTrouble) {
          let folder =
            isHere ? OpenFolder(try self.openFolder(of: prompt)) : try self.sharedFolder(of: prompt, asked: asked)
          let value = try body(folder.descriptor)
          guard durable else { return end(.success(value)) }
          let duty = try folder.duty(prompt, self.workers)
          self.folderSync.perform(self.folderSync.join(path, duty) { end($0.map { value }) }, path)
        } catch {
          if durable { self.folderSync.perform(self.folderSync.giveUp(path), path) }
          end(.failure(error))
        }
      }
      if isHere { work() } else { workers.submit(kind, work) }
    }.get()
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
    if got == 0 { return hash.finalize() }
    buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<got])) }
    offset += got
  }
}
