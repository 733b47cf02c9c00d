import Foundation
import JobCore
import TestKit
import Testing

@testable import DropFolder

/// A folder's entries, sorted into what matters.
@Suite struct FolderScanTests {
  private func scan(_ bench: FilesFixture, _ path: String = "") throws -> ([String], [String]) {
    let scan = try FolderScan(bench.files.open(RootID(1), Array(path.utf8), O_RDONLY | O_DIRECTORY))
    func texts(_ names: [[UInt8]]) -> [String] { names.map { String(decoding: $0, as: UTF8.self) } }
    return (texts(scan.folders).sorted(), texts(scan.names))
  }

  @Test func namesThatMatterInOrder() throws {
    let bench = try FilesFixture()
    let files = [
      "b.prompt", "a.prompt", "a.images", ".promptdrop.yaml", ".a.images.Xy12Zz", ".promptdrop-1.tmp", "a.png",
      "a.status.json", ".hidden.prompt", "notes.txt", "ref.png", "a.prompt~", "B.prompt",
      "cat.sync-conflict-20260131-101500-ABCDEFG.prompt",
    ]
    for file in files { try bench.write(file, "x") }
    for folder in ["sub", ".git", "@eaDir", "x.prompt", ".promptdrop-2.tmp"] {
      try bench.place.makeFolder("root/\(folder)")
    }
    symbolicLink("sub", at: bench.path("link"))
    symbolicLink("a.prompt", at: bench.path("link.prompt"))
    #expect(mkfifo(bench.path("fifo.prompt"), 0o644) == 0)
    let (folders, names) = try scan(bench)
    #expect(folders == ["sub", "x.prompt"])
    #expect(
      names == [
        ".a.images.Xy12Zz", ".promptdrop-1.tmp", ".promptdrop.yaml", "B.prompt", "a.images", "a.prompt", "b.prompt",
        "cat.sync-conflict-20260131-101500-ABCDEFG.prompt", "fifo.prompt", "link.prompt", "x.prompt",
      ])
    #expect(try scan(bench, "sub") == ([], []))
  }

  @Test func manyEntries() throws {
    let bench = try FilesFixture()
    for number in 0..<3000 { try bench.write("n\(number).prompt", "") }
    #expect(try scan(bench).1.count == 3000)
    #expect(try scan(bench).1.count == 3000, "the second look begins at the start as well")
  }

  @Test func whatIsNoFolder() throws {
    let bench = try FilesFixture()
    try bench.write("file", "x")
    symbolicLink("/etc", at: bench.path("link"))
    for (name, number) in [("none", ENOENT), ("file", ENOTDIR), ("link", ELOOP), ("../root", EXDEV)] {
      #expect("\(name)") {
        _ = try scan(bench, name)
      } throws: { error in
        (error as? SystemError)?.number == number
      }
    }
  }
}
