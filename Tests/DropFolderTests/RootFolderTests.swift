import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// One agent a folder, wherever its state is.
@Suite struct RootFolderTests {
  private let place: TemporaryFolder

  init() throws {
    place = try TemporaryFolder()
    for name in ["a/b/c", "a/d", "ab"] { try place.makeFolder(name) }
  }

  private func expectLocked(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect("\(name)", sourceLocation: sourceLocation) {
      try RootFolder(place.path(name))
    } throws: { error in
      if case .locked? = error as? RootRefusal { true } else { false }
    }
  }

  @Test func theSameFolderTwice() throws {
    let first = try RootFolder(place.path("a"))
    #expect(first.path == Array(place.path("a").utf8))
    #expect(throws: RootRefusal.locked(place.path("a"))) { try RootFolder(place.path("a")) }
    symbolicLink("a", at: place.path("link"))
    #expect(throws: RootRefusal.locked(place.path("a"))) { try RootFolder(place.path("link")) }
    expectLocked("a/../a/")
    withExtendedLifetime(first) {}
  }

  @Test func aFolderBelowAnotherAgents() throws {
    let first = try RootFolder(place.path("a"))
    expectLocked("a/b")
    expectLocked("a/b/c")
    withExtendedLifetime(first) {}
  }

  @Test func aFolderAboveAnotherAgents() throws {
    let first = try RootFolder(place.path("a/b/c"))
    expectLocked("a/b")
    expectLocked("a")
    withExtendedLifetime(first) {}
  }

  @Test func foldersBesideOneAnother() throws {
    let folders = try ["a/b", "a/d", "ab"].map { try RootFolder(place.path($0)) }
    #expect(folders.count == 3)
    expectLocked("a")
  }

  @Test func aRefusalTakesNoLock() throws {
    do {
      let first = try RootFolder(place.path("a/b"))
      expectLocked("a")
      expectLocked("a/b/c")
      withExtendedLifetime(first) {}
    }
    for name in ["a", "a/b/c", "a/b", "a/d"] { _ = try RootFolder(place.path(name)) }
  }

  @Test func whatCannotBeARoot() throws {
    try place.write("file", "x")
    for name in ["none", "file", "none/below"] {
      #expect("\(name)") {
        try RootFolder(place.path(name))
      } throws: { error in
        if case .unusable? = error as? RootRefusal { true } else { false }
      }
    }
  }

  @Test func overlapIsOfWholeParts() throws {
    let folder = try RootFolder(place.path("a/b"))
    func bytes(_ name: String) -> [UInt8] { Array(place.path(name).utf8) }
    for (name, overlaps, contains) in [
      ("a/b", true, true), ("a/b/c", true, true), ("a", true, false), ("", true, false), ("a/bc", false, false),
      ("a/d", false, false), ("ab", false, false),
    ] {
      #expect(folder.overlaps(bytes(name)) == overlaps, "\(name)")
      #expect(folder.contains(bytes(name)) == contains, "\(name)")
    }
    #expect(folder.overlaps([47]))
    #expect(!folder.contains([47]))
  }

  @Test func aRootThatWasRenamedIsStillTheSameFolder() async throws {
    let bench = try FilesFixture(place, root: "a/root")
    try bench.write("cat.prompt", "A cat")
    try place.rename("a/root", to: "ab/moved")
    #expect(try await bench.readOne("cat.prompt").promptBytes == Array("A cat".utf8))
    try place.makeFolder("a/root")
    try place.write("a/root/cat.prompt", "Another")
    #expect(try await bench.readOne("cat.prompt").promptBytes == Array("A cat".utf8))
    try place.remove("ab/moved")
    #expect(try await bench.readOne("cat.prompt").prompt == .missing)
    let thrown = try await trouble("sidecar") { () async throws(LocalTrouble) in
      try await bench.files.writeSidecar(oursSample, of: bench.key("cat.prompt"), durable: true)
    }
    #expect(thrown.error.code == "folder-gone")
  }
}
