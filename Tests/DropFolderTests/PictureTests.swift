import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// Pictures on their way into the folder, and their names.
@Suite struct PictureTests {
  private let bench: FilesFixture
  private let cat: FileKey

  init() throws {
    bench = try FilesFixture()
    try bench.place.makeFolder("root/a")
    cat = bench.key("a/cat.prompt")
  }

  private func stage(_ bytes: [UInt8], chunk: Int = 100_000) async throws -> any StagedFile {
    let staged = try await bench.files.stage(beside: cat)
    var rest = bytes[...]
    while !rest.isEmpty {
      try await staged.append(Array(rest.prefix(chunk)))
      rest = rest.dropFirst(chunk)
    }
    return staged
  }

  @Test(arguments: [6, 1000, 1_048_576, 1_048_577, 3_333_333]) func aWholePicture(_ size: Int) async throws {
    let bytes = sample(size)
    let image = try await stage(bytes).finish().get()
    #expect(image.bytes == size)
    #expect(image.info == ImageInfo(format: .png, width: 3, height: 4))
    #expect(try bench.list("a") == [String(decoding: image.temporary, as: UTF8.self)])
    #expect(isSame(try bench.place.bytes("root/a/" + String(decoding: image.temporary, as: UTF8.self)), bytes))
    #expect(DropNames.isOwnTemporary(image.temporary))
    #expect(image.temporary.starts(with: bench.files.temporaryPrefix))
    #expect(try await bench.files.digest(image.temporary, beside: cat) == image.sha256)
    let sum = try ChildProcess(
      "/usr/bin/sha256sum", [bench.path("a/" + String(decoding: image.temporary, as: UTF8.self))])
    #expect(try await sum.wait() == .exited(0))
    #expect(sum.standardOutput.hasPrefix(image.sha256 + " "))
  }

  @Test(arguments: [1, 17, 999_999, 2_000_000]) func piecesOfAnySize(_ chunk: Int) async throws {
    let bytes = sample(chunk < 100 ? 5000 : 2_500_000)
    let image = try await stage(bytes, chunk: chunk).finish().get()
    #expect(isSame(try bench.place.bytes("root/a/" + String(decoding: image.temporary, as: UTF8.self)), bytes))
  }

  @Test func theDigestOfKnownBytes() async throws {
    try bench.write("a/abc", "abc")
    try bench.write("a/empty", "")
    #expect(
      try await bench.files.digest(Array("abc".utf8), beside: cat)
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      try await bench.files.digest(Array("empty".utf8), beside: cat)
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    symbolicLink("abc", at: bench.path("a/link"))
    for name in ["none", "link", "."] {
      #expect(try await bench.files.digest(Array(name.utf8), beside: cat) == nil, "\(name)")
    }
    #expect(try await bench.files.digest(Array("abc".utf8), beside: bench.key("gone/cat.prompt")) == nil)
  }

  @Test(arguments: [10, 1_500_000]) func aDefectLeavesNothing(_ size: Int) async throws {
    let cut = try await stage(Array(sample(size).dropLast()))
    let damaged = try await cut.finish().get()
    #expect(damaged.defect == .truncated && damaged.info.format == .png && damaged.bytes == size - 1)
    #expect(try bench.list("a") == [String(decoding: damaged.temporary, as: UTF8.self)])
    await cut.discard()
    #expect(try bench.list("a").isEmpty)
    let bytes = [UInt8](repeating: 7, count: size)
    let unknown = try await stage(bytes)
    #expect(try await unknown.finish() == .failure(.unknownFormat))
    #expect(try await unknown.content(limit: size) == bytes)
    #expect(try await unknown.content(limit: size - 1) == nil)
    await unknown.discard()
    #expect(try bench.list("a").isEmpty)
  }

  @Test func noBytesAreNoPicture() async throws {
    #expect(try await stage([]).finish() == .failure(.unknownFormat))
    #expect(try bench.list("a").isEmpty)
  }

  @Test(arguments: [10, 1_500_000]) func whatIsDiscardedIsGone(_ size: Int) async throws {
    await (try await stage(sample(size))).discard()
    #expect(try bench.list("a").isEmpty)
    let finished = try await stage(sample(size))
    _ = try await finished.finish().get()
    await finished.discard()
    #expect(try bench.list("a").isEmpty)
  }

  @Test func temporaryNamesAreUnique() async throws {
    let names = try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<50 { group.addTask { try await stage(sample(20)).finish().get().temporary } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(names.count == 50)
    for name in names {
      #expect(DropNames.meaning(of: name) == .other)
      await bench.files.removeTemporary(cat.sibling(name))
    }
    #expect(try bench.list("a").isEmpty)
  }

  @Test func onlyTemporariesAreRemoved() async throws {
    try bench.write("a/cat.png", "mine")
    try bench.write("a/.promptdrop-x.tmp.png", "mine")
    for name in ["cat.png", ".promptdrop-x.tmp.png", "none"] {
      await bench.files.removeTemporary(bench.key("a/\(name)"))
    }
    #expect(try bench.list("a") == [".promptdrop-x.tmp.png", "cat.png"])
  }

  @Test func renamingNeverOverwrites() async throws {
    try bench.write("a/new", "new")
    try bench.write("a/file", "old")
    try bench.place.makeFolder("root/a/folder")
    symbolicLink("nowhere", at: bench.path("a/link"))
    for name in ["file", "folder", "link"] {
      #expect(
        try await bench.files.rename(Array("new".utf8), to: Array(name.utf8), beside: cat, durable: false) == false)
    }
    #expect(try bench.read("a/file") == "old")
    #expect(try bench.read("a/new") == "new")
    #expect(try await bench.files.rename(Array("new".utf8), to: Array("free".utf8), beside: cat, durable: false))
    #expect(try bench.read("a/free") == "new")
    #expect(!bench.exists("a/new"))
    try await bench.files.syncFolder(of: cat)
    _ = try await trouble("there is nothing to rename") { () async throws(LocalTrouble) in
      try await bench.files.rename(Array("new".utf8), to: Array("other".utf8), beside: cat, durable: false)
    }
  }

  @Test func oneOfManyRenamesToOneNameWins() async throws {
    for number in 0..<20 { try bench.write("a/t\(number)", "\(number)") }
    let won = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<20 {
        group.addTask {
          let isMine = try await bench.files.rename(
            Array("t\(number)".utf8), to: Array("cat.png".utf8), beside: cat, durable: false)
          return isMine ? 1 : 0
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(won == 1)
    #expect(try bench.list("a").count == 20)
  }

  @Test func aFolderThatIsGone() async throws {
    let lost = bench.key("gone/cat.prompt")
    let thrown = try await trouble("picture") { () async throws(LocalTrouble) in
      let staged = try await bench.files.stage(beside: lost)
      try await staged.append(sample(100))
      return try await staged.finish()
    }
    #expect(thrown.error.code == "folder-gone")
    #expect(!thrown.isFatal)
    let sync = try await trouble("sync") { () async throws(LocalTrouble) in try await bench.files.syncFolder(of: lost) }
    #expect(sync.error.code == "folder-gone")
    #expect(!sync.isFatal, "a folder that was moved away is the user's doing")
  }
}
