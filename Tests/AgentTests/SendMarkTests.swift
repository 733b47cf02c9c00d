import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Killed while it was submitting: a mark tells whether anything was sent.
  @Suite struct SendMarkTests {
    @Test func killedWhileConnectingItIsSentAgain() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang(sent: false) }
        try await bench.drop(names(8))
        #expect(bench.service.hanging == 8)
        #expect(try await bench.census()[.submitting] == 8)
        try await bench.kill()
        bench.service.onSubmit(nil)
        try await bench.start()
        try await bench.until("all are done") { try await $0.census()[.done] == 8 }
        #expect(bench.service.posts.count == 8)
        #expect(try bench.sidecar("p000")?.mayHaveBeenPaidTwice == false)
      }
    }

    @Test func killedAfterTheFirstByteItIsHeld() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { post, _ in .hang(sent: post.prompt != "p001") }
        try await bench.drop(names(3))
        try await bench.kill()
        bench.service.onSubmit(nil)
        try await bench.start()
        try await bench.until("the unsent one is done") { try await $0.state("p001") == .done }
        #expect(try await bench.census()[.held] == 2)
        #expect(bench.service.posts.count == 3)
        #expect(try bench.sidecar("p000")?.reason == "submission-outcome-unknown")
        // And once more: nothing changes by itself.
        try await bench.stop()
        try await bench.start()
        try await bench.pass(.seconds(600))
        #expect(bench.service.posts.count == 3)
      }
    }

    // A missing mark proves nothing.
    @Test func withoutMarksItIsHeld() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang(sent: false) }
        try await bench.drop("cat")
        try bench.copyState(to: "copy")
        try bench.place.remove("copy/send-marks")
        try await bench.kill()
        bench.service.onSubmit(nil)
        try await bench.start(state: "copy")
        try await bench.pass(.seconds(60))
        #expect(try await bench.reason("cat") == .submissionOutcomeUnknown)
        #expect(bench.service.posts.isEmpty)
      }
    }

    // Of an earlier boot of the machine: the mark may never have reached the disk.
    @Test func afterARebootItIsHeld() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang(sent: false) }
        try await bench.drop("cat")
        try await bench.kill()
        bench.service.onSubmit(nil)
        bench.bootID = "00000000-0000-4000-8000-00000000b008"
        try await bench.start()
        try await bench.pass(.seconds(60))
        #expect(try await bench.reason("cat") == .submissionOutcomeUnknown)
        #expect(bench.service.posts.isEmpty)
      }
    }

    @Test func aStopLetsAPostHearItsAnswer() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop(["cat", "dog"])
        await bench.process.pipeline.stop()
        try await bench.pass(.seconds(10))
        #expect(bench.process.ended.ending == nil)
        bench.service.release("cat", .accept())
        // The other one has half a minute, no more.
        try await bench.pass(.seconds(21))
        #expect(bench.process.ended.ending != nil)
        try await bench.stop()
        bench.service.onSubmit(nil)
        try await eventually("the watcher has ended") { inotifyDescriptors().isEmpty }
        try await bench.start()
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(try await bench.reason("dog") == .submissionOutcomeUnknown)
        #expect(bench.service.posts.count == 2)
      }
    }
  }
}
