import JobCore
import Synchronization
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// The machine's trouble is not the job's fault either. That nothing is posted that was not recorded is checked by every
  /// bench at its end.
  @Suite struct LocalTroubleTests {
    // A prompt to its picture takes some ten commits; each of them is the first of three that fail.
    @Test(arguments: 0..<14) func theJournalIsFullForAWhile(index: Int) async throws {
      try await AgentFixture.with(settings: { $0.callbackBase = "https://drop.example" }) { bench in
        let start = bench.process.journal.commits
        bench.process.journal.fail { commit, _ in
          (start + index..<start + index + 3).contains(commit) ? .full("no space") : nil
        }
        try await bench.drop(["cat", "dog"])
        try await bench.until("both are done", within: .seconds(300)) { try await $0.census()[.done] == 2 }
        #expect(bench.service.posts.count == 2)
        if bench.process.journal.commits >= start + index + 3 { #expect(bench.notices.count("journal-full") == 3) }
      }
    }

    @Test func fullForAnHourThenWellWithinAMinute() async throws {
      try await AgentFixture.with { bench in
        bench.process.journal.fail { _, _ in .full("no space") }
        try await bench.drop(names(20))
        try await bench.pass(.seconds(3600))
        #expect(bench.service.posts.isEmpty)
        #expect(await bench.ask(.status).stopReasons == ["journal-full"])
        bench.process.journal.fail(nil)
        let start = bench.clock.monotonic
        try await bench.until("they are sent", within: .seconds(60)) { $0.service.posts.count == 20 }
        #expect(bench.clock.monotonic - start <= .seconds(60))
        try await bench.until("all are done") { try await $0.census()[.done] == 20 }
      }
    }

    // The disk fills up between the POST and its answer.
    @Test func aTaskIDThatCannotBeWrittenIsKept() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop("cat")
        bench.process.journal.fail { _, _ in .full("no space") }
        bench.service.release("cat", .accept())
        try await bench.pass(.seconds(3600))
        #expect(try await bench.state("cat") == .submitting)
        bench.process.journal.fail(nil)
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    // And the process is stopped before there is room again.
    @Test func orGoesIntoTheSidecarBeforeAStop() async throws {
      try await AgentFixture.with(settings: { $0.stopTimeout = .seconds(20) }) { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop("cat")
        bench.process.journal.fail { _, _ in .full("no space") }
        bench.service.release("cat", .accept())
        try await bench.settle()
        try await bench.stop()
        #expect(bench.notices.count("task-not-recorded") == 1)
        #expect(try bench.sidecar("cat")?.taskID(slot: 1) == bench.service.task("cat")?.id)
        bench.service.onSubmit(nil)
        try await bench.start()
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    // Something else meets the full disk first; the answer comes while that waits.
    @Test(arguments: [true, false]) func alsoBehindAnotherChangeThatWaits(stopped: Bool) async throws {
      try await AgentFixture.with(settings: { $0.stopTimeout = .seconds(20) }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "cat" ? .hang() : .accept() }
        try await bench.drop("cat")
        bench.process.journal.fail { _, _ in .full("no space") }
        try await bench.drop("dog")
        bench.service.release("cat", .accept())
        try await bench.settle()
        if stopped { try await bench.stop() } else { try await bench.kill() }
        #expect(try bench.sidecar("cat")?.taskID(slot: 1) == bench.service.task("cat")?.id)
        bench.service.onSubmit(nil)
        try await bench.start()
        try await bench.until("done", within: .seconds(60)) { try await $0.census()[.done] == 2 }
        #expect(bench.service.posts.count == 2)
      }
    }

    // A picture is being put in place, and a start that has something to write, while the disk is full.
    @Test func aStopIsHeardWhileTheJournalIsFull() async throws {
      try await AgentFixture.with(settings: { $0.stopTimeout = .seconds(20) }) { bench in
        bench.service.onFetch { _ in .transient(JobError(code: "later", message: "Later."), retryAfter: nil) }
        try await bench.drop("cat", text: "---\ncount: 2\n---\ncat")
        try await bench.until("its pictures are being fetched") { !$0.service.fetches.isEmpty }
        bench.service.onFetch(nil)
        bench.process.journal.fail { _, _ in .full("no space") }
        try await bench.pass(.seconds(30))
        try await bench.stop()
        try await bench.start()
        try await bench.until("done", within: .seconds(600)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 2)
      }
    }

    // Of many prompts in a folder that cannot be written, a few try; another folder is not kept waiting.
    @Test func aFolderThatCannotBeWrittenIsTriedNowAndThen() async throws {
      try await AgentFixture.with(roots: ["a", "b"]) { bench in
        bench.process.files.fail { call in
          if case .sidecar(let file, .submitting, durable: true) = call, file.root == RootID(1) { .full } else { nil }
        }
        try await bench.drop(names(300))
        try await bench.pass(.seconds(5))
        let start = bench.process.journal.commits
        try await bench.pass(.seconds(600))
        #expect(bench.process.journal.commits - start < 20 * 2 * 40, "not each of them every half minute")
        try await bench.drop(["dog"], root: 2)
        try await bench.until("done", within: .seconds(30)) { try await $0.state("dog", root: 2) == .done }
        bench.process.files.fail(nil)
        let mended = bench.clock.monotonic
        try await bench.until("they are sent", within: .seconds(60)) { $0.service.posts.count > 1 }
        #expect(bench.clock.monotonic - mended <= .seconds(60))
        try await bench.until("all are done", within: .seconds(900)) { try await $0.census()[.done] == 301 }
      }
    }

    // Out of descriptors for a moment: the prompt did not fail.
    @Test func aSidecarThatCannotBeReadIsNoneOfTheirFault() async throws {
      try await AgentFixture.with { bench in
        bench.process.files.fail { call in if case .readSidecar = call { .machine } else { nil } }
        try await bench.drop("cat")
        try await bench.pass(.seconds(45))
        #expect(try await bench.state("cat") == .queued && bench.service.posts.isEmpty)
        bench.process.files.fail(nil)
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
      }
    }

    // The journal breaks for good in that moment: the sidecar has the id, and the next start finds it there.
    @Test func orGoesIntoTheSidecar() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .hang() }
        try await bench.drop("cat")
        bench.process.journal.fail { _, _ in .broken("I/O error") }
        bench.service.release("cat", .accept())
        try await bench.until("it ends", within: .seconds(60)) { $0.process.ended.ending != nil }
        guard case .fatal? = bench.process.ended.ending else {
          Issue.record("\(String(describing: bench.process.ended.ending))")
          return
        }
        #expect(bench.notices.count("task-not-recorded") == 1)
        bench.service.onSubmit(nil)
        try await bench.start()
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func aSubmissionThatCannotBeShownIsNotSent() async throws {
      try await AgentFixture.with { bench in
        bench.process.files.fail { call in
          if case .sidecar(_, .submitting, durable: true) = call { return .full }
          return nil
        }
        try await bench.drop(names(5))
        try await bench.pass(.seconds(600))
        #expect(bench.service.posts.isEmpty)
        #expect(try await bench.census()[.queued] == 5)
        bench.process.files.fail(nil)
        try await bench.until("all are done", within: .seconds(90)) { try await $0.census()[.done] == 5 }
        #expect(bench.service.posts.count == 5)
      }
    }

    enum Place: CaseIterable { case stage, append, finish, rename, finalSidecar }

    @Test(arguments: Place.allCases) func aPictureThatCannotBeWrittenIsWrittenLater(_ place: Place) async throws {
      try await AgentFixture.with { bench in
        bench.process.files.fail { call in
          switch (place, call) {
          case (.stage, .stage), (.append, .append), (.finish, .finish), (.rename, .rename): .full
          case (.finalSidecar, .sidecar(_, .done, durable: true)): .full
          default: nil
          }
        }
        try await bench.drop("cat")
        try await bench.pass(.seconds(7200))
        #expect(try await bench.state("cat") == .fetching, "a full disk uses up no tries")
        bench.process.files.fail(nil)
        try await bench.until("done", within: .seconds(60)) { try await $0.state("cat") == .done }
        #expect(try bench.hasPicture("cat"))
        #expect(bench.service.posts.count == 1)
        #expect(try bench.place.list("root").filter { $0.contains(".tmp") } == [])
        #expect(try bench.place.list("root").filter { $0.hasSuffix(".png") } == ["cat.png"])
      }
    }

    // Said once and for as long as it lasts, not for each picture and each try.
    @Test func aFullDiskShowsInStatus() async throws {
      try await AgentFixture.with(roots: ["a", "b"]) { bench in
        bench.process.files.fail { call in if case .finish = call { .full } else { nil } }
        try await bench.drop(names(8))
        try await bench.pass(.seconds(600))
        let reply = await bench.ask(.status)
        let stop = try #require(reply.status?.stops.first { $0.reason == "disk-full" })
        #expect(
          stop.message.contains(bench.place.path("a")) && stop.hint?.contains("Free some space") == true, "\(stop)")
        #expect(reply.status?.in_flight.count == 8)
        #expect(reply.status?.in_flight.allSatisfy { $0.message != nil } == true)
        #expect(bench.notices.count("disk-full") == 1)
        bench.process.files.fail(nil)
        try await bench.until("all are done", within: .seconds(120)) { try await $0.census()[.done] == 8 }
        #expect(await bench.ask(.status).status?.stops.isEmpty == true)
        #expect(bench.service.posts.count == 8)
      }
    }

    // What is in the folder is no longer known: it ends, and the next one goes on.
    @Test func aFolderThatDoesNotSyncEndsIt() async throws {
      try await AgentFixture.with { bench in
        bench.process.files.fail { call in
          if case .syncFolder = call { return .lost }
          return nil
        }
        try await bench.drop(names(3))
        try await bench.until("it ends", within: .seconds(60)) { $0.process.ended.ending != nil }
        guard case .fatal? = bench.process.ended.ending else {
          Issue.record("\(String(describing: bench.process.ended.ending))")
          return
        }
        try await bench.start()
        try await bench.until("all are done") { try await $0.census()[.done] == 3 }
        #expect(bench.service.paidTwice == [])
        #expect(bench.service.posts.count == 3)
      }
    }

    @Test func aSubmittingSidecarThatIsFatalEndsItUnsent() async throws {
      try await AgentFixture.with { bench in
        bench.process.files.fail { call in
          if case .sidecar(_, .submitting, durable: true) = call { return .lost }
          return nil
        }
        try await bench.drop("cat")
        try await bench.until("it ends", within: .seconds(60)) { $0.process.ended.ending != nil }
        #expect(bench.service.posts.isEmpty)
        try await bench.start()
        // Its mark says that nothing was sent.
        try await bench.until("done") { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 1)
      }
    }

    // Random faults of the disk, here and there, for an hour; then it is well.
    @Test(arguments: SplitMix64.seeds(4)) func manyFaults(seed: UInt64) async throws {
      try await AgentFixture.with(settings: { $0.callbackBase = "https://drop.example" }) { bench in
        let random = Mutex(SplitMix64(seed: seed))
        bench.process.journal.fail { _, _ in random.withLock { $0.percent(20) } ? .full("no space") : nil }
        bench.process.files.fail { _ in random.withLock { $0.percent(20) } ? .full : nil }
        bench.service.onSubmit { post, n in post.prompt == "p003" && n == 1 ? .unreachable : .accept() }
        for name in names(16) { try await bench.drop(name) }
        try await bench.pass(.seconds(3600))
        bench.process.journal.fail(nil)
        bench.process.files.fail(nil)
        try await bench.until("all are done", within: .seconds(120)) { try await $0.census()[.done] == 16 }
        #expect(bench.service.paidTwice == [], "seed \(seed)")
        #expect(bench.service.tasks.count == 16)
        for name in names(16) { #expect(try bench.sidecar(name)?.state == .done) }
      }
    }
  }
}
