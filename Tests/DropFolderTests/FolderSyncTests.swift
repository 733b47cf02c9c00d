import Foundation
import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// One sync serves many, and never one who has written after it had begun.
@Suite struct FolderSyncTests {
  private static let folder = FileKey(root: RootID(1), path: DropPath("a"))
  private static let other = FileKey(root: RootID(1), path: DropPath("b"))

  private static func place(_ inode: UInt) -> FolderSync.Folder {
    var status = stat()
    status.st_ino = inode
    return FolderSync.Folder(status)
  }

  /// As the workers do it: writes, and then syncs if it is his turn, on a thread that may be held up.
  @Sendable private static func sync(
    _ sync: FolderSync, _ folder: FileKey, inode: UInt = 1, _ perform: @escaping @Sendable () -> FolderSync.Outcome
  ) async -> FolderSync.Outcome {
    sync.expect(folder)
    return await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let duty = FolderSync.Duty(folder: place(inode), sync: perform)
        sync.perform(sync.join(folder, duty) { continuation.resume(returning: $0) }, folder)
      }
    }
  }

  private static func failure(_ code: String) -> FolderSync.Outcome {
    .failure(LocalTrouble(JobError(code: ErrorCode(rawValue: code), message: "It failed."), isFatal: true))
  }

  /// A sync that ends when it is told to.
  private final class Gate: Sendable {
    private struct State {
      var begun = 0
      var open = 0
      var failing: Set<Int> = []
    }
    private let state = Mutex(State())
    var begun: Int { state.withLock { $0.begun } }
    func open(_ count: Int = 1, failing: Bool = false) {
      state.withLock { state in
        if failing { state.failing.formUnion((state.open + 1)...(state.open + count)) }
        state.open += count
      }
    }
    func pass() -> FolderSync.Outcome {
      let turn = state.withLock { state in
        state.begun += 1
        return state.begun
      }
      let deadline = ContinuousClock.now + .seconds(30)
      while state.withLock({ $0.open < turn }) {
        guard ContinuousClock.now < deadline else { return FolderSyncTests.failure("the gate did not open") }
        usleep(200)
      }
      return state.withLock { $0.failing.contains(turn) } ? FolderSyncTests.failure("sync-\(turn)") : .success(())
    }
  }

  /// A value that several tasks share.
  private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func with<T: Sendable>(_ body: (inout Value) -> T) -> T {
      value.withLock { value in
        var copy = value
        defer { value = copy }
        return body(&copy)
      }
    }
  }

  @Test func whoComesMeanwhileGetsALaterOne() async throws {
    let sync = FolderSync()
    let gate = Gate()
    let ended = Shared(0)
    let failed = try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask { (try? await Self.sync(sync, Self.folder) { gate.pass() }.get()) == nil }
      try await eventually("the first sync runs") { gate.begun == 1 }
      for _ in 0..<20 {
        group.addTask {
          let outcome = await Self.sync(sync, Self.folder) { gate.pass() }
          ended.with { $0 += 1 }
          return (try? outcome.get()) == nil
        }
      }
      // None of them may be served by the first one, so all of them have to wait now.
      for _ in 0..<50 { await Task.yield() }
      gate.open()
      try await eventually("the second sync runs") { gate.begun == 2 }
      #expect(ended.with { $0 } == 0)
      gate.open(20)
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(failed == 0)
    #expect(ended.with { $0 } == 20)
    // Those that had come by then share one; a straggler may need one more.
    #expect(gate.begun < 21, "syncs are shared")
  }

  @Test func anErrorReachesAllWhoWaitedForIt() async throws {
    let sync = FolderSync()
    let gate = Gate()
    @Sendable func outcome() async -> String {
      switch await Self.sync(sync, Self.folder, { gate.pass() }) {
      case .success: "fine"
      case .failure(let trouble): trouble.isFatal ? trouble.error.code.rawValue : "not fatal"
      }
    }
    let codes = try await withThrowingTaskGroup(of: String.self) { group in
      group.addTask { await outcome() }
      try await eventually("the first sync runs") { gate.begun == 1 }
      for _ in 0..<5 { group.addTask { await outcome() } }
      for _ in 0..<50 { await Task.yield() }
      gate.open()
      gate.open(10, failing: true)
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(codes.filter { $0 == "fine" }.count == 1)
    #expect(codes.filter { $0.hasPrefix("sync-") }.count == 5)
  }

  @Test func anErrorIsNotKept() async throws {
    let sync = FolderSync()
    let first = await Self.sync(sync, Self.folder) { Self.failure("once") }
    #expect(throws: LocalTrouble.self) { try first.get() }
    try await Self.sync(sync, Self.folder) { .success(()) }.get()
  }

  @Test func foldersDoNotWaitForOneAnother() async throws {
    let sync = FolderSync()
    let gate = Gate()
    async let first = Self.sync(sync, Self.folder) { gate.pass() }
    try await eventually("the first sync runs") { gate.begun == 1 }
    try await Self.sync(sync, Self.other) { .success(()) }.get()
    gate.open()
    try await first.get()
  }

  @Test func theLastOneOnItsWaySyncsForAll() async throws {
    let sync = FolderSync()
    let synced = Shared(0)
    let ended = Shared(0)
    let duty = FolderSync.Duty(folder: Self.place(1)) {
      synced.with { $0 += 1 }
      return .success(())
    }
    for _ in 0..<10 { sync.expect(Self.folder) }
    for number in 0..<9 {
      sync.perform(sync.join(Self.folder, duty) { _ in ended.with { $0 += 1 } }, Self.folder)
      #expect(synced.with { $0 } == 0, "\(number)")
    }
    sync.perform(sync.giveUp(Self.folder), Self.folder)
    #expect(synced.with { $0 } == 1 && ended.with { $0 } == 9)
    // There is always one more on its way: that must not keep the others waiting for ever.
    for _ in 0...1000 { sync.expect(Self.folder) }
    for _ in 0..<1000 { sync.perform(sync.join(Self.folder, duty) { _ in ended.with { $0 += 1 } }, Self.folder) }
    #expect(ended.with { $0 } > 900)
    #expect(synced.with { $0 } < 20)
  }

  @Test func anotherFolderUnderThePathIsSyncedByItself() async throws {
    let sync = FolderSync()
    let gate = Gate()
    let synced = Shared(0)
    async let first = Self.sync(sync, Self.folder) { gate.pass() }
    try await eventually("the first sync runs") { gate.begun == 1 }
    try await Self.sync(sync, Self.folder, inode: 2) {
      synced.with { $0 += 1 }
      return .success(())
    }.get()
    #expect(synced.with { $0 } == 1)
    gate.open()
    try await first.get()
  }

  @Test func underLoadEverybodyIsServedByASyncThatBeganLater() async throws {
    let sync = FolderSync()
    let clock = Shared(0)
    let isRunning = Shared(false)
    @Sendable func tick() -> Int {
      clock.with { clock in
        clock += 1
        return clock
      }
    }
    let latest = Shared(0)
    let late = await withTaskGroup(of: Int.self) { group in
      for number in 0..<500 {
        group.addTask {
          for _ in 0..<(number % 7) { await Task.yield() }
          let came = tick()
          _ = await Self.sync(sync, Self.folder) {
            let overlaps = isRunning.with { running in
              defer { running = true }
              return running
            }
            let began = tick()
            sched_yield()
            isRunning.with { $0 = false }
            latest.with { $0 = overlaps ? -1_000_000 : max($0, began) }
            return .success(())
          }
          return latest.with { $0 } > came ? 0 : 1
        }
      }
      return await group.reduce(0, +)
    }
    #expect(late == 0, "\(late) of 500 were served by a sync that had begun before, or two ran at once")
  }
}
