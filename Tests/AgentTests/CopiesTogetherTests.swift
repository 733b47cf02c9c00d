import Foundation
import JobCore
import TestKit
import Testing

@testable import Agent

extension Pipelines {
  /// Prompts with one text that come together: the journal knows neither while they are decided on.
  @Suite struct CopiesTogetherTests {
    // A program that syncs writes the new name and deletes the old one a moment later. `between`: how many others come with
    // them, so that the two are decided on in one batch, or in two at once.
    @Test(arguments: [0, 62, 63, 64, 100]) func aMoveByCopyingIsPaidForOnce(between: Int) async throws {
      // The time that the others take at the service is none of theirs.
      try await AgentFixture.with(
        settings: { $0.files.copyGrace = .seconds(3_600) },
        prepare: { place, _ in
          for name in ["a", "z"] { try place.write("root/\(name).prompt", "a cat") }
          for name in names(between) { try place.write("root/b\(name).prompt", name) }
        }
      ) { bench in
        try await bench.until("all but one are submitted") { $0.service.posts.count > between }
        let first = try #require(try await bench.state("a") == nil ? "z" : "a")
        try bench.place.remove("root/\(first).prompt")
        try await bench.until("the picture has the new name") { bench in
          bench.place.exists("root/\(first == "a" ? "z" : "a").png")
        }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == between + 1)
      }
    }

    @Test func copiesThatStayArePaidForEach() async throws {
      let count = 300
      try await AgentFixture.with(
        settings: { $0.files.copyGrace = .seconds(3_600) },
        prepare: { place, _ in for name in names(count) { try place.write("root/\(name).prompt", "a cat") } }
      ) { bench in
        try await bench.until("the first one is submitted") { !$0.service.posts.isEmpty }
        #expect(bench.service.posts.count == 1)
        try await bench.until("all are made", within: .seconds(7_200)) { $0.service.posts.count == count }
        #expect(bench.process.journal.sourceQuestions < count * 4, "no copy waits for each other one")
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == count)
      }
    }

    // Both have the text of one that is gone, and come at once: the one with its list is it.
    @Test func theListSaysWhichOneItIs() async throws {
      try await AgentFixture.with(prepare: { place, _ in
        try place.write("root/cat.images", "https://example.org/1.png")
        try place.write("root/cat.prompt", "a cat")
      }) { bench in
        try await bench.until("it is made") { try await $0.state("cat") == .done }
        try bench.place.write("root/z.images", "https://example.org/1.png")
        try await bench.drop(["a", "z"], text: "a cat")
        try bench.place.remove("root/cat.images")
        try await bench.delete("cat")
        try await bench.until("both have theirs", within: .seconds(60)) {
          try await [$0.state("a"), $0.state("z")] == [.done, .done]
        }
        #expect(bench.service.posts.map(\.images) == [1, 0])
      }
    }

    // A prompt is renamed, and before that is believed a program that syncs copies it and deletes it.
    @Test func aCopyOfWhatWasJustRenamedIsNotPaidFor() async throws {
      try await AgentFixture.with { bench in
        try await bench.drop("cat", text: "a cat")
        try await bench.until("it is made") { try await $0.state("cat") == .done }
        try bench.place.rename("root/cat.prompt", to: "root/dog.prompt")
        try await bench.drop("cow", text: "a cat")
        try await bench.pass(.milliseconds(700))
        try bench.place.remove("root/dog.prompt")
        try await bench.until("the picture has the last name") { $0.place.exists("root/cow.png") }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1)
      }
    }

    // The one that comes first waits for an image: the others are no less copies of one another.
    @Test(arguments: ["a", "b", "c"]) func oneThatIsNotTakenLetsTheNextOneGo(waiting: String) async throws {
      try await AgentFixture.with(
        settings: { $0.files.copyGrace = .seconds(3_600) },
        prepare: { place, _ in
          try place.write("root/\(waiting).images", "nothing.png")
          for name in ["a", "b", "c"] { try place.write("root/\(name).prompt", "a cat") }
        }
      ) { bench in
        try await bench.until("one is submitted") { !$0.service.posts.isEmpty }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1)
      }
    }

    // The task is still under way, and the rename not believed yet, when the folder gets another name.
    @Test(arguments: [100, 500, 1_100, 1_500, 1_900, 2_500, 5_000])
    func aRenamedPromptInARenamedFolderIsPaidForOnce(gap: Int) async throws {
      try await AgentFixture.with { bench in
        bench.service.tasksTake(.seconds(60))
        try bench.place.makeFolder("root/f")
        try await bench.drop("f/cat", text: "a cat")
        try await bench.until("it is sent") { !$0.service.posts.isEmpty }
        try await bench.pass(.seconds(5))
        try bench.place.rename("root/f/cat.prompt", to: "root/f/dog.prompt")
        let (watcher, dog) = (bench.process.watcher, bench.key("f/dog"))
        try await eventually("it is seen") { watcher.sightings(dog) > 0 }
        try await bench.pass(.milliseconds(gap))
        try bench.place.rename("root/f", to: "root/g")
        try await bench.until("the picture has the last name", within: .seconds(300)) {
          $0.place.exists("root/g/dog.png")
        }
        try await bench.pass(.seconds(60))
        #expect(bench.service.posts.count == 1)
        #expect(try bench.place.list("root/g").sorted() == ["dog.png", "dog.prompt", "dog.status.json"])
      }
    }

    // Pictures are collected elsewhere, and prompts are sorted later, while nobody looks or by a program that copies.
    @Test(arguments: [true, false]) func aFinishedPromptWhosePictureWasMovedIsNotPaidForAgain(isRunning: Bool)
      async throws
    {
      try await AgentFixture.with { bench in
        try await bench.drop("cat", text: "a cat")
        try await bench.until("it is made") { try await $0.state("cat") == .done }
        try bench.place.makeFolder("pictures")
        try bench.place.rename("root/cat.png", to: "pictures/cat.png")
        if isRunning {
          try await bench.drop("dog", text: "a cat")
          try await bench.pass(.seconds(3))
          try await bench.delete("cat")
        } else {
          try await bench.stop()
          try bench.place.rename("root/cat.prompt", to: "root/dog.prompt")
          try await bench.start()
        }
        try await bench.until("the job has followed", within: .seconds(60)) { try await $0.state("dog") == .done }
        try await bench.pass(.seconds(120))
        #expect(bench.service.posts.count == 1)
      }
    }
  }
}
