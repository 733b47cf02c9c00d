import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// A folder is opened once for a batch, and never serves what was asked for after that: by then another one may stand there.
@Suite struct OpenFoldersTests {
  private let bench: FilesFixture
  private let folder: FileKey
  private let folders = OpenFolders()

  init() throws {
    bench = try FilesFixture()
    try bench.write("a/cat.prompt", "A cat")
    folder = bench.key("a")
  }

  private func identity(asked: OpenFolders.Moment) throws -> FolderSync.Folder {
    try folders.folder(folder, asked: asked) { () throws(LocalTrouble) in
      OpenFolder(try bench.files.openFolder(of: bench.key("a/cat.prompt")))
    }.descriptor.place()
  }

  @Test func itServesWhatWasAskedForBefore() throws {
    let asked = folders.now
    let first = try identity(asked: asked)
    try FileManager.default.moveItem(atPath: bench.path("a"), toPath: bench.path("b"))
    try bench.write("a/cat.prompt", "Another cat")
    #expect(try identity(asked: asked) == first, "one batch")
    let second = try identity(asked: folders.now)
    #expect(second != first, "it was asked for after the folder was opened")
    #expect(try identity(asked: asked) == second)
  }

  @Test func itIsClosedWithTheBatch() throws {
    let asked = folders.now
    let first = try identity(asked: asked)
    try FileManager.default.moveItem(atPath: bench.path("a"), toPath: bench.path("b"))
    try bench.write("a/cat.prompt", "Another cat")
    folders.letGo()
    #expect(try identity(asked: asked) != first)
  }
}
