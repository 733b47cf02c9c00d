import JobCore
import Synchronization
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A job's sidecar has one writer at a time, and the last state wins, however slow a write is.
  @Suite struct SidecarOrderTests {
    // The second prompt waits for its turn, and the sidecar that says so is slow: its turn comes meanwhile.
    @Test func aSlowWriteOfAnEarlierStateDoesNotReplaceALaterOne() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "a" ? .hang() : .accept() }
        try await bench.drop("a")
        try await bench.until("the first is on its way") { !$0.service.posts.isEmpty }
        let (barrier, waiting) = (Barrier(), bench.key("b"))
        bench.process.files.delay { call in
          if case .sidecar(waiting, .queued, durable: _) = call { barrier } else { nil }
        }
        try await bench.drop("b")
        try await bench.until("the second one's sidecar is being written") { _ in barrier.arrived > 0 }
        bench.service.release("a", .accept())
        try await bench.until("the first is done", within: .seconds(60)) { try await $0.state("a") == .done }
        try await bench.pass(.seconds(60))
        barrier.open()
        try await bench.until("the second is done", within: .seconds(60)) { try await $0.state("b") == .done }
        try await bench.pass(.seconds(60))
        #expect(try bench.sidecar("b")?.state == .done)
        #expect(bench.service.posts.count == 2)
      }
    }

    // While it is still being said that the file is empty, its text arrives: what was said of it before keeps it from nothing.
    @Test func aSlowWordAboutTheFileDoesNotWithdrawIt() async throws {
      try await AgentFixture.with { bench in
        let (barrier, key) = (Barrier(), bench.key("cat"))
        bench.process.files.delay { call in
          if case .sidecar(key, .queued, durable: false) = call { barrier } else { nil }
        }
        try await bench.drop("cat", text: "")
        try await bench.until("its sidecar is being written") { _ in barrier.arrived > 0 }
        try await bench.drop("cat", text: "a cat")
        try await bench.pass(.seconds(30))
        barrier.open()
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
        try await bench.pass(.seconds(60))
        #expect(try bench.sidecar("cat")?.state == .done)
        #expect(bench.service.posts.map(\.prompt) == ["a cat"])
      }
    }

    // Any write may be slow, and each ends at a time of its own.
    @Test(arguments: SplitMix64.seeds(6)) func whateverIsSlowTheLastStateWins(seed: UInt64) async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 3 }) { bench in
        let random = Mutex(SplitMix64(seed: seed))
        let barriers = Mutex<[Barrier]>([])
        bench.process.files.delay { call in
          guard case .sidecar = call, random.withLock({ $0.percent(40) }) else { return nil }
          let barrier = Barrier()
          barriers.withLock { $0.append(barrier) }
          return barrier
        }
        for name in names(12) { try await bench.drop(name) }
        for round in 0..<200 {
          if round % 20 == 19 { try await bench.drop("p00\(round / 20)", text: "text of round \(round)") }
          try await bench.pass(.milliseconds(random.withLock { Int64.random(in: 0..<2_000, using: &$0) }))
          let opened = barriers.withLock { waiting in
            waiting.isEmpty ? nil : waiting.remove(at: random.withLock { Int.random(in: waiting.indices, using: &$0) })
          }
          opened?.open()
        }
        bench.process.files.delay(nil)
        for barrier in barriers.withLock({ $0 }) { barrier.open() }
        try await bench.until("all are done", within: .seconds(600)) { try await $0.census()[.done] == 12 }
        try await bench.pass(.seconds(60))
        for name in names(12) {
          let (sidecar, job) = (try bench.sidecar(name), try await bench.job(name))
          #expect(sidecar?.state == .done && sidecar?.revision == job?.current, "\(name), seed \(seed)")
        }
        #expect(bench.service.paidTwice == [])
      }
    }

    // The sidecar of a waiting prompt is slow, and its turn comes: its submission waits for the sidecar that tells of it.
    @Test func whatIsSubmittedIsReportedBeforeItIsSent() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "a" ? .hang() : .accept() }
        try await bench.drop("a")
        try await bench.until("the first is on its way") { !$0.service.posts.isEmpty }
        let (barrier, waiting) = (Barrier(), bench.key("b"))
        bench.process.files.delay { call in
          if case .sidecar(waiting, .queued, durable: _) = call { barrier } else { nil }
        }
        try await bench.drop("b")
        try await bench.until("the second one's sidecar is being written") { _ in barrier.arrived > 0 }
        bench.service.onSubmit { post, _ in post.prompt == "a" ? .accept() : .hang() }
        bench.service.release("a", .accept())
        try await bench.until("the first is done", within: .seconds(60)) { try await $0.state("a") == .done }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1, "nothing is sent before its sidecar could be written")
        barrier.open()
        try await bench.until("the second is sent") { $0.service.posts.count == 2 }
        #expect(try bench.sidecar("b")?.state == .submitting)
        bench.service.release("b", .accept())
        try await bench.until("the second is done", within: .seconds(60)) { try await $0.state("b") == .done }
      }
    }

    // The sidecar that tells of the submission is slow, and its file becomes another meanwhile: what nobody wants any more is
    // not sent when the disk is quick again.
    @Test(arguments: [nil, "a dog"]) func whatBecameAnotherWhileTheDiskWasSlowIsNotSent(text: String?) async throws {
      try await AgentFixture.with { bench in
        let (barrier, key) = (Barrier(), bench.key("cat"))
        bench.process.files.delay { call in
          if case .sidecar(key, .submitting, durable: true) = call { barrier } else { nil }
        }
        try await bench.drop("cat", text: "a cat")
        try await bench.until("its intent is being written") { _ in barrier.arrived > 0 }
        if let text { try await bench.drop("cat", text: text) } else { try await bench.delete("cat") }
        try await bench.pass(.seconds(30))
        barrier.open()
        if let text {
          try await bench.until("the new text is made", within: .seconds(60)) { try await $0.state("cat") == .done }
          #expect(bench.service.posts.map(\.prompt) == [text])
        } else {
          try await bench.until("it is given up", within: .seconds(60)) { try await $0.state("cat") == .cancelled }
          #expect(bench.service.posts.isEmpty)
        }
      }
    }

    // The same disk, and a file that nobody touched: it is sent, once.
    @Test func whatIsStillTheSameIsSent() async throws {
      try await AgentFixture.with { bench in
        let (barrier, key) = (Barrier(), bench.key("cat"))
        bench.process.files.delay { call in
          if case .sidecar(key, .submitting, durable: true) = call { barrier } else { nil }
        }
        try await bench.drop("cat")
        try await bench.until("its intent is being written") { _ in barrier.arrived > 0 }
        try await bench.pass(.seconds(30))
        barrier.open()
        try await bench.until("it is made", within: .seconds(60)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
        #expect(try await bench.slots("cat").first?.attempts.count == 1)
      }
    }
  }
}
