import Foundation
import JobCore
import PromptFile
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Image lists and folder defaults that are not quite named as such, or have nothing in them yet.
  @Suite struct ControlFileTests {
    static let link = "https://example.org/1.png"

    func urls(_ bench: AgentFixture, _ name: String) async throws -> [String]? {
      let job = try await bench.job(name)
      return job?.revisions[job?.current ?? 0]?.snapshot.images.compactMap(\.url)
    }

    // Time passes until the file is in that state; the watcher takes a moment of the real one.
    func wait(_ bench: AgentFixture, _ name: String, _ state: StateName, _ reason: HeldReason? = nil)
      async throws
    {
      try await bench.until("\(name) is \(state)") { bench in
        guard try await bench.state(name) == state else { return false }
        return try reason == nil || bench.sidecar(name)?.reason == reason?.rawValue
      }
    }

    // Does something, and waits for the watcher, which lives in real time, to tell of the prompt that it is about.
    func change(_ bench: AgentFixture, _ name: String, _ body: () throws -> Void) async throws {
      let (watcher, key) = (bench.process.watcher, bench.key(name))
      let before = watcher.sightings(key)
      try body()
      try await eventually("\(name) is looked at") { watcher.sightings(key) > before }
    }

    // MARK: while the text waits for its turn

    // A sync tool makes the place for the list while the text waits for its turn: the text waits for the list.
    @Test func anEmptyListHoldsWhatIsNotSentYet() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "first" ? .hang() : .accept() }
        try await bench.drop("first")
        try await bench.until("the first is on its way") { !$0.service.posts.isEmpty }
        try await bench.drop("fox")
        try await wait(bench, "fox", .queued)
        try await change(bench, "fox") { try bench.place.write("root/fox.images", "") }
        try await bench.until("it waits for the list") { try $0.sidecar("fox")?.reason == "control-file-empty" }
        bench.service.release("first", .accept())
        try await wait(bench, "first", .done)
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1, "it is not sent without its images")
        try await change(bench, "fox") { try bench.place.write("root/fox.images", Self.link) }
        try await wait(bench, "fox", .done)
        #expect(bench.service.posts.count == 2)
        #expect(try await urls(bench, "fox") == [Self.link])
      }
    }

    // Whoever sees a queue run away reaches for a pattern: what is not sent yet stays unsent, and comes back with it.
    @Test func aPatternKeepsWhatIsNotSentYet() async throws {
      try await AgentFixture.with(settings: { $0.maxInFlight = 1 }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "first" ? .hang() : .accept() }
        try await bench.drop("first")
        try await bench.until("the first is on its way") { !$0.service.posts.isEmpty }
        try await bench.drop("fox")
        try await wait(bench, "fox", .queued)
        try await change(bench, "fox") { try bench.place.write("root/.promptdrop.yaml", "exclude: [fox.prompt]") }
        try await wait(bench, "fox", .cancelled)
        bench.service.release("first", .accept())
        try await wait(bench, "first", .done)
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1)
        try await change(bench, "fox") { try bench.place.write("root/.promptdrop.yaml", "exclude: [wolf.prompt]") }
        try await wait(bench, "fox", .done)
        #expect(bench.service.posts.count == 2)
      }
    }

    // It was approved with its list empty, and is touched before its turn: it is remembered as it is, and sent.
    @Test func aTouchOfWhatWasApprovedIsRemembered() async throws {
      try await AgentFixture.with(settings: { ($0.maxInFlight, $0.files.referenceWait) = (1, .seconds(5)) }) { bench in
        bench.service.onSubmit { post, _ in post.prompt == "first" ? .hang() : .accept() }
        try await bench.drop("first")
        try await bench.until("the first is on its way") { !$0.service.posts.isEmpty }
        try bench.place.write("root/fox.images", "")
        try await bench.drop("fox")
        try await bench.pass(.seconds(30))
        try await wait(bench, "fox", .held, .controlFileEmpty)
        #expect(await bench.ask(.approve, ["fox.prompt"]).oks == [true])
        try await wait(bench, "fox", .queued)
        try await bench.pass(.seconds(5))
        try await change(bench, "fox") { try bench.place.write("root/fox.prompt", "fox") }
        try await bench.pass(.seconds(30))
        bench.service.release("first", .accept())
        try await wait(bench, "fox", .done)
        #expect(bench.service.posts.count == 2)
      }
    }

    // MARK: near misses

    @Test(arguments: ["CAT.IMAGES", "cat.Images", "Cat.images"]) func aListInOtherCaseIsTaken(name: String) async throws
    {
      try await AgentFixture.with { bench in
        try bench.place.write("root/\(name)", Self.link)
        try await bench.drop("cat")
        try await wait(bench, "cat", .done)
        #expect(try await urls(bench, "cat") == [Self.link])
        // It is the prompt's list like any other: a change is a new request, a touch is none.
        try await change(bench, "cat") { try bench.place.write("root/\(name)", Self.link + "?2\n") }
        try await bench.until("made anew") { $0.service.posts.count == 2 }
        try await wait(bench, "cat", .done)
        #expect(try await urls(bench, "cat") == [Self.link + "?2"])
        try await change(bench, "cat") { try bench.place.write("root/\(name)", "# the same\n" + Self.link + "?2\n") }
        try await bench.pass(.seconds(30))
        #expect(bench.service.posts.count == 2)
      }
    }

    @Test func aListInAnotherCompositionIsTaken() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/cafe\u{301}.images", Self.link)
        try await bench.drop("caf\u{E9}", text: "a cafe")
        try await wait(bench, "caf\u{E9}", .done)
        #expect(try await urls(bench, "caf\u{E9}") == [Self.link])
      }
    }

    @Test(arguments: ["fox.images.txt", "fox.image", "fox.prompt.images", "fox\u{200B}.images"])
    func whatOnlyLooksLikeAListHoldsThePrompt(name: String) async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/\(name)", Self.link)
        try await bench.drop("fox")
        try await wait(bench, "fox", .held, .controlFileUnclear)
        let sidecar = try #require(try bench.sidecar("fox")?.error)
        #expect(
          sidecar.message.contains(DropPath.display(Array(name.utf8))) && sidecar.hint?.contains("approve") == true)
        // Named right, it is taken without a word.
        try await change(bench, "fox") { try bench.place.rename("root/\(name)", to: "root/fox.images") }
        try await wait(bench, "fox", .done)
        #expect(try await urls(bench, "fox") == [Self.link] && bench.service.posts.count == 1)
      }
    }

    @Test func approvedThePromptIsTakenWithoutIt() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/fox.images.txt", Self.link)
        try await bench.drop("fox")
        try await wait(bench, "fox", .held, .controlFileUnclear)
        #expect(await bench.ask(.approve, ["fox.prompt"]).oks == [true])
        try await wait(bench, "fox", .done)
        #expect(try await urls(bench, "fox") == [])
        try await bench.drop("fox", text: "another text")
        try await wait(bench, "fox", .held, .controlFileUnclear)
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func twoListsAreNotDistinguished() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/CAT.images", Self.link)
        try bench.place.write("root/Cat.images", Self.link)
        try await bench.drop("cat")
        try await wait(bench, "cat", .held, .controlFileUnclear)
        try await change(bench, "cat") { try bench.place.remove("root/CAT.images") }
        try await wait(bench, "cat", .done)
        #expect(try await urls(bench, "cat") == [Self.link])
      }
    }

    @Test func aListOfAnotherPromptIsNotTaken() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/Cat.images", Self.link)
        try await bench.drop(["Cat", "cat"])
        try await bench.until("both") { try await $0.census()[.done] == 2 }
        #expect(try await urls(bench, "Cat") == [Self.link])
        #expect(try await urls(bench, "cat") == [])
      }
    }

    @Test(arguments: ["folder", "link"]) func aListThatIsNoFileHoldsThePrompt(kind: String) async throws {
      try await AgentFixture.with { bench in
        if kind == "folder" {
          try bench.place.makeFolder("root/cat.images")
        } else {
          try bench.place.write("root/shared.txt", Self.link)
          #expect(symlink("shared.txt", bench.place.path("root/cat.images")) == 0)
        }
        try await bench.drop("cat")
        try await wait(bench, "cat", .held, .controlFileUnclear)
        try bench.place.remove("root/cat.images")
        try bench.place.write("root/cat.images", Self.link)
        try await wait(bench, "cat", .done)
        #expect(try await urls(bench, "cat") == [Self.link])
      }
    }

    @Test func defaultsInOtherCaseAreTaken() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/.PromptDrop.yaml", "hold: true")
        try await bench.drop("cat")
        try await wait(bench, "cat", .held, .asked)
        try bench.place.write("root/.PromptDrop.yaml", "image_size: 2k\n")
        try await wait(bench, "cat", .done)
      }
    }

    @Test(arguments: [".promptdrop.yml", "promptdrop.yaml", ".promptdrop.yaml.txt", "promptdrop.yml"])
    func whatOnlyLooksLikeDefaultsHoldsWhatIsBelow(name: String) async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/\(name)", "hold: true")
        try bench.place.makeFolder("root/sub")
        try bench.place.write("root/sub/dog.prompt", "dog")
        try await bench.drop("cat")
        try await wait(bench, "cat", .held, .controlFileUnclear)
        try await wait(bench, "sub/dog", .held, .controlFileUnclear)
        #expect(await bench.ask(.approve, ["cat.prompt"]).oks == [true])
        try await wait(bench, "cat", .done)
        try await change(bench, "sub/dog") { try bench.place.remove("root/\(name)") }
        try await wait(bench, "sub/dog", .done)
      }
    }

    @Test func aForeignFileOfThatNameIsLeftAlone() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/promptdrop.yaml", "services:\n  web:\n    image: x\n")
        try await bench.drop("cat")
        try await wait(bench, "cat", .done)
      }
    }

    @Test func defaultsThatLoseTheirNameLetNothingGo() async throws {
      try await AgentFixture.with { bench in
        try bench.place.write("root/.promptdrop.yaml", "hold: true")
        try await bench.drop("cat")
        try await wait(bench, "cat", .held, .asked)
        let (right, wrong) = ("root/.promptdrop.yaml", "root/.promptdrop.yml")
        for (from, to) in [(right, wrong), (wrong, right)] {
          try bench.place.rename(from, to: to)
          try await bench.pass(.seconds(30))
          #expect(bench.service.posts.isEmpty)
        }
        try bench.place.write("root/.promptdrop.yaml", "")
        try await bench.pass(.seconds(700))
        #expect(bench.service.posts.isEmpty)
        #expect(try await bench.state("cat") == .held)
      }
    }

    @Test func frontMatterBehindAnotherFenceIsHeld() async throws {
      try await AgentFixture.with { bench in
        let text = "----\nhold: true\n----\na fox"
        try await bench.drop("fox", text: text)
        try await wait(bench, "fox", .held, .frontMatterUnclear)
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.isEmpty)
        #expect(await bench.ask(.approve, ["fox.prompt"]).oks == [true])
        try await wait(bench, "fox", .done)
        #expect(bench.service.posts.map(\.prompt) == [text], "it is taken as it stands")
        // It stays so: a touch is nothing new.
        try bench.place.writeByRename("root/fox.prompt", text)
        try await bench.pass(.seconds(30))
        #expect(try await bench.state("fox") == .done)
      }
    }

    // MARK: what an earlier version took

    // A job that is done, of a text without a list, as a version that did not look so closely has left it.
    private func finished(_ bench: AgentFixture, _ name: String, _ text: String, count: Int = 1) async throws {
      let reader = PromptReader(.init(model: "google/gempix2", agentName: "bench"))
      let file = bench.key(name)
      let request = try reader.understand(prompt: Array(text.utf8), list: nil, file: file, defaults: [])
      let identity = Identity(
        prompt: request.promptSHA, source: request.sourceSHA, list: nil, request: reader.requestHash(request.snapshot))
      let id = JobID(UUID().uuidString.lowercased())
      let slots = (1...count).map { Slot(key: SlotKey(job: id, revision: 1, number: $0), state: .done) }
      let stamp = FileStamp(device: 1, inode: 1, size: 1, modified: 1, changed: 1)
      let revision = Revision(
        number: 1, identity: identity, snapshot: request.snapshot, count: count, takenAt: Timestamp(milliseconds: 0))
      _ = try await bench.process.journal.inner.commit([
        .take(
          .init(
            job: id, file: file, expected: nil, stamp: TakenStamp(prompt: stamp, list: nil), revision: revision,
            slots: slots, outputs: []))
      ])
    }

    @Test func whatIsFinalStaysSo() async throws {
      try await AgentFixture.with { bench in
        let texts = [
          "list": "a cat", "wide": "---\naspect_ratio: 17:9\n---\na cat, wide", "fence": "----\nmodel: m\n----\na cat",
          "bad": "a cat with a bad list",
        ]
        for (name, text) in texts { try await finished(bench, name, text) }
        try bench.place.write("root/LIST.IMAGES", Self.link)
        try bench.place.write("root/BAD.IMAGES", "missing.png\n")
        try bench.place.write("root/.PromptDrop.yaml", "count: 3\nimage_size: 4k\n")
        for (name, text) in texts { try await bench.drop(name, text: text) }
        try await bench.pass(.seconds(900))
        #expect(bench.service.posts.isEmpty)
        for name in texts.keys {
          #expect(try await bench.state(name) == .done, "\(name)")
          #expect(try await bench.job(name)?.inputsChanged == true, "\(name) is understood in another way now")
        }
        // Asked for by name, it is made with its list and the present defaults.
        #expect(await bench.ask(.retry, ["list.prompt"]).oks == [true])
        try await bench.until("made anew") { $0.service.posts.count == 3 }
        try await wait(bench, "list", .done)
        #expect(try await urls(bench, "list") == [Self.link])
        // What asks for more is judged like anything new.
        try bench.place.write("root/wide.prompt", texts["wide"].map { $0 + ", at night" } ?? "")
        try await wait(bench, "wide", .failed)
        #expect(try bench.sidecar("wide")?.error?.code == "front-matter-bad-value" && bench.service.posts.count == 3)
      }
    }

    @Test func aFinishedPromptIsRenamedTogetherWithItsList() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("old", text: "a cat")
        try await wait(bench, "old", .done)
        try await bench.stop()
        try bench.place.rename("root/old.prompt", to: "root/new.prompt")
        try bench.place.write("root/NEW.IMAGES", Self.link)
        try await bench.start()
        try await bench.until("it is followed") { try await $0.state("new") == .done }
        try await bench.pass(.seconds(30))
        #expect(bench.service.posts.count == 1)
      }
    }

    @Test func anUnsentTextIsSentWithTheListThatCameLate() async throws {
      try await AgentFixture.with { bench in
        bench.service.onSubmit { _, _ in .unreachable }
        try await bench.drop("cat")
        try await bench.pass(.seconds(5))
        #expect(try await bench.state("cat") == .queued)
        try await change(bench, "cat") { try bench.place.write("root/CAT.IMAGES", Self.link) }
        try await bench.until("its list is seen") { try await urls($0, "cat") == [Self.link] }
        bench.service.onSubmit(nil)
        try await bench.until("done", within: .seconds(900)) { try await $0.state("cat") == .done }
        #expect(bench.service.tasks.count == 1)
        #expect(try await urls(bench, "cat") == [Self.link])
      }
    }
  }
}
