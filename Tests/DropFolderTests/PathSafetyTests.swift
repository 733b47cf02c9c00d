import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// Nothing leads out of the root, and no symbolic link is followed, by whatever call, whether the kernel walks the path or the
/// program does.
@Suite struct PathSafetyTests {
  private func makeFixture(_ way: Opening) throws -> FilesFixture {
    let bench = try FilesFixture(opening: way)
    try bench.place.write("secret/x.prompt", "secret")
    try bench.place.write("secret/x.png", bytes: sample(50))
    try bench.write("inside/x.prompt", "inside")
    symbolicLink(bench.place.path("secret"), at: bench.path("absolute"))
    symbolicLink("../secret", at: bench.path("relative"))
    symbolicLink("inside", at: bench.path("harmless"))
    symbolicLink("/proc/self/root", at: bench.path("magic"))
    return bench
  }

  static let ways = [
    "absolute/x.prompt", "relative/x.prompt", "harmless/x.prompt", "../secret/x.prompt", "inside/../../secret/x.prompt",
    "magic/etc/x.prompt",
  ]

  @Test(arguments: ways, Opening.allCases) func readingStaysInside(_ path: String, _ way: Opening) async throws {
    let bench = try makeFixture(way)
    let key = bench.key(path)
    let reading = try await bench.readOne(path)
    #expect(reading.promptBytes == nil)
    #expect(reading.prompt.stamp == nil)
    #expect(await bench.files.look(key).stamp == nil)
    #expect(try await bench.files.sidecar(of: key) == nil)
    #expect(try await bench.files.digest(Array("x.png".utf8), beside: key) == nil)
    guard
      case .refused = await bench.files.readReference(
        key.sibling(Array("x.png".utf8)), limit: 100, evenIfOpen: false)
    else {
      Issue.record("a reference image was read through \(path)")
      return
    }
  }

  @Test(arguments: ways, Opening.allCases) func writingStaysInside(_ path: String, _ way: Opening) async throws {
    let bench = try makeFixture(way)
    let key = bench.key(path)
    let before = try [bench.place.list("secret"), bench.list("inside")]
    _ = try await trouble("sidecar") { () async throws(LocalTrouble) in
      try await bench.files.writeSidecar(oursSample, of: key, durable: true)
    }
    _ = try await trouble("rename") { () async throws(LocalTrouble) in
      try await bench.files.rename(Array("x.png".utf8), to: Array("y.png".utf8), beside: key, durable: false)
    }
    _ = try await trouble("picture") { () async throws(LocalTrouble) in
      let staged = try await bench.files.stage(beside: key)
      try await staged.append(sample(100))
      return try await staged.finish()
    }
    _ = try await trouble("sync") { () async throws(LocalTrouble) in try await bench.files.syncFolder(of: key) }
    #expect(try [bench.place.list("secret"), bench.list("inside")] == before)
  }

  @Test(arguments: Opening.allCases) func absolutePathsAreNotFollowed(_ way: Opening) async throws {
    let bench = try makeFixture(way)
    let key = FileKey(root: RootID(1), path: DropPath("/etc/passwd"))
    #expect(await bench.files.look(key).stamp == nil)
    #expect(
      await bench.files.readSources([SourceQuery(prompt: key, list: key)], limit: 100_000).first?.promptBytes == nil)
  }

  @Test(arguments: Opening.allCases) func aLinkInThePlaceOfTheFile(_ way: Opening) async throws {
    let bench = try makeFixture(way)
    symbolicLink(bench.place.path("secret/x.prompt"), at: bench.path("x.prompt"))
    symbolicLink("nowhere", at: bench.path("y.prompt"))
    for name in ["x.prompt", "y.prompt"] {
      #expect(try await bench.readOne(name).prompt == .notAFile("a symbolic link"))
      #expect(await bench.files.look(bench.key(name)) == .notAFile("a symbolic link"))
    }
  }

  @Test(arguments: Opening.allCases) func aSidecarThatIsALinkIsSomebodysOwn(_ way: Opening) async throws {
    let bench = try makeFixture(way)
    try bench.write("cat.prompt", "A cat")
    try bench.place.write("secret/target", bytes: oursSample)
    symbolicLink(bench.place.path("secret/target"), at: bench.path("cat.status.json"))
    try await bench.files.writeSidecar(oursSample + [10], of: bench.key("cat.prompt"), durable: false)
    #expect(try bench.place.bytes("secret/target") == oursSample)
    #expect(try bench.place.bytes("root/cat.promptdrop.status.json") == oursSample + [10])
    try await bench.files.removeSidecar(of: bench.key("cat.prompt"))
    #expect(bench.exists("cat.status.json"))
    #expect(!bench.exists("cat.promptdrop.status.json"))
  }

  @Test(arguments: Opening.allCases) func anUnknownRootIsNoRoot(_ way: Opening) async throws {
    let bench = try makeFixture(way)
    try bench.write("cat.prompt", "A cat")
    let key = FileKey(root: RootID(99), path: DropPath("cat.prompt"))
    #expect(await bench.files.look(key).stamp == nil)
    _ = try await trouble("sidecar") { () async throws(LocalTrouble) in
      try await bench.files.writeSidecar(oursSample, of: key, durable: false)
    }
  }

  @Test(arguments: Opening.allCases) func namesThatAreNotUTF8(_ way: Opening) async throws {
    let bench = try makeFixture(way)
    let name: [UInt8] = [0xff, 0xfe, 0x20] + Array(".prompt".utf8)
    let key = FileKey(root: RootID(1), path: DropPath(bytes: name))
    let descriptor = name.withUnsafeBufferPointer { buffer in
      openat(bench.root.place?.descriptor ?? -1, cString(Array(buffer)), O_WRONLY | O_CREAT | O_EXCL, 0o644)
    }
    try #require(descriptor >= 0)
    close(descriptor)
    #expect(await bench.files.look(key).stamp?.size == 0)
    try await bench.files.writeSidecar(oursSample, of: key, durable: true)
    #expect(try await bench.files.sidecar(of: key) == oursSample)
  }
}
