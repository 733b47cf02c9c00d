import DropFolder
import Glibc
import JobCore
import PromptFile
import Synchronization

/// A call that a test may let fail.
enum FileCall: Sendable {
  /// Of this prompt, with this state in it.
  case sidecar(FileKey, StateName?, durable: Bool)
  case readSidecar(FileKey)
  case stage(FileKey)
  case reference(FileKey)
  case append
  case finish
  case rename
  case syncFolder
  case keepBytes
}

extension LocalTrouble {
  /// A full disk.
  static let full = LocalTrouble(
    JobError(code: "disk-full", message: "No space left on device.", hint: "Free some space.", retryable: true))
  /// Out of descriptors.
  static let machine = LocalTrouble(
    JobError(code: "too-many-files", message: "Too many open files.", hint: "Raise the limit.", retryable: true))
  /// A folder that would not sync.
  static let lost = LocalTrouble(JobError(code: "sync", message: "The folder cannot be synced."), isFatal: true)
}

/// Where calls wait until a test lets them go on.
final class Barrier: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var arrived = 0
  }
  private let state = Mutex(State())

  /// How many calls have come to it.
  var arrived: Int { state.withLock { $0.arrived } }

  /// Lets all that wait, and all that come later, go on.
  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  fileprivate func pass() async {
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        state.arrived += 1
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if goesOn { continuation.resume() }
    }
  }
}

/// The real files; calls fail, or are slow, when a test says so.
final class FaultyFiles: RootFiles {
  private let inner: FolderFiles
  private let activity: Activity
  private let records: Records
  private let fault = Mutex<(@Sendable (FileCall) -> LocalTrouble?)?>(nil)

  private let slowness = Mutex<(@Sendable (FileCall) -> Barrier?)?>(nil)

  init(_ inner: FolderFiles, _ activity: Activity, _ records: Records) {
    (self.inner, self.activity, self.records) = (inner, activity, records)
  }

  /// Which calls fail.
  func fail(_ judge: (@Sendable (FileCall) -> LocalTrouble?)?) { fault.withLock { $0 = judge } }

  /// Which calls wait at a barrier before they do anything. Such a call does not count as activity: time goes on.
  func delay(_ judge: (@Sendable (FileCall) -> Barrier?)?) { slowness.withLock { $0 = judge } }

  private func wait(_ call: FileCall) async {
    if let barrier = slowness.withLock({ $0?(call) }) { await barrier.pass() }
  }

  fileprivate func check(_ call: FileCall) throws(LocalTrouble) {
    if let trouble = fault.withLock({ $0?(call) }) { throw trouble }
  }

  func readSources(_ files: [SourceQuery], limit: Int) async -> [SourceReading] {
    await activity.during {
      var readings = await inner.readSources(files, limit: limit)
      for (index, file) in files.enumerated() where readings[index].promptBytes != nil {
        do throws(LocalTrouble) {
          try check(.readSidecar(file.prompt))
        } catch {
          readings[index].sidecar = .failure(error)
        }
      }
      return readings
    }
  }
  func look(_ file: FileKey) async -> Sighting { await activity.during { await inner.look(file) } }
  func lookBeforeSending(_ prompt: FileKey, list: FileKey) async -> LastLook {
    await activity.during { await inner.lookBeforeSending(prompt, list: list) }
  }
  func readReference(_ file: FileKey, limit: Int, evenIfOpen: Bool) async -> ReferenceReading {
    await activity.during { await inner.readReference(file, limit: limit, evenIfOpen: evenIfOpen) }
  }
  func lookalike(of reference: FileKey) async -> Lookalike {
    await activity.during { await inner.lookalike(of: reference) }
  }
  func referenceContent(
    _ file: FileKey, limit: Int, evenIfOpen: Bool
  ) async throws(LocalTrouble) -> ReferenceContent? {
    await wait(.reference(file))
    return try await activity.during { () async throws(LocalTrouble) in
      try await inner.referenceContent(file, limit: limit, evenIfOpen: evenIfOpen)
    }
  }
  var blindSpots: [BlindSpot] { inner.blindSpots }
  func folderDefaults(above file: FileKey, limit: Int) async -> [FolderDefaults] {
    await activity.during { await inner.folderDefaults(above: file, limit: limit) }
  }
  func hasSyncMark(above file: FileKey) async -> Bool {
    await activity.during { await inner.hasSyncMark(above: file) }
  }
  func sidecar(of prompt: FileKey) async throws(LocalTrouble) -> [UInt8]? {
    try await activity.during { () async throws(LocalTrouble) in
      try check(.readSidecar(prompt))
      return try await inner.sidecar(of: prompt)
    }
  }

  func writeSidecar(_ bytes: [UInt8], of prompt: FileKey, durable: Bool) async throws(LocalTrouble) {
    let sidecar = PromptReader(.init(model: "", agentName: "")).sidecar(bytes)
    await wait(.sidecar(prompt, sidecar?.state, durable: durable))
    try await activity.during { () async throws(LocalTrouble) in
      try check(.sidecar(prompt, sidecar?.state, durable: durable))
      try await inner.writeSidecar(bytes, of: prompt, durable: durable)
      if durable, let sidecar { records.wrote(sidecar) }
    }
  }

  func removeSidecar(of prompt: FileKey) async throws(LocalTrouble) {
    try await activity.during { () async throws(LocalTrouble) in try await inner.removeSidecar(of: prompt) }
  }
  func stage(beside prompt: FileKey) async throws(LocalTrouble) -> any StagedFile {
    await wait(.stage(prompt))
    return try await activity.during { () async throws(LocalTrouble) -> any StagedFile in
      try check(.stage(prompt))
      return FaultyStaged(inner: try await inner.stage(beside: prompt), files: self, activity: activity)
    }
  }
  func rename(
    _ from: [UInt8], to: [UInt8], beside prompt: FileKey, durable: Bool
  ) async throws(LocalTrouble) -> Bool {
    try await activity.during { () async throws(LocalTrouble) in
      try check(.rename)
      let isRenamed = try await inner.rename(from, to: to, beside: prompt, durable: durable)
      if durable { try check(.syncFolder) }
      return isRenamed
    }
  }
  func syncFolder(of prompt: FileKey) async throws(LocalTrouble) {
    try await activity.during { () async throws(LocalTrouble) in
      try check(.syncFolder)
      try await inner.syncFolder(of: prompt)
    }
  }
  func move(
    _ name: [UInt8], from former: FileKey, to new: [UInt8], beside prompt: FileKey
  ) async throws(LocalTrouble) -> Bool {
    try await activity.during { () async throws(LocalTrouble) in
      try check(.rename)
      return try await inner.move(name, from: former, to: new, beside: prompt)
    }
  }
  func hasPlace(beside prompt: FileKey, device: UInt64?) async -> Bool {
    await activity.during { await inner.hasPlace(beside: prompt, device: device) }
  }
  func stageKept() async throws(LocalTrouble) -> any StagedFile {
    try await activity.during { () async throws(LocalTrouble) -> any StagedFile in
      FaultyStaged(inner: try await inner.stageKept(), files: self, activity: activity)
    }
  }
  func keep(_ temporary: [UInt8], as name: [UInt8]) async throws(LocalTrouble) {
    try await activity.during { () async throws(LocalTrouble) in try await inner.keep(temporary, as: name) }
  }
  func keepBytes(_ bytes: [UInt8], as name: [UInt8]) async throws(LocalTrouble) {
    try await activity.during { () async throws(LocalTrouble) in
      try check(.keepBytes)
      try await inner.keepBytes(bytes, as: name)
    }
  }
  func takeOut(_ kept: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> [UInt8] {
    try await activity.during { () async throws(LocalTrouble) in try await inner.takeOut(kept, beside: prompt) }
  }
  func keepOdd(_ bytes: [UInt8], as name: [UInt8], most: Int) async throws(LocalTrouble) -> Bool {
    try await activity.during { () async throws(LocalTrouble) in
      try await inner.keepOdd(bytes, as: name, most: most)
    }
  }
  func removeKept(_ name: [UInt8]) async { await activity.during { await inner.removeKept(name) } }
  var keptFolder: String { inner.keptFolder }
  func digest(_ name: [UInt8], beside prompt: FileKey) async throws(LocalTrouble) -> String? {
    try await activity.during { () async throws(LocalTrouble) in try await inner.digest(name, beside: prompt) }
  }
  func removeTemporary(_ file: FileKey) async { await activity.during { await inner.removeTemporary(file) } }
  var temporaryPrefix: [UInt8] { inner.temporaryPrefix }
  func prompts(below folder: FileKey) async throws(LocalTrouble) -> FoundPrompts {
    try await activity.during { () async throws(LocalTrouble) in try await inner.prompts(below: folder) }
  }
}

private struct FaultyStaged: StagedFile {
  let inner: any StagedFile
  let files: FaultyFiles
  let activity: Activity

  func append(_ bytes: [UInt8]) async throws(LocalTrouble) {
    try await activity.during { () async throws(LocalTrouble) in
      try files.check(.append)
      try await inner.append(bytes)
    }
  }
  func finish() async throws(LocalTrouble) -> Result<StagedImage, ImageDefect> {
    try await activity.during { () async throws(LocalTrouble) in
      try files.check(.finish)
      return try await inner.finish()
    }
  }
  func content(limit: Int) async throws(LocalTrouble) -> [UInt8]? {
    try await activity.during { () async throws(LocalTrouble) in try await inner.content(limit: limit) }
  }
  func discard() async { await activity.during { await inner.discard() } }
}

/// The real watcher; a test sees what it has told.
final class SeenWatcher: FolderWatching {
  private struct Seen {
    var rested: [FileKey: Int] = [:]
    var gone: [FileKey: Int] = [:]
    var scans: [RootID: Int] = [:]
  }
  private let inner: FolderWatcher
  private let activity: Activity
  private let seen = Mutex(Seen())

  init(_ inner: FolderWatcher, _ activity: Activity) { (self.inner, self.activity) = (inner, activity) }

  func scans(_ root: RootID) -> Int { seen.withLock { $0.scans[root] ?? 0 } }
  /// How often the prompt was seen, as finished as a file can be.
  func sightings(_ file: FileKey) -> Int { seen.withLock { $0.rested[file] ?? 0 } }
  /// How often the prompt was gone, or the folder with all that was in it.
  func losses(_ file: FileKey) -> Int { seen.withLock { $0.gone[file] ?? 0 } }

  func start(surveying fresh: Set<RootID>, _ sink: @escaping @Sendable ([FolderEvent]) -> Void) {
    inner.start(surveying: fresh) { [weak self] events in
      sink(events)
      self?.note(events)
    }
  }

  private func note(_ events: [FolderEvent]) {
    activity.changed()
    seen.withLock { seen in
      for event in events {
        switch event {
        case .prompt(let file, .closed), .prompt(let file, .found): seen.rested[file, default: 0] += 1
        case .promptGone(let file), .folderVanished(let file): seen.gone[file, default: 0] += 1
        case .scanned(let root): seen.scans[root, default: 0] += 1
        default: break
        }
      }
    }
  }

  func await(_ files: Set<FileKey>) { inner.await(files) }
  func rescan() { inner.rescan() }
  func lookAgain(below folder: FileKey) { inner.lookAgain(below: folder) }
  func hasRoom(_ prompts: Int, reported: Int) { inner.hasRoom(prompts, reported: reported) }
  func confirm(_ file: FileKey, _ stamp: TakenStamp) { inner.confirm(file, stamp) }
  var conditions: [FolderCondition] { inner.conditions }
  func stop() { inner.stop() }
}
