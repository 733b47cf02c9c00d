import Foundation
import Synchronization
import TestKit
import Testing

@testable import DropFolder

/// Work goes to the first idle thread of a fixed order.
@Suite(.timeLimit(.minutes(1))) struct WorkerThreadsTests {
  /// Which threads did something, in its order.
  private final class Seen: Sendable {
    private let threads = Mutex<[UInt]>([])
    func note() { threads.withLock { $0.append(UInt(pthread_self())) } }
    var all: [UInt] { threads.withLock { $0 } }
  }

  @Test func oneThreadDoesAllWhileThatIsEnough() async throws {
    let (threads, seen) = (WorkerThreads(atMost: 8), Seen())
    for round in 1...50 {
      threads.submit { seen.note() }
      try await eventually("it is done") { seen.all.count == round && threads.areIdle }
    }
    #expect(Set(seen.all).count == 1)
    await threads.end()
  }

  @Test func theFirstIsTakenAgainAsSoonAsItIsIdle() async throws {
    let (threads, seen, gate) = (WorkerThreads(atMost: 2), Seen(), DispatchSemaphore(value: 0))
    threads.submit {
      seen.note()
      gate.wait()
    }
    try await eventually("the first did something") { seen.all.count == 1 }
    threads.submit { seen.note() }
    try await eventually("both did something") { seen.all.count == 2 }
    gate.signal()
    try await eventually("both are done") { threads.areIdle }
    threads.submit { seen.note() }
    try await eventually("the third is done") { seen.all.count == 3 && threads.areIdle }
    #expect(seen.all[2] == seen.all[0])
    #expect(seen.all[1] != seen.all[0])
    await threads.end()
  }

  @Test func whatCannotBeginYetIsDoneByTheNextThatIsFree() async throws {
    let (threads, seen, gate) = (WorkerThreads(atMost: 2), Seen(), DispatchSemaphore(value: 0))
    for _ in 0..<2 { threads.submit { gate.wait() } }
    for _ in 0..<100 { threads.submit { seen.note() } }
    #expect(seen.all.isEmpty)
    gate.signal()
    try await eventually("one does it all") { seen.all.count == 100 }
    #expect(Set(seen.all).count == 1)
    gate.signal()
    await threads.end()
  }

  @Test func nothingIsLostAtTheEnd() async throws {
    let (threads, seen, gate) = (WorkerThreads(atMost: 2), Seen(), DispatchSemaphore(value: 0))
    for _ in 0..<2 { threads.submit { gate.wait() } }
    for _ in 0..<10 { threads.submit { seen.note() } }
    async let end: Void = threads.end()
    for _ in 0..<2 { gate.signal() }
    await end
    #expect(seen.all.count == 10)
    // There are no threads any more.
    threads.submit { seen.note() }
    #expect(seen.all.last == UInt(pthread_self()))
  }
}
