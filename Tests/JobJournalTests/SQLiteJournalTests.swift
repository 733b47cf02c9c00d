import Foundation
import JobCore
import JobJournal
import TestKit
import Testing

/// What is SQLite's own: files, locks, durability.
@Suite struct SQLiteJournalTests {
  private let place: TemporaryFolder

  init() throws { place = try TemporaryFolder() }

  private func open(_ name: String = "state") throws -> SQLiteJournal {
    try SQLiteJournal(try StateFolder(place.path(name)))
  }

  @Test func theFolderIsItsOwnersOnly() throws {
    let folder = try StateFolder(place.path("a/b/state"))
    for name in ["a", "a/b", "a/b/state"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: place.path(name))
      #expect(attributes[.posixPermissions] as? Int == 0o700, "\(name)")
    }
    #expect(folder.path == place.path("a/b/state"))
  }

  @Test func aSecondAgentIsRefused() throws {
    let first = try StateFolder(place.path("state"))
    #expect(throws: StateRefusal.locked(first.path)) { try StateFolder(place.path("state")) }
    try place.makeFolder("elsewhere")
    #expect(symlink(place.path("state"), place.path("elsewhere/link")) == 0)
    #expect(throws: StateRefusal.locked(first.path)) { try StateFolder(place.path("elsewhere/link")) }
    withExtendedLifetime(first) {}
  }

  @Test func theLockGoesWithItsOwner() throws {
    for _ in 1...3 { _ = try StateFolder(place.path("state")) }
  }

  @Test func whatIsNoFolderIsRefused() throws {
    try place.write("file", "x")
    for name in ["file", "file/below"] {
      #expect {
        try StateFolder(place.path(name))
      } throws: { error in
        if case .unusable? = error as? StateRefusal { true } else { false }
      }
    }
  }

  @Test func aCommitIsInTheFilesWhenItReturns() async throws {
    let journal = try open()
    let root = try await journal.root(path: Array("/srv/drop".utf8))
    #expect(place.exists("state/journal.sqlite-wal"))
    for number in 1...20 {
      let file = FileKey(root: root, path: DropPath("\(number).prompt"))
      #expect(try await journal.commit([.take(makeTake(JobID("job-\(number)"), file))]) == [.applied])
    }
    // As a kill would leave it: the database and its log, while it is open.
    try place.makeFolder("copy")
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
      try FileManager.default.copyItem(atPath: place.path("state/\(name)"), toPath: place.path("copy/\(name)"))
    }
    let copy = try open("copy")
    #expect(try await copy.census(roots: [root]) == [.queued: 20])
    #expect(try await copy.root(path: Array("/srv/drop".utf8)) == root)
    #expect(try await copy.jobs([JobID("job-20")]) == (try await journal.jobs([JobID("job-20")])))
    withExtendedLifetime(journal) {}
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3"), "needs the sqlite3 command"))
  func aNewerJournalIsRefused() async throws {
    do {
      let journal = try open()
      _ = try await journal.root(path: [47])
    }
    let database = place.path("state/journal.sqlite")
    let sqlite = try ChildProcess(
      "/usr/bin/sqlite3", [database, "INSERT INTO grdb_migrations VALUES ('9999-from-the-future')"])
    #expect(try await sqlite.wait() == .exited(0), "\(sqlite.standardError)")
    try await eventually("it is refused for its age, not its lock") {
      do {
        _ = try open()
        Issue.record("a newer journal was opened")
        return true
      } catch let error as JournalError {
        guard case .broken(let why) = error else { return false }
        return why.contains("newer")
      }
    }
  }

  @Test func whatIsNoJournalIsBroken() throws {
    try place.write("state/journal.sqlite", String(repeating: "This is no database. ", count: 500))
    #expect {
      try open()
    } throws: { error in
      if case .broken? = error as? JournalError { true } else { false }
    }
    #expect(try place.read("state/journal.sqlite").hasPrefix("This is no database."))
  }

  @Test func longTextsAreKeptWhole() async throws {
    let journal = try open()
    let root = try await journal.root(path: [47])
    var revision = makeRevision(text: String(repeating: "漢字🐈", count: 60_000))
    revision.snapshot.extra = ["k": .string(String(repeating: "\"\\", count: 10_000))]
    _ = try await journal.commit([
      .take(makeTake(cat, FileKey(root: root, path: DropPath(bytes: Array(repeating: 97, count: 4000))), revision))
    ])
    let job = try #require(try await journal.jobs([cat]).first ?? nil)
    #expect(job.revisions[1] == revision)
    #expect(job.file.path.bytes.count == 4000)
  }
}
