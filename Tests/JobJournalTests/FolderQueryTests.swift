import JobCore
import JobJournal
import Testing

/// What is asked about folders, and what happens to them as a whole.
@Suite struct FolderQueryTests {
  private func filled(_ maker: JournalMaker, _ paths: [String]) async throws -> JournalFixture {
    let bench = try await JournalFixture(maker)
    for path in paths { try await bench.take(JobID(path), bench.file(path)) }
    return bench
  }

  private func names(
    _ bench: JournalFixture, _ folder: String, deep: Bool, after: String? = nil, limit: Int = 99
  ) async throws -> [String] {
    try await bench.journal.prompts(
      in: bench.file(folder), deep: deep, after: after.map { DropPath($0) }, limit: limit
    ).map(\.path.display)
  }

  @Test(arguments: JournalMaker.all) func filesOfAFolder(_ maker: JournalMaker) async throws {
    let all = ["a.prompt", "a/1.prompt", "a/2.prompt", "a/b/3.prompt", "a0.prompt", "ab/4.prompt", "z.prompt"]
    let bench = try await filled(maker, all)
    #expect(try await names(bench, "", deep: true) == all.sorted())
    #expect(try await names(bench, "", deep: false) == ["a.prompt", "a0.prompt", "z.prompt"])
    #expect(try await names(bench, "a", deep: true) == ["a/1.prompt", "a/2.prompt", "a/b/3.prompt"])
    #expect(try await names(bench, "a", deep: false) == ["a/1.prompt", "a/2.prompt"])
    #expect(try await names(bench, "a", deep: true, after: "a/1.prompt", limit: 1) == ["a/2.prompt"])
    #expect(try await names(bench, "c", deep: true).isEmpty)
  }

  @Test(arguments: JournalMaker.all) func aFolderIsRenamed(_ maker: JournalMaker) async throws {
    let bench = try await filled(maker, ["a/1.prompt", "a/b/2.prompt", "a.prompt", "new/1.prompt"])
    let (from, to) = (bench.file("a"), bench.file("new"))
    #expect(try await bench.apply(.renamedFolder(from: from, to: to)) == .applied)
    #expect(
      try await names(bench, "", deep: true) == ["a.prompt", "a/1.prompt", "new/1.prompt", "new/b/2.prompt"],
      "one whose name is taken stays")
    #expect(try await bench.known(bench.file("new/b/2.prompt"))?.job == JobID("a/b/2.prompt"))
    #expect(
      try await bench.apply(.renamedFolder(from: bench.file("none"), to: to)) == .stale, "there is nothing below it")
    let elsewhere = bench.file("x", in: bench.otherRoot)
    #expect(try await bench.apply(.renamedFolder(from: to, to: elsewhere)) == .applied)
    let startable = try await bench.journal.startable(roots: [bench.otherRoot], at: start, limit: 9, except: [])
    #expect(startable.count == 2, "their slots went with them")
  }

  @Test(arguments: JournalMaker.all) func namesAreBytes(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let path = DropPath(bytes: [0xFF, 0x2F, 0xFE] + Array(".prompt".utf8))
    try await bench.take(JobID("odd"), FileKey(root: bench.root, path: path))
    let folder = FileKey(root: bench.root, path: DropPath(bytes: [0xFF]))
    #expect(try await bench.apply(.renamedFolder(from: folder, to: bench.file("plain"))) == .applied)
    let moved = DropPath(bytes: Array("plain/".utf8) + [0xFE] + Array(".prompt".utf8))
    #expect(try await bench.known(FileKey(root: bench.root, path: moved))?.job == JobID("odd"))
  }

  @Test(arguments: JournalMaker.all) func whoseARootIs(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    #expect(try await bench.journal.sharedRoots().isEmpty)
    #expect(try await bench.journal.isEmpty(bench.root))
    #expect(try await bench.apply(.shared(bench.root, with: "desk")) == .applied)
    #expect(try await bench.journal.sharedRoots() == [bench.root: "desk"])
    #expect(try await bench.apply(.shared(bench.root, with: nil)) == .applied)
    #expect(try await bench.journal.sharedRoots().isEmpty)
    try await bench.take(cat, bench.file("cat.prompt"))
    #expect(try await !bench.journal.isEmpty(bench.root))
    #expect(try await bench.journal.revisions(of: cat, since: start + .seconds(-1)) == 1)
    #expect(try await bench.journal.revisions(of: cat, since: start) == 0)
  }
}
