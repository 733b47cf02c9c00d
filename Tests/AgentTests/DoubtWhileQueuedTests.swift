import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// A control file in doubt beside a prompt that was taken already, and is not sent yet.
  @Suite struct DoubtWhileQueuedTests {
    private static let link = "https://example.org/1.png"

    // What was dropped is in the queue, and nothing can be sent.
    private func queue(_ bench: AgentFixture, _ name: String, text: String? = nil) async throws {
      bench.service.onSubmit { _, _ in .unreachable }
      try await bench.drop(name, text: text)
      try await bench.pass(.seconds(5))
      #expect(try await bench.state(name) == .queued)
    }

    @Test(arguments: [("cat.images", ""), ("cat.images.txt", link)])
    func aListInDoubtHoldsWhatIsUnsent(name: String, content: String) async throws {
      try await AgentFixture.with { bench in
        try await queue(bench, "cat")
        try bench.place.write("root/\(name)", content)
        let reason = content.isEmpty ? HeldReason.controlFileEmpty : .controlFileUnclear
        try await bench.until("it waits for its list") { try $0.sidecar("cat")?.reason == reason.rawValue }
        bench.service.onSubmit(nil)
        try await bench.pass(.seconds(900))
        #expect(bench.service.tasks.isEmpty && bench.service.paidTwice == [])
        #expect(try await bench.state("cat") == .held)
        try bench.place.remove("root/\(name)")
        try bench.place.write("root/cat.images", Self.link)
        try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
        #expect(bench.service.tasks.count == 1)
        let job = try #require(try await bench.job("cat"))
        #expect(job.revisions[job.current]?.snapshot.images.compactMap(\.url) == [Self.link])
      }
    }

    @Test func withoutTheListItsPlaceInTheQueueComesBack() async throws {
      try await AgentFixture.with { bench in
        try await queue(bench, "cat")
        try bench.place.write("root/cat.images", "")
        try await bench.until("it waits") { try $0.sidecar("cat")?.reason == HeldReason.controlFileEmpty.rawValue }
        bench.service.onSubmit(nil)
        try await bench.pass(.seconds(120))
        #expect(bench.service.tasks.isEmpty)
        try bench.place.remove("root/cat.images")
        try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
        #expect(bench.service.tasks.count == 1)
      }
    }

    // The approval went with the note when the file was taken.
    @Test(arguments: [false, true]) func whatWasApprovedIsSentThoughItIsTouched(hold: Bool) async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/cat.images.txt", Self.link)
        try await bench.drop("cat")
        try await bench.until("held") { try await $0.state("cat") == .held }
        bench.service.onSubmit { _, _ in .unreachable }
        #expect(await bench.ask(.approve, ["cat.prompt"]).oks == [true])
        try await bench.until("taken") { try await $0.job("cat")?.current == 1 }
        try await bench.drop("cat", text: hold ? "---\nhold: true\n---\ncat" : "cat\n")
        try await bench.pass(.seconds(30))
        bench.service.onSubmit(nil)
        if hold {
          try await bench.pass(.seconds(600))
          #expect(try await bench.reason("cat") == .asked && bench.service.tasks.isEmpty)
        } else {
          try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
          #expect(bench.service.tasks.count == 1)
        }
      }
    }

    @Test func morePicturesOfAnEarlierTextWaitForItsList() async throws {
      try await AgentFixture.with { bench in
        for text in ["a cat", "a dog"] {
          try await bench.drop("cat", text: text)
          try await bench.until("\(text) is done") { try $0.hasPicture("cat", of: text) }
        }
        try bench.place.write("root/cat.images", "")
        try await bench.drop("cat", text: "---\ncount: 3\n---\na cat")
        try await bench.pass(.seconds(300))
        #expect(bench.service.posts.count == 2)
        #expect(try bench.sidecar("cat")?.reason == HeldReason.controlFileEmpty.rawValue)
        try bench.place.remove("root/cat.images")
        try await bench.until("the others are made") { $0.service.posts.count == 4 }
      }
    }

    @Test func whatASidecarTellsIsUnsentWaitsForItsList() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, n in n == 1 ? .accept() : .unreachable }
        try await bench.drop("cat", text: "---\ncount: 2\n---\ncat")
        try await bench.pass(.seconds(60))
        #expect(try await bench.words("cat") == ["done", "queued"])
        try await bench.stop()
        bench.service.onSubmit(nil)
        try bench.place.write("root/cat.images", "")
        try await bench.start(state: "none")
        try await bench.pass(.seconds(300))
        #expect(bench.service.tasks.count == 1)
        #expect(try bench.sidecar("cat")?.reason == HeldReason.controlFileEmpty.rawValue)
        try bench.place.remove("root/cat.images")
        try await bench.until("the other is made", within: .seconds(900)) {
          try await $0.words("cat") == ["done", "done"]
        }
        #expect(bench.service.tasks.count == 2)
      }
    }
  }
}
