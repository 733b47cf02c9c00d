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
final class AgentBench {
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
  private static let loop = MultiThreadedEventLoopGroup.singleton.next()
  /// Which boot of the machine the next process is started in.
  var bootID = "00000000-0000-4000-8000-00000000b007"

  /// Runs `body` with a pipeline; at the end it is stopped, and no rule may have been broken.
  static func with(
    roots: [String] = ["root"], clock: ManualClock = ManualClock(),
    settings change: (inout AgentSettings) -> Void = { _ in },
    prepare: (TemporaryFolder, ScriptedService) throws -> Void = { _, _ in },
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (AgentBench) async throws -> Void
  ) async throws {
    let place = try TemporaryFolder()
    for root in roots { try place.makeFolder(root) }
    var settings = AgentSettings()
    settings.windows = .init(firstTake: .zero, revision: .zero)
    settings.burstLimit = 0
    // Copies of the journal are made where a test asks for them.
    settings.backupInterval = .seconds(3_650 * 86_400)
    change(&settings)
    let records = Records()
    let service = ScriptedService(clock, records)
    try prepare(place, service)
    let bench = try await AgentBench(place, roots, clock, settings, service, records)
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
    let files = FaultyFiles(
      FolderFiles(roots: roots, workers: NIOThreadPool.singleton, check: ImageProbe.check, run: "run\(seed)"), activity,
      records)
    let watcher = SeenWatcher(FolderWatcher(roots: roots, rescanInterval: .zero), activity)
    let pipeline = Pipeline(
      settings: settings, roots: paths, journal: faulty, files: files,
      reader: PromptReader(.init(model: "google/gempix2", agentName: "bench")), service: service, watcher: watcher,
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

  // MARK: time

  /// Returns once nothing goes on that is not waiting for time, or for a POST that hangs.
  func settle(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let end = ContinuousClock.now + .seconds(60)
    var (quiet, last) = (0, process.activity.now.changes)
    while quiet < 8 {
      let alarm = await process.pipeline.alarmAt
      // An alarm that nobody sleeps for yet, or that rang and was not heard yet, is work under way.
      let isBetween = alarm.map { !process.activity.isAwaited($0) } ?? false
      let (busy, changes) = process.activity.now
      let isQuiet = busy == 0 && changes == last && (!isBetween || process.ended.ending != nil)
      if !isQuiet {
        if quiet == 0 { try await Task.sleep(for: .microseconds(100)) }
        guard ContinuousClock.now < end else {
          let what = "not settled within a minute: \(busy) busy, alarm at \(alarm as Any), now \(clock.monotonic)"
          Issue.record("\(what)", sourceLocation: sourceLocation)
          throw TimeIsUp(description: what)
        }
      }
      quiet = isQuiet ? quiet + 1 : 0
      last = changes
    }
  }

  /// Lets time pass, from one thing that is due to the next, or in larger steps.
  func pass(_ duration: Duration, step: Duration = .zero) async throws {
    let end = clock.monotonic + duration
    while true {
      try await settle()
      let now = clock.monotonic
      if now >= end { return }
      process.activity.advance(to: min(end, max(process.activity.nextDue ?? end, now + step)))
    }
  }

  /// Lets time pass until something is so, no longer than `limit`.
  func until(
    _ what: String, within limit: Duration = .seconds(120), step: Duration = .zero,
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: (AgentBench) async throws -> Bool
  ) async throws {
    let end = clock.monotonic + limit
    var patience = 300
    while true {
      try await settle(sourceLocation: sourceLocation)
      if try await condition(self) { return }
      let now = clock.monotonic
      let next = max(process.activity.nextDue ?? end, now + step)
      if now < end, next <= end {
        process.activity.advance(to: next)
      } else if patience > 0 {
        // Nothing is due: what is still to come, comes from the disk.
        patience -= 1
        try await Task.sleep(for: .milliseconds(2))
      } else if now < end {
        process.activity.advance(to: end)
        patience = 10
      } else {
        Issue.record("not within \(limit.brief): \(what)", sourceLocation: sourceLocation)
        throw TimeIsUp(description: "not within \(limit.brief): \(what)")
      }
    }
  }
}

extension AgentBench {
  // MARK: the folder

  func root(_ number: Int) -> String { number == 1 ? firstRoot : secondRoot }
  private var firstRoot: String { place.exists("root") ? "root" : "a" }
  private var secondRoot: String { "b" }

  /// The prompt of this name, `cat` for `cat.prompt`.
  func key(_ name: String, root: Int = 1) -> FileKey {
    FileKey(root: RootID(Int64(root)), path: DropPath("\(name).prompt"))
  }

  /// Writes prompts, each with its name as text unless another is given, and waits until the watcher has told of them.
  func drop(_ names: [String], text: String? = nil, root: Int = 1) async throws {
    let before = names.map { process.watcher.sightings(key($0, root: root)) }
    for name in names { try place.write("\(self.root(root))/\(name).prompt", text ?? name) }
    let watcher = process.watcher
    for (name, count) in zip(names, before) {
      let key = key(name, root: root)
      try await eventually("\(name) is seen") { watcher.sightings(key) > count }
    }
    // The kernel's time stamps are of a coarser clock than the machine's: some files need a second look.
    try await pass(.milliseconds(20))
  }
  func drop(_ name: String, text: String? = nil, root: Int = 1) async throws {
    try await drop([name], text: text, root: root)
  }

  /// Deletes a prompt, and waits until that counts.
  func delete(_ name: String) async throws {
    let (watcher, key) = (process.watcher, key(name))
    try place.remove("\(root(1))/\(name).prompt")
    try await eventually("\(name) is missed") { watcher.losses(key) > 0 }
    try await pass(.seconds(3))
  }

  // MARK: what is known

  func job(_ name: String, root: Int = 1) async throws -> Job? {
    let journal = process.journal.inner
    guard let known = try await journal.known([key(name, root: root)])[0] else { return nil }
    return try await journal.jobs([known.job])[0]
  }

  func state(_ name: String, root: Int = 1) async throws -> StateName? { try await job(name, root: root)?.state }

  func slots(_ name: String, root: Int = 1) async throws -> [Slot] {
    guard let job = try await job(name, root: root) else { return [] }
    return try await process.journal.inner.slots(of: job.id, revision: job.current)
  }

  /// The states of a prompt's pictures, in the order of the alphabet.
  func words(_ name: String) async throws -> [String] { try await slots(name).map(\.state.name.rawValue).sorted() }

  func reason(_ name: String, root: Int = 1) async throws -> HeldReason? {
    let slot = try await slots(name, root: root).first { $0.state.name == .held }
    guard case .held(let held)? = slot?.state else {
      return nil
    }
    return held.reason
  }

  func census() async throws -> [StateName: Int] {
    try await process.journal.inner.census(roots: (1...2).map { RootID(Int64($0)) })
  }

  func sidecar(_ name: String, root: Int = 1) throws -> StatusSidecar? {
    let file = "\(self.root(root))/\(name).status.json"
    guard place.exists(file) else { return nil }
    return PromptReader(.init(model: "", agentName: "")).sidecar(try place.bytes(file))
  }

  func hasPicture(_ name: String, of prompt: String? = nil, root: Int = 1) throws -> Bool {
    let file = "\(self.root(root))/\(name).png"
    guard place.exists(file) else { return false }
    let bytes = try place.bytes(file)
    return service.tasks.contains { $0.prompt == prompt ?? name && ScriptedService.picture($0.number) == bytes }
  }

  func answer(_ request: CommandRequest) async -> CommandReply { await process.pipeline.answer(request) }

  func ask(
    _ verb: CommandRequest.Verb, _ names: [String] = [], decision: CommandRequest.Decision? = nil, reason: String? = nil
  ) async -> CommandReply {
    await answer(
      CommandRequest(
        verb, paths: names.map { Array(place.path("\(root(1))/\($0)").utf8) }, decision: decision, reason: reason))
  }

  func resolve(_ name: String, _ decision: CommandRequest.Decision) async -> CommandReply {
    await ask(.resolve, ["\(name).prompt"], decision: decision)
  }

  /// The service calls back: whether it is told that this is written down.
  func callback(_ post: ScriptedService.Post?, _ taskID: String) async throws -> Bool {
    let secret = try #require(post?.secret)
    return await process.pipeline.received(secret: secret, taskID: taskID)
  }
}

extension CommandReply {
  /// What became of each file: whether it is done.
  var oks: [Bool] { files.map { $0.ok } }
  /// Why nothing is submitted.
  var stopReasons: [String]? { status?.stops.map { $0.reason } }
}

/// Names of prompts: `p000`, `p001`, ….
func names(_ count: Int) -> [String] {
  (0..<count).map { number in "p" + String(repeating: "0", count: 3 - min(3, "\(number)".count)) + "\(number)" }
}

let day: Duration = .seconds(86_400)
