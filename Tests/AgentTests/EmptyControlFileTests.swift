import Foundation
import JobCore
import PromptFile
import TestKit
import Testing

@testable import Agent

// Control files with nothing in them yet, and reference images whose names are not quite those that are listed.
extension Pipelines.ControlFileTests {
  // MARK: empty ones

  @Test(arguments: [[], [0, 0, 0, 0], [0xEF, 0xBB, 0xBF, 10]] as [[UInt8]])
  func anEmptyListHasNotArrived(bytes: [UInt8]) async throws {
    try await AgentFixture.with { bench in
      try bench.place.write("root/cat.images", bytes: bytes)
      try await bench.drop("cat")
      try await wait(bench, "cat", .queued, .controlFileEmpty)
      #expect(try bench.sidecar("cat")?.error?.hint?.contains("comment") == true)
      try await bench.pass(.seconds(300))
      #expect(bench.service.posts.isEmpty)
      try bench.place.write("root/cat.images", Self.link)
      try await wait(bench, "cat", .done)
      #expect(try await urls(bench, "cat") == [Self.link] && bench.service.posts.count == 1)
      // What is done stays so, whatever becomes of the list; and the same list is nothing new.
      try bench.place.write("root/cat.images", bytes: bytes)
      try await bench.pass(.seconds(900))
      #expect(try await bench.state("cat") == .done)
      try bench.place.write("root/cat.images", Self.link)
      try await bench.pass(.seconds(30))
      #expect(bench.service.posts.count == 1)
    }
  }

  @Test func aCommentSaysThatThereIsNone() async throws {
    try await AgentFixture.with { bench in
      try bench.place.write("root/cat.images", "# none\n")
      try bench.place.write("root/.promptdrop.yaml", "# none\n")
      try await bench.drop("cat")
      try await wait(bench, "cat", .done)
    }
  }

  @Test(arguments: [false, true]) func afterAWhileAPersonDecides(restart: Bool) async throws {
    try await AgentFixture.with { bench in
      try bench.place.write("root/.promptdrop.yaml", bytes: [0, 0, 0])
      try await bench.drop("cat")
      try await wait(bench, "cat", .queued, .controlFileEmpty)
      try await bench.pass(.seconds(400))
      if restart {
        try await bench.stop()
        try await bench.start()
      }
      try await bench.pass(.seconds(100))
      #expect(try await bench.state("cat") == .queued)
      try await bench.pass(.seconds(101))
      #expect(try bench.sidecar("cat")?.reason == HeldReason.controlFileEmpty.rawValue)
      #expect(try await bench.state("cat") == .held)
      #expect(await bench.ask(.approve, ["cat.prompt"]).oks == [true])
      try await wait(bench, "cat", .done)
      #expect(bench.service.posts.count == 1)
    }
  }

  @Test func aDefaultThatChangesItsCountMakesNoPictures() async throws {
    try await AgentFixture.with { bench in
      try await bench.drop("cat")
      try await wait(bench, "cat", .done)
      try bench.place.write("root/.promptdrop.yaml", "count: 4\n")
      try await bench.pass(.seconds(30))
      #expect(bench.service.posts.count == 1)
    }
  }

  // MARK: reference images

  private func writePicture(_ bench: AgentFixture, _ name: String) throws {
    try bench.place.write("root/\(name)", bytes: SmallPNG.square([1, 2, 3]))
  }

  @Test(arguments: [("caf\u{E9}.png", "cafe\u{301}.png"), ("a\u{30A}/x.png", "\u{E5}/x.png")])
  func aReferenceMeansTheOnlyFileOfTheSameLetters(listed: String, there: String) async throws {
    try await AgentFixture.with { bench in
      try bench.place.write("root/cat.images", listed)
      try await bench.drop("cat")
      try await bench.until("it waits") { try $0.sidecar("cat")?.reason == "reference-missing" }
      try writePicture(bench, there)
      if there.contains("/") { bench.process.watcher.rescan() }
      try await wait(bench, "cat", .done)
      #expect(
        try await bench.job("cat")?.revisions[1]?.snapshot.images.first?.path?.utf8.elementsEqual(there.utf8) == true)
    }
  }

  @Test func severalThatFitAreNotTaken() async throws {
    try await AgentFixture.with { bench in
      try writePicture(bench, "\u{1EAD}.png")
      try writePicture(bench, "a\u{323}\u{302}.png")
      try bench.place.write("root/cat.images", "\u{E2}\u{323}.png")
      try await bench.drop("cat")
      try await wait(bench, "cat", .failed)
      let sidecar = try #require(try bench.sidecar("cat")?.error)
      #expect(sidecar.code == "image-ambiguous" && sidecar.message.contains("a\\u{0323}\\u{0302}.png"), "\(sidecar)")
      try bench.place.remove("root/\u{1EAD}.png")
      bench.process.watcher.rescan()
      try await wait(bench, "cat", .done)
    }
  }

  @Test(arguments: [("ske\u{200B}tch.png", "sketch.png"), ("sketch.png", "Sketch.png")])
  func aNameThatOnlyLooksTheSameIsShown(listed: String, there: String) async throws {
    try await AgentFixture.with { bench in
      try writePicture(bench, there)
      try bench.place.write("root/cat.images", listed)
      try await bench.drop("cat")
      try await bench.until("it waits") { try $0.sidecar("cat")?.reason == "reference-missing" }
      let sidecar = try #require(try bench.sidecar("cat")?.error?.message)
      #expect(sidecar.contains(DropPath.display(Array(listed.utf8))) && sidecar.contains(there), "\(sidecar)")
      #expect(!sidecar.unicodeScalars.contains("\u{200B}"))
    }
  }
}
