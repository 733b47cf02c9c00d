import Foundation
import JobCore
import JobJournal
import TestKit
import Testing

/// The daily copy.
@Suite struct BackupTests {
  private let place: TemporaryFolder
  private static let name = "state/\(SQLiteJournal.backupName)"
  private static let day = Duration.seconds(86_400)

  init() throws { place = try TemporaryFolder() }

  private func open(_ name: String = "state") throws -> SQLiteJournal {
    try SQLiteJournal(try StateFolder(place.path(name)))
  }

  private func written() throws -> Timestamp {
    var info = stat()
    try #require(stat(place.path(Self.name), &info) == 0)
    return Timestamp(milliseconds: Int64(info.st_mtim.tv_sec) * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000)
  }

  private func fill(_ journal: SQLiteJournal, _ numbers: ClosedRange<Int>) async throws -> RootID {
    let root = try await journal.root(path: Array("/srv/drop".utf8))
    for number in numbers {
      let file = FileKey(root: root, path: DropPath("\(number).prompt"))
      _ = try await journal.commit([.take(makeTake(JobID("job-\(number)"), file))])
    }
    return root
  }

  @Test func theCopyCanBeOpenedAndHasEverything() async throws {
    let journal = try open()
    let root = try await fill(journal, 1...50)
    #expect(try await journal.backUp(unlessYoungerThan: Self.day, now: start))
    let names = try place.list("state")
    #expect(names.contains(SQLiteJournal.backupName))
    #expect(
      !names.contains { $0.hasPrefix(SQLiteJournal.backupName + ".") || $0.hasPrefix(SQLiteJournal.backupName + "-") })
    try place.makeFolder("copy")
    try FileManager.default.copyItem(atPath: place.path(Self.name), toPath: place.path("copy/journal.sqlite"))
    let copy = try open("copy")
    let ids = (1...50).map { JobID("job-\($0)") }
    #expect(try await copy.jobs(ids) == (try await journal.jobs(ids)))
    #expect(try await copy.census(roots: [root]) == [.queued: 50])
    // And it can be gone on with.
    _ = try await fill(copy, 51...52)
    #expect(try await copy.census(roots: [root]) == [.queued: 52])
  }

  @Test func aYoungOneIsKept() async throws {
    let journal = try open()
    _ = try await fill(journal, 1...1)
    #expect(try await journal.backUp(unlessYoungerThan: Self.day, now: start))
    let first = try place.bytes(Self.name)
    let made = try written()
    _ = try await fill(journal, 2...2)
    for age in [Duration.zero, .seconds(1), Self.day - .milliseconds(1)] {
      #expect(try await !journal.backUp(unlessYoungerThan: Self.day, now: made + age))
    }
    #expect(try place.bytes(Self.name) == first)
    #expect(try await journal.backUp(unlessYoungerThan: Self.day, now: made + Self.day))
    #expect(try place.bytes(Self.name) != first)
    // One from the future says nothing of its age.
    #expect(try await journal.backUp(unlessYoungerThan: Self.day, now: try written() - .seconds(1)))
  }

  @Test func whatAKillLeftIsNoHindrance() async throws {
    let journal = try open()
    let root = try await fill(journal, 1...3)
    try place.write(Self.name + ".new", "half a copy")
    #expect(try await journal.backUp(unlessYoungerThan: Self.day, now: start))
    #expect(!place.exists(Self.name + ".new"))
    try FileManager.default.createDirectory(atPath: place.path("copy"), withIntermediateDirectories: false)
    try FileManager.default.copyItem(atPath: place.path(Self.name), toPath: place.path("copy/journal.sqlite"))
    #expect(try await open("copy").census(roots: [root]) == [.queued: 3])
  }

  /// No room for a copy: the one that is there stays, nothing half is left, and the journal itself goes on.
  @Test(.enabled(if: SmallDisk.mayMount, "needs the right to mount a small file system (root)"))
  func aFullDiskKeepsTheOldCopy() async throws {
    let place = place
    try await SmallDisk.with(place, size: "3m") {
      let journal = try open("disk/state")
      let root = try await fill(journal, 1...50)
      #expect(try await journal.backUp(unlessYoungerThan: Self.day, now: start))
      let first = try place.bytes("disk/\(Self.name)")
      try SmallDisk.fill(place)
      do {
        _ = try await journal.backUp(unlessYoungerThan: .zero, now: .distantFuture)
        Issue.record("a copy on a full disk")
      } catch let error as JournalError {
        guard case .full = error else {
          Issue.record("\(error)")
          return
        }
      }
      #expect(try place.bytes("disk/\(Self.name)") == first)
      try place.remove("disk/ballast")
      #expect(try await journal.backUp(unlessYoungerThan: .zero, now: .distantFuture))
      #expect(try place.list("disk/state").filter { $0.hasSuffix(".new") || $0.contains(".new-") }.isEmpty)
      #expect(try await journal.census(roots: [root]) == [.queued: 50])
    }
  }
}
