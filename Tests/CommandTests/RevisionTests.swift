import Foundation
import ProgramKit
import TestKit
import Testing

/// Changed words are paid for once more, and nothing that was paid for or belongs to the user is lost.
@Suite(.serialized) struct RevisionTests {
  @Test func changedWordsKeepTheOldPicture() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    _ = try await bench.once()
    let old = try bench.root.bytes("cat.png")
    try bench.root.write("cat.prompt", "a green cat")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.paid == ["a red cat", "a green cat"], "\(run)")
    #expect(try bench.names() == ["cat.png", "cat.prompt", "cat.status.json", "cat.v1.png"])
    #expect(try bench.root.bytes("cat.v1.png") == old)
    #expect(try bench.root.bytes("cat.png") != old)
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.revision == 2 && sidecar.files == ["cat.png", "cat.v1.png"])
  }

  @Test func earlierWordsBringTheirPictureBackUnpaid() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    _ = try await bench.once()
    let red = try bench.root.bytes("cat.png")
    try bench.root.write("cat.prompt", "a green cat")
    _ = try await bench.once()
    let green = try bench.root.bytes("cat.png")
    for round in 0..<2 {
      try bench.root.write("cat.prompt", "a red cat\n")
      let run = try await bench.once()
      #expect(run.code == 0 && bench.posts.count == 2, "\(round) \(run)")
      #expect(try bench.root.bytes("cat.png") == red)
      #expect(try bench.root.bytes("cat.v2.png") == green)
      #expect(try bench.sidecar("cat").revision == 1)
      try bench.root.write("cat.prompt", "a green cat")
      _ = try await bench.once()
      #expect(try bench.root.bytes("cat.png") == green && bench.posts.count == 2)
      #expect(try bench.root.bytes("cat.v1.png") == red)
      #expect(try bench.names() == ["cat.png", "cat.prompt", "cat.status.json", "cat.v1.png"])
    }
  }

  @Test func changesWhileItWatches() async throws {
    let bench = try await Fixture(["cat": "cat 1"])
    let agent = try await bench.watch()
    try await bench.waitFor("cat", "done")
    for number in 2...4 {
      try bench.root.writeByRename("cat.prompt", "cat \(number)")
      try await eventually(within: .seconds(30), "revision \(number): \(agent.standardError)") {
        let sidecar = try bench.sidecar("cat")
        return sidecar.revision == number && sidecar.state == "done"
      }
    }
    #expect(bench.paid == ["cat 1", "cat 2", "cat 3", "cat 4"])
    #expect(try bench.sidecar("cat").files == ["cat.png", "cat.v1.png", "cat.v2.png", "cat.v3.png"])
  }

  @Test func changedFrontMatterIsANewRequest() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    _ = try await bench.once()
    try bench.root.write("cat.prompt", "---\naspect_ratio: '16:9'\n---\na red cat")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
  }

  @Test func countMakesThatMany() async throws {
    let bench = try await Fixture(["cat": "---\ncount: 2\n---\ncats"])
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
    #expect(try bench.names() == ["cat-2.png", "cat.png", "cat.prompt", "cat.status.json"])
    let sidecar = try bench.sidecar("cat")
    #expect(Set(sidecar.outputs.map(\.slot)) == [1, 2] && sidecar.consumed == "1.000000")
  }

  @Test func raisingCountSubmitsOnlyTheDifference() async throws {
    let bench = try await Fixture(["cat": "cats"])
    _ = try await bench.once()
    let first = try bench.root.bytes("cat.png")
    try bench.root.write("cat.prompt", "---\ncount: 3\n---\ncats")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 3, "\(run)")
    #expect(try bench.root.bytes("cat.png") == first)
    #expect(try bench.sidecar("cat").files == ["cat-2.png", "cat-3.png", "cat.png"])
    // Fewer again, and as many as before: nothing is paid, nothing is taken away.
    try bench.root.write("cat.prompt", "---\ncount: 1\n---\ncats")
    _ = try await bench.once()
    try bench.root.write("cat.prompt", "---\ncount: 3\n---\ncats")
    let last = try await bench.once()
    #expect(last.code == 0 && bench.posts.count == 3, "\(last)")
    #expect(bench.root.exists("cat-3.png"))
  }

  @Test func furtherPicturesOfOneTaskGetNumbers() async throws {
    let bench = try await Fixture(["cat": "cats [sandbox: result-images=3]"])
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    #expect(try bench.sidecar("cat").files == ["cat-2.png", "cat-3.png", "cat.png"])
  }

  @Test func anEditedOutputIsTheUsers() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    _ = try await bench.once()
    try bench.root.write("cat.png", "mine now")
    try bench.root.write("cat.prompt", "a green cat")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 2, "\(run)")
    #expect(try bench.root.read("cat.png") == "mine now")
    #expect(bench.root.exists("cat.alt1.png"))
    #expect(try bench.sidecar("cat").files.contains("cat.alt1.png"))
  }

  @Test func foreignFilesAreLeftAlone() async throws {
    let bench = try await Fixture(["cat": "a red cat"])
    try bench.root.write("cat.png", "a photo")
    try bench.root.write("cat.alt1.png", "another photo")
    try bench.root.write("cat.status.json", "{\"mine\": true}")
    let run = try await bench.once()
    #expect(run.code == 0 && bench.posts.count == 1, "\(run)")
    #expect(try bench.root.read("cat.png") == "a photo")
    #expect(try bench.root.read("cat.alt1.png") == "another photo")
    #expect(try bench.root.read("cat.status.json") == "{\"mine\": true}")
    let sidecar = try Sidecar(try bench.root.bytes("cat.promptdrop.status.json"))
    #expect(sidecar.state == "done" && sidecar.files == ["cat.alt2.png"])
    let again = try await bench.once()
    #expect(again.code == 0 && bench.posts.count == 1, "\(again)")
    #expect(try bench.root.read("cat.status.json") == "{\"mine\": true}")
  }

  @Test func aDeletedPromptIsForgottenOnlyAsFarAsItWasNotSent() async throws {
    let bench = try await Fixture(delay: .seconds(2))
    let agent = try await bench.watch()
    try bench.root.write("cat.prompt", "a red cat")
    try await bench.waitFor("cat", "submitted")
    try bench.root.remove("cat.prompt")
    // It is paid for: the picture comes all the same.
    try await eventually(within: .seconds(30), "the picture came: \(agent.standardError)") {
      bench.root.exists("cat.png")
    }
    #expect(bench.posts.count == 1)
  }

  @Test func holdWaitsForItsWord() async throws {
    let bench = try await Fixture(["cat": "---\nhold: true\n---\na red cat"])
    let run = try await bench.once()
    #expect(run.code == 1 && bench.posts.isEmpty, "\(run)")
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.state == "held" && sidecar.reason == "asked" && sidecar.explains)
    try bench.root.write("cat.prompt", "a red cat")
    let again = try await bench.once()
    #expect(again.code == 0 && bench.posts.count == 1, "\(again)")
  }
}
