import JobCore
import Synchronization
import TestKit
import Testing

extension Pipelines {
  /// The sidecar is the second copy of a task's id: synced, and for those tasks only that do not end at once.
  @Suite struct SoonSidecarTests {
    private struct Write: Equatable {
      var state: StateName?
      var isDurable: Bool
    }
    /// The sidecars that were to be written, in order.
    private final class Writes: Sendable {
      private let all = Mutex<[Write]>([])
      var states: [StateName?] { all.withLock { $0.map(\.state) } }
      func count(_ state: StateName, durable: Bool) -> Int {
        all.withLock { $0.count { $0 == Write(state: state, isDurable: durable) } }
      }
      /// Keeps a call, and lets it fail as long as `isBroken` says so.
      func watch(_ bench: AgentFixture, failing isBroken: @escaping @Sendable (StateName?) -> Bool = { _ in false }) {
        bench.process.files.fail { call in
          guard case .sidecar(_, let state, let durable) = call else { return nil }
          self.all.withLock { $0.append(Write(state: state, isDurable: durable)) }
          return isBroken(state) ? .full : nil
        }
      }
    }

    @Test func aTaskThatEndsAtOnceHasNone() async throws {
      try await AgentFixture.with(settings: { $0.policy.firstQueryDelay = .zero }) { bench in
        let writes = Writes()
        writes.watch(bench)
        try await bench.drop("cat")
        try await bench.until("it is made") { try await $0.state("cat") == .done }
        try await bench.pass(.seconds(5))
        #expect(writes.states == [.submitting, .done])
      }
    }

    @Test func aTaskThatTakesLongerHasOneThatIsSynced() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(60))
        let writes = Writes()
        writes.watch(bench)
        try await bench.drop("cat")
        try await bench.until("it is accepted") { try await $0.state("cat") == .submitted }
        try await bench.pass(.milliseconds(300))
        #expect(writes.count(.submitted, durable: true) == 1)
        #expect(try bench.sidecar("cat")?.attempts.last?.attempt.taskID != nil)
        try await bench.until("it is made", within: .seconds(120)) { try await $0.state("cat") == .done }
        #expect(writes.count(.submitted, durable: true) == 1)
      }
    }

    // The disk is full for a while: what is written then is synced all the same.
    @Test func whatFailedIsStillSynced() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(3600))
        let writes = Writes()
        let isFull = Mutex(true)
        writes.watch(bench) { state in state == .submitted && isFull.withLock { $0 } }
        try await bench.drop("cat")
        try await bench.until("it failed twice", within: .seconds(300)) { _ in
          writes.count(.submitted, durable: true) > 1
        }
        isFull.withLock { $0 = false }
        try await bench.until("it is written", within: .seconds(120)) { try $0.sidecar("cat")?.state == .submitted }
        #expect(writes.count(.submitted, durable: false) == 0)
      }
    }

    // What the process had not shown yet is shown at its end.
    @Test func aStopWritesItAtOnce() async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(3600))
        try await bench.drop("cat")
        try await bench.until("it is accepted") { try await $0.state("cat") == .submitted }
        try await bench.stop()
        #expect(try bench.sidecar("cat")?.state == .submitted)
      }
    }
  }
}
