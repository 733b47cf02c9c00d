import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A reference image that changes while its prompt waits.
  @Suite struct ChangedReferenceTests {
    // One picture was begun with the former image, and the other begins with the present one: what is in hand, the sidecar
    // and the journal tell the same.
    @Test func whatWasBegunWithTheFormerImageStaysReported() async throws {
      let (former, present) = (SmallPNG.square([1, 2, 3]), SmallPNG.square([4, 5, 6]))
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.tasksTake(.seconds(60))
        try bench.place.write("root/a.png", bytes: former)
        try await bench.drop("cat", text: "---\ncount: 2\nimages: [a.png]\n---\ncat")
        try await bench.until("one is sent") { $0.service.posts.count == 1 }
        let before = try #require(try await bench.job("cat"))
        try bench.place.write("root/a.png", bytes: present)
        try await bench.until("both are done", within: .seconds(300)) { try await $0.state("cat") == .done }
        #expect(bench.service.posts.count == 2)
        let job = try #require(try await bench.job("cat"))
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(job.revisions[1]?.snapshot.images == before.revisions[1]?.snapshot.images)
        #expect(sidecar.snapshot?.images == job.revisions[1]?.snapshot.images)
        #expect(sidecar.identity?.request == job.revisions[1]?.identity.request)
        // Which of the two was sent with which image is in the attempts.
        let sent = sidecar.attempts.compactMap(\.attempt.requestSHA)
        #expect(sent.count == 2 && Set(sent).count == 2)
        #expect(sent.contains { $0 == job.revisions[1]?.identity.request })
      }
    }

    // Nothing was begun: the revision is what is sent.
    @Test func whatWasNotBegunIsTakenWithThePresentImage() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .unreachable }
        try bench.place.write("root/a.png", bytes: SmallPNG.square([1, 2, 3]))
        try await bench.drop("cat", text: "---\nimages: [a.png]\n---\ncat")
        try await bench.pass(.seconds(5))
        let before = try #require(try await bench.job("cat"))
        try bench.place.write("root/a.png", bytes: SmallPNG.square([4, 5, 6]))
        bench.service.onSubmit(nil)
        try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
        let job = try #require(try await bench.job("cat"))
        let sidecar = try #require(try bench.sidecar("cat"))
        #expect(job.revisions[1]?.snapshot.images != before.revisions[1]?.snapshot.images)
        #expect(sidecar.snapshot?.images == job.revisions[1]?.snapshot.images)
        #expect(sidecar.attempts.last?.attempt.requestSHA == job.revisions[1]?.identity.request)
      }
    }
  }
}
