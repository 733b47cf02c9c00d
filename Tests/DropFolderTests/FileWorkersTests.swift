import Foundation
import JobCore
import NIOCore
import NIOPosix
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// One thread does what is short, and others are there when it is held up.
@Suite(.timeLimit(.minutes(1))) struct FileWorkersTests {
  // Enough for all that is held up at a time, in all tests.
  private static let pool = WorkerThreads(atMost: 8)
  private let workers = FileWorkers(Self.pool)

  /// Threads that did something.
  private final class Seen: Sendable {
    private let state = Mutex<(threads: Set<UInt>, pieces: Int)>(([], 0))
    func note() {
      state.withLock { state in
        state.threads.insert(UInt(pthread_self()))
        state.pieces += 1
      }
    }
    var threads: Int { state.withLock { $0.threads.count } }
    var pieces: Int { state.withLock { $0.pieces } }
  }

  @Test func everyPieceIsDoneOnce() async throws {
    let seen = Seen()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<2000 {
        group.addTask {
          await withCheckedContinuation { continuation in
            workers.submit(number % 7 == 0 ? .long : .short) {
              if number % 5 == 0 { workers.holdingUp { _ = sched_yield() } }
              seen.note()
              continuation.resume()
            }
          }
        }
      }
    }
    #expect(seen.pieces == 2000)
  }

  @Test func whatIsShortWakesOneThread() async throws {
    let (seen, gate) = (Seen(), DispatchSemaphore(value: 0))
    // The first is held up until the others wait: were more threads woken for those, they would be done.
    workers.submit(.short) { gate.wait() }
    for _ in 0..<10 { workers.submit(.short) { seen.note() } }
    for _ in 0..<1000 { await Task.yield() }
    #expect(seen.pieces == 0)
    gate.signal()
    try await eventually("all are done") { seen.pieces == 10 }
    #expect(seen.threads == 1)
  }

  @Test func whatIsHeldUpHoldsNothingElseUp() async throws {
    let (seen, gate) = (Seen(), DispatchSemaphore(value: 0))
    workers.submit(.short) { workers.holdingUp { gate.wait() } }
    workers.submit(.short) { seen.note() }
    try await eventually("the second is done") { seen.pieces == 1 }
    workers.submit(.long) { gate.wait() }
    workers.submit(.short) { seen.note() }
    try await eventually("the fourth is done") { seen.pieces == 2 }
    gate.signal()
    gate.signal()
  }

  // Nobody has said so, and still it lasts.
  @Test func muchWorkWakesMoreThreads() async throws {
    let (seen, gate) = (Seen(), DispatchSemaphore(value: 0))
    workers.submit(.short) { gate.wait() }
    for _ in 0..<100 { workers.submit(.short) { seen.note() } }
    // The last few do not count as much: who has done the others may rest before they come.
    try await eventually("most of the others are done") { seen.pieces >= 84 }
    gate.signal()
    try await eventually("all are done") { seen.pieces == 100 }
  }

  private static let (root, other) = (RootID(1), RootID(2))

  /// Workers which have seen that syncs take no time. `patience`: as a rule so long that nobody is taken for one who hangs.
  private func fastWorkers(_ loop: (any EventLoop)? = nil, patience: TimeAmount = .hours(1)) -> FileWorkers {
    let workers = FileWorkers(Self.pool, loop: loop, patience: patience)
    for _ in 0..<20 { workers.syncing(Self.root) {} }
    return workers
  }

  @Test func whereSyncsAreFastSomeWorkWakesNoMoreThreads() async throws {
    let (workers, seen, gate) = (fastWorkers(), Seen(), DispatchSemaphore(value: 0))
    workers.submit(.local) { gate.wait() }
    for _ in 0..<60 { workers.submit(.local) { workers.syncing(Self.root) { seen.note() } } }
    for _ in 0..<1000 { await Task.yield() }
    #expect(seen.pieces == 0)
    gate.signal()
    try await eventually("all are done") { seen.pieces == 60 }
    #expect(seen.threads == 1)
  }

  @Test func alsoWhereSyncsAreFastVeryMuchWorkWakesAnotherThread() async throws {
    let (workers, seen, gate) = (fastWorkers(), Seen(), DispatchSemaphore(value: 0))
    workers.submit(.local) { gate.wait() }
    for _ in 0..<100 { workers.submit(.local) { seen.note() } }
    try await eventually("what is too much for one is done") { seen.pieces >= 36 }
    gate.signal()
    try await eventually("all are done") { seen.pieces == 100 }
  }

  @Test func whatMayTakeLongWaitsBehindNothing() async throws {
    let (workers, seen, gate) = (fastWorkers(), Seen(), DispatchSemaphore(value: 0))
    workers.submit(.local) { gate.wait() }
    workers.submit(.long) { seen.note() }
    try await eventually("the second is done") { seen.pieces == 1 }
    gate.signal()
  }

  @Test func slowSyncsOfOneRootAreKnownAmongFastOnesOfAnother() async throws {
    let (workers, seen, gate) = (fastWorkers(), Seen(), DispatchSemaphore(value: 0))
    for _ in 0..<8 {
      workers.syncing(Self.other) { _ = usleep(1000) }
      for _ in 0..<3 { workers.syncing(Self.root) {} }
    }
    workers.submit(.local) { workers.syncing(Self.other) { gate.wait() } }
    workers.submit(.local) { seen.note() }
    try await eventually("the second is done") { seen.pieces == 1 }
    gate.signal()
  }

  /// What happened on a loop, in its order.
  private final class Order: Sendable {
    private let state = Mutex<[String]>([])
    func note(_ what: String) { state.withLock { $0.append(what) } }
    var all: [String] { state.withLock { $0 } }
  }

  @Test func aTurnOfTheLoopIsOneBatchThereAndBack() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let (workers, seen, order) = (fastWorkers(loop), Seen(), Order())
    let early = try await loop.submit {
      for number in 0..<10 {
        workers.submit(.local) {
          seen.note()
          workers.finish {
            // What is put off by the first comes after all that the loop was woken for.
            if number == 0 { loop.execute { order.note("next") } }
            order.note("result")
          }
        }
      }
      for _ in 0..<1000 { sched_yield() }
      return seen.pieces
    }.get()
    #expect(early == 0, "the turn had not ended")
    try await eventually("all came back") { order.all.count == 11 }
    #expect(seen.threads == 1)
    #expect(order.all == Array(repeating: "result", count: 10) + ["next"])
  }

  @Test func resultsDoNotWaitForWhatIsHeldUp() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let (workers, order, gate) = (fastWorkers(loop), Order(), DispatchSemaphore(value: 0))
    try await loop.submit {
      workers.submit(.local) { workers.finish { order.note("short") } }
      workers.submit(.long) {
        gate.wait()
        workers.finish { order.note("long") }
      }
    }.get()
    try await eventually("the first came back") { order.all == ["short"] }
    try await loop.submit {
      workers.submit(.local) {
        workers.finish { order.note("before") }
        workers.holdingUp { gate.wait() }
      }
    }.get()
    try await eventually("what was done before came back") { order.all == ["short", "before"] }
    gate.signal()
    gate.signal()
    try await eventually("all came back") { order.all.count == 3 }
  }

  // Nobody has said that it may take long; more often than there are threads, so that each is there again afterwards.
  @Test func aPieceThatHangsStopsNothingElse() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let (workers, order) = (fastWorkers(loop, patience: .milliseconds(1)), Order())
    for round in 0..<20 {
      let (seen, gate) = (Seen(), DispatchSemaphore(value: 0))
      try await loop.submit {
        workers.submit(.local) { workers.finish { order.note("ready") } }
        workers.submit(.local) {
          gate.wait()
          seen.note()
          workers.finish { order.note("late") }
        }
        for _ in 0..<3 { workers.submit(.local) { workers.finish { order.note("other") } } }
      }.get()
      try await eventually("all others came back") { order.all.count == 5 * round + 4 }
      #expect(seen.pieces == 0)
      gate.signal()
      try await eventually("it came back too") { order.all.count == 5 * round + 5 }
    }
  }

  @Test func resultsDoNotWaitForTheLastPieceThatHangs() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let (workers, order, gate) = (fastWorkers(loop, patience: .milliseconds(1)), Order(), DispatchSemaphore(value: 0))
    try await loop.submit {
      workers.submit(.local) { workers.finish { order.note("ready") } }
      workers.submit(.local) {
        gate.wait()
        workers.finish { order.note("late") }
      }
    }.get()
    try await eventually("the first came back") { order.all == ["ready"] }
    gate.signal()
    try await eventually("both came back") { order.all == ["ready", "late"] }
  }
}
