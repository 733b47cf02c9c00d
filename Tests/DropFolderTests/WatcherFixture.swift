import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// All tests with a watcher: libinotifytools is one instance a process, so one at a time.
@Suite(.serialized, .timeLimit(.minutes(1))) enum WatcherTests {}

/// A watcher over one real root or two.
final class WatcherFixture: Sendable {
  let place: TemporaryFolder
  private let watcher: FolderWatcher
  let writers = FileWriters()
  private let seen = Mutex<[FolderEvent]>([])
  private let folders: [RootID: RootFolder]
  /// The files of the same roots, as the program has them.
  let files: FolderFiles
  private let sentinels = Mutex(0)

  /// Runs `body` with a watcher that has made its first scan, and ends it. `prepare` is for what is there before.
  static func with(
    roots: [String] = ["root"], interval: Duration = .zero, decoys: Bool = false,
    mode: FolderWatcher.Options.Mode = .auto, room: Int? = nil, reminder: Duration = .seconds(300),
    prepare: (TemporaryFolder) throws -> Void = { _ in }, _ body: (WatcherFixture) async throws -> Void
  ) async throws {
    let place = try TemporaryFolder()
    for root in roots { try place.makeFolder(root) }
    try prepare(place)
    // The watcher before has ended when its descriptor is closed.
    try await eventually("no other watcher runs") { inotifyDescriptors().isEmpty }
    let decoy = decoys ? fcntl(inotify_init1(Int32(IN_CLOEXEC)), F_DUPFD_CLOEXEC, 400) : -1
    defer { if decoy >= 0 { for number in inotifyDescriptors() { close(number) } } }
    let bench = try WatcherFixture(place, roots, interval, mode, room, reminder)
    let result: Result<Void, any Error>
    do {
      if room == nil {
        try await eventually("the first scan") { roots.indices.allSatisfy { bench.scans(RootID(Int64($0 + 1))) > 0 } }
      }
      try await body(bench)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    bench.watcher.stop()
    try await eventually("the watcher has ended") { inotifyDescriptors().count == (decoys ? 2 : 0) }
    try result.get()
  }

  private init(
    _ place: TemporaryFolder, _ roots: [String], _ interval: Duration, _ mode: FolderWatcher.Options.Mode, _ room: Int?,
    _ reminder: Duration
  ) throws {
    self.place = place
    folders = Dictionary(
      uniqueKeysWithValues: try roots.enumerated().map {
        (RootID(Int64($0.offset + 1)), try RootFolder(place.path($0.element)))
      })
    files = FolderFiles(
      roots: folders, workers: fileThreads, check: checkSample, glance: glanceSample, run: "bench",
      keptFolder: place.path("kept"), writers: writers)
    watcher = FolderWatcher(
      roots: folders,
      options: .init(
        mode: mode, rescanInterval: interval, pollInterval: .milliseconds(50), reminder: reminder,
        fingerprint: { UInt64($0.joined().count) + 1 }),
      writers: writers, temporaries: files.temporaryPrefix)
    if let room { watcher.hasRoom(room, reported: 0) }
    watcher.start(surveying: []) { [weak self] events in self?.seen.withLock { $0 += events } }
  }

  static func inotifyDescriptors() -> [Int32] {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.compactMap(Int32.init).filter { number in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) == "anon_inode:inotify"
    }
  }

  /// How many watches the kernel holds for it.
  var watches: Int {
    Self.inotifyDescriptors().reduce(0) { sum, number in
      let info = (try? String(contentsOfFile: "/proc/self/fdinfo/\(number)", encoding: .utf8)) ?? ""
      return sum + info.split(separator: "\n").filter { $0.hasPrefix("inotify wd:") }.count
    }
  }

  var events: [FolderEvent] { seen.withLock { $0 } }
  func scans(_ root: RootID) -> Int { events.filter { $0 == .scanned(root) }.count }
  func key(_ path: String, root: Int64 = 1) -> FileKey { FileKey(root: RootID(root), path: DropPath(path)) }
  func await(_ paths: Set<String>) { watcher.await(Set(paths.map { key($0) })) }
  func rescan() { watcher.rescan() }
  var conditions: [FolderCondition] { watcher.conditions }
  /// How many prompts were told of.
  var reported: Int {
    events.count { event in
      switch event {
      case .prompt, .promptGone: true
      default: false
      }
    }
  }
  func hasRoom(_ prompts: Int) { watcher.hasRoom(prompts, reported: reported) }

  /// Looks through everything once more; the prompts that are told of.
  func look() async throws -> Set<String> {
    let (before, scans) = (events.count, scans(RootID(1)))
    rescan()
    try await eventually("a look at everything") { self.scans(RootID(1)) > scans }
    return Self.prompts(Array(events[before...]))
  }

  /// Confirms prompts as they stand, as one does who has read them.
  func confirm(_ names: [String], inputs: UInt64 = 1) async throws {
    let queries = names.map { name in
      SourceQuery(prompt: key(name), list: key(String(name.dropLast(7)) + ".images"))
    }
    for (reading, query) in zip(await files.readSources(queries, limit: 1000), queries) {
      let stamp = try #require(reading.prompt.stamp)
      watcher.confirm(query.prompt, TakenStamp(prompt: stamp, list: reading.list.stamp, inputs: inputs))
    }
  }

  func path(_ name: String) -> String { place.path("root/\(name)") }
  func write(_ name: String, _ text: String = "A cat") throws { try place.write("root/\(name)", text) }
  func makeFolder(_ name: String) throws { try place.makeFolder("root/\(name)") }
  func rename(_ name: String, to new: String) throws { try place.rename("root/\(name)", to: "root/\(new)") }
  func remove(_ name: String) throws { try place.remove("root/\(name)") }
  func run(_ command: String, _ arguments: String...) async throws {
    let process = try ChildProcess(command, arguments, folder: place.path("root"))
    try #require(try await process.wait(within: .seconds(30)) == .exited(0), "\(process.standardError)")
  }

  /// The events of what `body` does: those between the events of a file written before it and of one written after it,
  /// which is not before `expected` has come. (A process that another test starts at this moment holds a file that is
  /// being written open for an instant longer, so a close can come late.)
  func during(
    until expected: FolderEvent? = nil, within limit: Duration = .seconds(10), _ body: () async throws -> Void
  ) async throws -> [FolderEvent] {
    let before = try await sentinel(within: limit)
    try await body()
    if let expected {
      try await eventually(within: limit, "\(expected)") {
        let all = events
        return all[(all.lastIndex(of: before) ?? 0)...].contains(expected)
      }
    }
    let after = try await sentinel(within: limit)
    let all = events
    let first = try #require(all.lastIndex(of: before))
    let last = try #require(all.firstIndex(of: after))
    return all[(first + 1)..<last].filter { event in
      if case .prompt(let key, _) = event { !key.path.display.hasPrefix("sentinel-") } else { true }
    }
  }

  private func sentinel(within limit: Duration) async throws -> FolderEvent {
    let number = sentinels.withLock { number in
      number += 1
      return number
    }
    try write("sentinel-\(number).prompt", "")
    let event = FolderEvent.prompt(key("sentinel-\(number).prompt"), .closed)
    try await eventually(within: limit, "the event of sentinel \(number)") { events.contains(event) }
    return event
  }

  /// The prompts that the events say to look at.
  static func prompts(_ events: [FolderEvent]) -> Set<String> {
    Set(events.compactMap { if case .prompt(let key, _) = $0 { key.path.display } else { nil } })
  }

  static func gone(_ events: [FolderEvent]) -> Set<String> {
    Set(events.compactMap { if case .promptGone(let key) = $0 { key.path.display } else { nil } })
  }
}
