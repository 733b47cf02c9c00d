import JobCore
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// One sync serves many, and never one who came after it had begun.
@Suite struct FolderSyncTests {
  private static let folder = FileKey(root: RootID(1), path: DropPath("a"))
  private static let other = FileKey(root: RootID(1), path: DropPath("b"))

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
    func pass() async throws(LocalTrouble) {
      let turn = state.withLock { state in
        state.begun += 1
        return state.begun
      }
      do {
        try await eventually("the gate opens for \(turn)") { state.withLock { $0.open >= turn } }
      } catch {
        throw LocalTrouble(JobError(code: "test", message: "\(error)"))
      }
      if state.withLock({ $0.failing.contains(turn) }) {
        throw LocalTrouble(JobError(code: "sync-\(turn)", message: "It failed."), isFatal: true)
      }
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
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await sync.sync(Self.folder) { () async throws(LocalTrouble) in try await gate.pass() } }
      try await eventually("the first sync runs") { gate.begun == 1 }
      for _ in 0..<20 {
        group.addTask {
          try await sync.sync(Self.folder) { () async throws(LocalTrouble) in try await gate.pass() }
          ended.with { $0 += 1 }
        }
      }
      // None of them may be served by the first one, so all of them have to wait now.
      for _ in 0..<50 { await Task.yield() }
      gate.open()
      try await eventually("the second sync runs") { gate.begun == 2 }
      #expect(ended.with { $0 } == 0)
      gate.open(20)
      try await group.waitForAll()
    }
    #expect(ended.with { $0 } == 20)
    // Those that had come by then share one; a straggler may need one more.
    #expect(gate.begun < 21, "syncs are shared")
  }

  @Test func anErrorReachesAllWhoWaitedForIt() async throws {
    let sync = FolderSync()
    let gate = Gate()
    @Sendable func outcome() async -> String {
      do throws(LocalTrouble) {
        try await sync.sync(Self.folder) { () async throws(LocalTrouble) in try await gate.pass() }
        return "fine"
      } catch {
        return error.isFatal ? error.error.code.rawValue : "not fatal"
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
    let thrown = try await trouble("the first") { () async throws(LocalTrouble) in
      try await sync.sync(Self.folder) { () async throws(LocalTrouble) in
        throw LocalTrouble(JobError(code: "once", message: "It failed."), isFatal: true)
      }
    }
    #expect(thrown.error.code == "once")
    try await sync.sync(Self.folder) { () async throws(LocalTrouble) in }
  }

  @Test func foldersDoNotWaitForOneAnother() async throws {
    let sync = FolderSync()
    let gate = Gate()
    async let first: Void = sync.sync(Self.folder) { () async throws(LocalTrouble) in try await gate.pass() }
    try await eventually("the first sync runs") { gate.begun == 1 }
    try await sync.sync(Self.other) { () async throws(LocalTrouble) in }
    gate.open()
    try await first
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
    let late = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<500 {
        group.addTask {
          for _ in 0..<(number % 7) { await Task.yield() }
          let came = tick()
          try await sync.sync(Self.folder) { () async throws(LocalTrouble) in
            let overlaps = isRunning.with { running in
              defer { running = true }
              return running
            }
            let began = tick()
            await Task.yield()
            isRunning.with { $0 = false }
            latest.with { $0 = overlaps ? -1_000_000 : max($0, began) }
          }
          return latest.with { $0 } > came ? 0 : 1
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(late == 0, "\(late) of 500 were served by a sync that had begun before, or two ran at once")
  }
}
