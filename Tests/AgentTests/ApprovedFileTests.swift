import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A file that is held before it is taken: a person's word takes it as it stands.
  @Suite struct ApprovedFileTests {
    private static let copy = "cat.sync-conflict-20260131-101500-ABCDEFG"

    @Test func aConflictCopyIsTakenOnceApproved() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        #expect(try bench.sidecar(Self.copy)?.reason == HeldReason.conflictCopy.rawValue)
        #expect(await bench.ask(.approve).files.isEmpty, "everything that waits does not mean one of two copies")
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        try await bench.until("done") { try await $0.state(Self.copy) == .done }
        #expect(bench.service.posts.count == 1)
        // It is a prompt like any other from now on.
        try await bench.drop(Self.copy, text: "another text")
        try await bench.until("both texts are made") { $0.service.posts.count == 2 }
      }
    }

    @Test func anApprovalWhereNoAgentRunsIsKept() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        try await bench.stop()
        try await bench.startOffline()
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        #expect(try bench.sidecar(Self.copy)?.state == .queued)
        try await bench.start()
        try await bench.until("done") { try await $0.state(Self.copy) == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func whatWasApprovedAndWentBeforeAnAgentRanIsForgotten() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        try await bench.stop()
        try await bench.startOffline()
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        try await bench.stop()
        try bench.place.remove("root/\(Self.copy).prompt")
        try await bench.start()
        try await bench.until("nothing waits") { try await $0.census().isEmpty }
        #expect(try bench.sidecar(Self.copy) == nil)
        #expect(bench.service.posts.isEmpty)
      }
    }

    // A mount point whose disk is not mounted yet is an empty folder on another device.
    @Test func whatIsOnADiskThatIsNotMountedYetIsNotForgotten() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        try await bench.stop()
        try await bench.startOffline()
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        let journal = bench.process.journal.inner
        let job = try #require(try await bench.job(Self.copy))
        var note = try #require(job.note)
        note.approval?.prompt.device += 1
        let change = JournalChange.note(job: job.id, file: job.file, note, stamp: nil, at: bench.clock.wallClock)
        #expect(try await journal.commit([change]) == [.applied])
        try await bench.stop()
        try bench.place.remove("root/\(Self.copy).prompt")
        try await bench.start()
        try await bench.pass(.seconds(60))
        #expect(try await bench.job(Self.copy)?.note?.approval == note.approval)
        // It has other prompts: it is mounted, and that one is gone.
        try await bench.drop("other")
        bench.process.watcher.rescan()
        try await bench.until("it is missed") { try await $0.job(Self.copy) == nil }
      }
    }

    // A root that is not there says nothing about what is in it; once it is back it does.
    @Test func whatWentWhileItsRootWasAwayIsForgottenOnceThatIsBack() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        try await bench.stop()
        try await bench.startOffline()
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        try await bench.stop()
        try bench.place.rename("root", to: "away")
        try await bench.start()
        try await bench.pass(.seconds(60))
        #expect(try await bench.state(Self.copy) == .queued)
        try bench.place.remove("away/\(Self.copy).prompt")
        let (watcher, scans) = (bench.process.watcher, bench.process.watcher.scans(RootID(1)))
        try bench.place.rename("away", to: "root")
        try await eventually("the root is looked through") { watcher.scans(RootID(1)) > scans }
        try await bench.until("it is missed") { try await $0.job(Self.copy) == nil }
        #expect(bench.service.posts.isEmpty)
      }
    }

    @Test func whatChangedSinceItWasHeldIsNotApprovedUnseen() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        try await bench.stop()
        try await bench.startOffline()
        try bench.place.write("root/\(Self.copy).prompt", "a text that nobody has seen")
        let reply = await bench.ask(.approve, ["\(Self.copy).prompt"])
        #expect(reply.oks == [false] && reply.files[0].message.contains("changed since it was held"))
        try await bench.start()
        try await bench.pass(.seconds(60))
        #expect(try await bench.state(Self.copy) == .held && bench.service.posts.isEmpty)
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        try await bench.until("done") { try await $0.state(Self.copy) == .done }
      }
    }

    @Test func anApprovalIsOfTheFileAsItStoodThen() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop(Self.copy)
        try await bench.until("it is held") { try await $0.state(Self.copy) == .held }
        try await bench.stop()
        try await bench.startOffline()
        #expect(await bench.ask(.approve, ["\(Self.copy).prompt"]).oks == [true])
        try bench.place.write("root/\(Self.copy).prompt", "a text that nobody approved")
        try await bench.start()
        try await bench.pass(.seconds(60))
        #expect(try await bench.state(Self.copy) == .held)
        #expect(bench.service.posts.isEmpty)
      }
    }
  }
}
