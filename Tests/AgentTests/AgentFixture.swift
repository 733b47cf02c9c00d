import DropFolder
import Foundation
import ImageAPI
import JobCore
import JobJournal
import NIOCore
import NIOPosix
import PromptFile
import Synchronization
import TestKit
import Testing

@testable import Agent

/// All tests with a pipeline: the library under the watcher is one instance a process, so one at a time.
@Suite(.serialized, .timeLimit(.minutes(5))) enum Pipelines {}

/// A pipeline over real folders and a real journal; time, the service and faults are a test's.
final class AgentFixture {
  /// One process of the agent, as far as a test can have one.
  struct Process {
    var pipeline: Pipeline
    var journal: FaultyJournal
    var files: FaultyFiles
    var watcher: SeenWatcher
    var activity: Activity
    var state: String
    var life: Task<Ending, Never>
    var ended: Ended
  }
  final class Ended: Sendable {
    private let value = Mutex<Ending?>(nil)
    var ending: Ending? { value.withLock { $0 } }
    func set(_ ending: Ending) { value.withLock { $0 = ending } }
  }

  let place: TemporaryFolder
  let clock: ManualClock
  let service: ScriptedService
  let records: Records
  let notices = Notices()
  var settings: AgentSettings
  private(set) var process: Process
  private let rootNames: [String]
  private let folders: [RootFolder]
  private var generation = 0
  private static let threads = WorkerThreads(atMost: 8)
  private static let loop = MultiThreadedEventLoopGroup.singleton.next()
  /// Which boot of the machine the next process is started in.
  var bootID = "00000000-0000-4000-8000-00000000b007"

  /// Runs `body` with a pipeline; at the end it is stopped, and no rule may have been broken.
  static func with(
    roots: [String] = ["root"], clock: ManualClock = ManualClock(),
    settings change: (inout AgentSettings) -> Void = { _ in },
    prepare: (TemporaryFolder, ScriptedService) throws -> Void = { _, _ in },
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (AgentFixture) async throws -> Void
  ) async throws {
    let place = try TemporaryFolder()
    for root in roots { try place.makeFolder(root) }
    var settings = AgentSettings()
    settings.files.windows = .init(firstTake: .zero, revision: .zero)
    settings.burstLimit = 0
    // Copies of the journal are made where a test asks for them.
    settings.backupInterval = .seconds(3_650 * 86_400)
    change(&settings)
    let records = Records()
    let service = ScriptedService(clock, records)
    try prepare(place, service)
    let bench = try await AgentFixture(place, roots, clock, settings, service, records)
    do {
      try await body(bench)
    } catch {
      await bench.close()
      throw error
    }
    await bench.close()
    #expect(bench.records.violations == [], sourceLocation: sourceLocation)
  }

  private init(
    _ place: TemporaryFolder, _ roots: [String], _ clock: ManualClock, _ settings: AgentSettings,
    _ service: ScriptedService, _ records: Records
  ) async throws {
    (self.place, self.clock, self.settings, self.service) = (place, clock, settings, service)
    rootNames = roots
    folders = try roots.map { try RootFolder(place.path($0)) }
    self.records = records
    generation = 1
    process = try await Self.begin(
      place, "state-1", folders, clock, settings, service, records, notices, seed: 1, bootID: bootID)
    try await ready()
  }

  private static func begin(
    _ place: TemporaryFolder, _ state: String, _ folders: [RootFolder], _ clock: ManualClock,
    _ settings: AgentSettings, _ service: ScriptedService, _ records: Records, _ notices: Notices, seed: UInt64,
    bootID: String, isOffline: Bool = false
  ) async throws -> Process {
    try await eventually("no other watcher runs") { inotifyDescriptors().isEmpty }
    let activity = Activity(clock)
    service.serve(activity)
    let folder = try StateFolder(place.path(state))
    let journal = try SQLiteJournal(folder)
    var surroundings = clock.surroundings(seed: seed, bootID: bootID)
    surroundings.sleep = { try await activity.sleep(until: $0) }
    var roots: [RootID: RootFolder] = [:]
    var paths: [RootID: [UInt8]] = [:]
    for folder in folders {
      let id = try await journal.root(path: folder.path)
      (roots[id], paths[id]) = (folder, folder.path)
    }
    let faulty = FaultyJournal(journal, activity, records)
    let real = FolderFiles(
      roots: roots, workers: threads, loop: loop, check: ImageProbe.check, glance: ImageProbe.glance, run: "run\(seed)",
      keptFolder: folder.path + "/kept")
    let files = FaultyFiles(real, activity, records)
    let reader = PromptReader(.init(model: "google/gempix2", agentName: "bench"))
    let watcher = SeenWatcher(
      FolderWatcher(
        roots: roots, options: .init(rescanInterval: .zero, lull: .zero, fingerprint: { reader.fingerprint($0) }),
        temporaries: real.temporaryPrefix),
      activity)
    let pipeline = Pipeline(
      settings: settings, roots: paths, journal: faulty, files: files,
      reader: reader, service: service, watcher: watcher,
      marks: try SendMarkFile(folder, bootID: bootID), surroundings: surroundings, observer: notices,
      executor: loop.executor)
    let ended = Ended()
    if isOffline {
      await pipeline.stop()
      ended.set(.stopped)
    }
    return Process(
      pipeline: pipeline, journal: faulty, files: files, watcher: watcher, activity: activity, state: state,
      life: Task {
        if isOffline { return .stopped }
        let ending = await pipeline.run(.watch)
        ended.set(ending)
        activity.changed()
        return ending
      }, ended: ended)
  }

  // Time may have to pass: a start that finds its journal full waits.
  private func ready() async throws {
    let process = process
    try await eventually("the first scan") { process.watcher.scans(RootID(1)) > 0 || process.ended.ending != nil }
    if process.ended.ending == nil {
      for number in folders.indices {
        try await eventually("the first scan") { process.watcher.scans(RootID(Int64(number + 1))) > 0 }
      }
    }
    try await settle()
  }

  // MARK: ends and beginnings

  /// Ends the process as SIGTERM does.
  func stop() async throws {
    guard process.ended.ending == nil else { return }
    await process.pipeline.stop()
    try await until("the pipeline has ended", within: settings.stopTimeout + .seconds(1)) {
      $0.process.ended.ending != nil
    }
    try await eventually("the watcher has ended") { inotifyDescriptors().isEmpty }
  }

  /// Ends the process as SIGKILL does: nothing that it was about to do happens any more.
  func kill() async throws {
    process.activity.die()
    process.watcher.stop()
    try await eventually("the watcher has ended") { inotifyDescriptors().isEmpty }
  }

  /// A copy of what the process has on its disk.
  func copyState(to name: String) throws {
    try place.makeFolder(name)
    for file in try place.list(process.state) where file != "lock" {
      try place.write("\(name)/\(file)", bytes: try place.bytes("\(process.state)/\(file)"))
    }
  }

  /// The next process, on a copy of the last one's state: what it left on the disk, or `state`, which may be missing.
  func start(state: String? = nil, _ change: (inout AgentSettings) -> Void = { _ in }) async throws {
    generation += 1
    let name = "state-\(generation)"
    if let state {
      if place.exists(state) {
        try place.makeFolder(name)
        for file in try place.list(state) {
          try place.write("\(name)/\(file)", bytes: try place.bytes("\(state)/\(file)"))
        }
      }
    } else {
      try copyState(to: name)
    }
    change(&settings)
    process = try await Self.begin(
      place, name, folders, clock, settings, service, records, notices, seed: UInt64(generation),
      bootID: bootID)
    try await ready()
  }

  /// The pipeline as commands use it where no agent runs: it was stopped before anything, and never runs.
  func startOffline() async throws {
    generation += 1
    try copyState(to: "state-\(generation)")
    process = try await Self.begin(
      place, "state-\(generation)", folders, clock, settings, service, records, notices, seed: UInt64(generation),
      bootID: bootID, isOffline: true)
    try await settle()
  }

  private func close() async {
    process.journal.fail(nil)
    process.files.fail(nil)
    service.release(nil, .lost())
    do { try await stop() } catch { process.watcher.stop() }
  }
}
