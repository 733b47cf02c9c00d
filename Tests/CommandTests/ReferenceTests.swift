import Foundation
import ProgramKit
import TestKit
import Testing

/// Reference images: local ones, links, lists that come early or late, and files that are waited for.
@Suite(.serialized) struct ReferenceTests {
  // The smallest PNG: one pixel.
  static let png: [UInt8] = Array(
    Data(
      base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ) ?? Data())
  static let uri = "data:image/png;base64," + Data(png).base64EncodedString()

  @Test func localFilesAreSentAsTheyAreAndLinksArePassedOn() async throws {
    let bench = try await Fixture()
    let link = "https://example.org/b.png?x=1&y=2"
    try bench.root.write("sub/cat.prompt", "---\nimages:\n  - ../a.png\n  - \(link)\n---\na cat like these")
    try bench.root.write("sub/cat.images", "# more\n\n./own.png\r\n")
    try bench.root.write("a.png", bytes: Self.png)
    try bench.root.write("sub/own.png", bytes: Self.png)
    let run = try await bench.once()
    #expect(run.code == 0, "\(run)")
    #expect(bench.posts.map(\.images) == [[Self.uri, link, Self.uri]])
    let sidecar = try bench.sidecar("sub/cat")
    #expect(sidecar.images.map { $0["path"] ?? $0["url"] } == ["a.png", link, "sub/own.png"], "\(sidecar.text)")
    #expect(sidecar.images.first?["sha256"] == sha256(Self.png))
    #expect(!sidecar.text.contains("base64"))
  }

  @Test func aChangedListIsANewRequestAVanishedOneIsNot() async throws {
    let bench = try await Fixture(["cat": "a cat"])
    try bench.root.write("cat.images", "https://example.org/1.png\n")
    _ = try await bench.once()
    try bench.root.write("cat.images", "https://example.org/2.png\n")
    let changed = try await bench.once()
    #expect(changed.code == 0 && bench.posts.count == 2, "\(changed)")
    try bench.root.remove("cat.images")
    let gone = try await bench.once()
    #expect(gone.code == 0 && bench.posts.count == 2, "\(gone)")
  }

  @Test func aChangedReferenceFileIsShownAndCostsNothing() async throws {
    let bench = try await Fixture(["cat": "---\nimages: [a.png]\n---\na cat"])
    try bench.root.write("a.png", bytes: Self.png)
    _ = try await bench.once()
    // The same picture, with an empty chunk of text in it that readers skip.
    let other =
      Self.png.dropLast(12) + [0, 0, 0, 0, 0x74, 0x45, 0x58, 0x74, 0x36, 0xEE, 0x8B, 0x29] + Self.png.suffix(12)
    try bench.root.write("a.png", bytes: Array(other))
    // The prompt itself has to be looked at again.
    try bench.root.writeByRename("cat.prompt", "---\nimages: [a.png]\n---\na cat")
    let run = try await bench.once()
    #expect(bench.posts.count == 1, "\(run)")
    let sidecar = try bench.sidecar("cat")
    #expect(sidecar.inputsChanged, "\(sidecar.text)")
  }

  @Test func theListMayComeFirst() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch(["--settle": "300ms"])
    try bench.root.write("cat.images", "https://example.org/1.png\n")
    try bench.root.write("cat.prompt", "a cat")
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.map(\.images) == [["https://example.org/1.png"]], "\(agent.standardError)")
  }

  @Test func theListMayComeWithinTheSettleTime() async throws {
    let bench = try await Fixture()
    let agent = try await bench.watch(["--settle": "1s"])
    try bench.root.write("cat.prompt", "a cat")
    try bench.root.write("cat.images", "https://example.org/1.png\n")
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.map(\.images) == [["https://example.org/1.png"]], "\(agent.standardError)")
  }

  @Test func requireImagesWaitsForTheList() async throws {
    let bench = try await Fixture(["cat": "---\nrequire_images: true\n---\na cat"])
    let run = try await bench.once()
    #expect(run.code == 75 && bench.posts.isEmpty, "\(run)")
    #expect(try bench.sidecar("cat").reason == "waiting-for-list")
    let agent = try await bench.watch()
    try bench.root.write("cat.images", "https://example.org/1.png\n")
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.map(\.images) == [["https://example.org/1.png"]], "\(agent.standardError)")
  }

  @Test func aSyncToolsTemporaryListIsWaitedFor() async throws {
    let bench = try await Fixture()
    try bench.root.write(".cat.images.Ab12Cd", "https://example.org")
    try bench.root.write("cat.prompt", "a cat")
    let agent = try bench.start("watch")
    try await bench.waitFor("cat", "queued")
    #expect(try bench.sidecar("cat").reason == "waiting-for-list")
    try bench.root.write(".cat.images.Ab12Cd", "https://example.org/1.png\n")
    try bench.root.rename(".cat.images.Ab12Cd", to: "cat.images")
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.map(\.images) == [["https://example.org/1.png"]], "\(agent.standardError)")
  }

  @Test func aMissingFileIsWaitedForThenFailedThenRevived() async throws {
    let bench = try await Fixture(["cat": "---\nimages: [later.png]\n---\na cat"])
    let agent = try bench.start("watch", ["--reference-wait": "1s"])
    let waiting = try await bench.waitFor("cat", "queued")
    #expect(waiting.reason == "reference-missing" && waiting.message?.contains("later.png") == true)
    let failed = try await bench.waitFor("cat", "failed")
    #expect(failed.explains && bench.posts.isEmpty)
    try bench.root.write("later.png", bytes: Self.png)
    try await bench.waitFor("cat", "done")
    #expect(bench.posts.map(\.images) == [[Self.uri]], "\(agent.standardError)")
  }

  @Test func anImageThatIsTooLargeSaysSo() async throws {
    let bench = try await Fixture(["cat": "---\nimages: [a.png]\n---\na cat"])
    try bench.root.write("a.png", bytes: Self.png + [UInt8](repeating: 0, count: 2000))
    let run = try await bench.once(["--max-reference-bytes": "1000"])
    let sidecar = try bench.sidecar("cat")
    #expect(run.code == 1 && bench.posts.isEmpty && sidecar.state == "failed" && sidecar.explains, "\(sidecar.text)")
    #expect(sidecar.code == "image-too-large")
  }

  @Test func linksOutOfTheRootAreNotFollowed() async throws {
    let bench = try await Fixture([
      "cat": "---\nimages: [a.png]\n---\na cat", "dog": "---\nimages: [out/b.png]\n---\na dog",
    ])
    try bench.home.write("secret/b.png", bytes: Self.png)
    #expect(symlink(bench.home.path("secret/b.png"), bench.root.path("a.png")) == 0)
    #expect(symlink(bench.home.path("secret"), bench.root.path("out")) == 0)
    let run = try await bench.once(["--timeout": "3s"])
    #expect(bench.posts.isEmpty, "\(run)")
    for name in ["cat", "dog"] { #expect(try bench.sidecar(name).state != "done") }
  }
}
