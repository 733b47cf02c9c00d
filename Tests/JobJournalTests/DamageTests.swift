import Foundation
import JobCore
import TestKit
import Testing

@testable import JobJournal

/// A journal that went bad on the disk: it is refused with words that help, or it tells the truth where money hangs on it.
@Suite struct DamageTests {
  /// Whether it was refused; a refusal that does not help is an issue.
  private func isRefused(_ error: any Error, _ what: String) -> Bool {
    guard case .broken(let why)? = error as? JournalError else {
      Issue.record("\(what): \(error)")
      return true
    }
    if !why.contains("damaged") || !why.contains("journal.sqlite") || !why.contains(SQLiteJournal.backupName) {
      Issue.record("\(what): these words do not say what to do: \(why)")
    }
    return true
  }

  @Test(arguments: SplitMix64.seeds(2)) func flippedBytes(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    let filled = try await FilledJournal()
    var (refused, unseen) = (0, 0)
    for round in 0..<150 {
      var bytes = filled.whole
      let offset = Int.random(in: bytes.indices, using: &random)
      // A bit, a byte, or a stretch.
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1: bytes[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 2: bytes[offset] = UInt8.random(in: 0...255, using: &random)
      default:
        for index in offset..<min(offset + 600, bytes.count) {
          bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
      }
      if bytes == filled.whole { continue }
      let what = "seed \(seed), round \(round), offset \(offset)"
      let journal: SQLiteJournal
      do {
        journal = try filled.open(bytes, "round-\(round)")
      } catch {
        if isRefused(error, what) { refused += 1 }
        continue
      }
      do {
        let reported = try await JournalContent(journal, filled.roots, filled.jobs, filled.files)
        if reported != filled.reported {
          unseen += 1
        }
        try agree(reported, filled.reported, what)
      } catch is JournalError {
        refused += 1
      }
    }
    #expect(refused > 20, "seed \(seed): \(refused) refused, \(unseen) unseen")
  }

  // Where it was opened and read: what may be submitted, what is under way, and what is paid for is as it was.
  private func agree(_ reported: JournalContent, _ truth: JournalContent, _ what: String) throws {
    #expect(reported.startable.isSubset(of: truth.startable), "\(what): may be submitted again")
    #expect(reported.underWay == truth.underWay, "\(what): what is under way")
    for (key, slot) in reported.slots {
      guard let true_ = truth.slots[key] else {
        Issue.record("\(what): \(key) is none")
        continue
      }
      #expect(slot.state.name == true_.state.name, "\(what): \(key)")
    }
  }

  /// A copy that the same program made has the same tables: the advice ends with a start.
  @Test func tablesOfAnotherBuildAreRefused() async throws {
    let place = try TemporaryFolder()
    let path = place.path("state")
    do {
      let journal = try SQLiteJournal(try StateFolder(path))
      try await journal.run { try $0.execute(sql: "ALTER TABLE job ADD COLUMN other TEXT") }
      #expect(try await journal.backUp(unlessYoungerThan: .zero, now: start))
    }
    func refusal() throws -> String {
      do {
        _ = try SQLiteJournal(try StateFolder(path))
      } catch JournalError.broken(let why) { return why }
      return ""
    }
    let why = try refusal()
    #expect(isRefused(JournalError.broken(why), "other tables") && why.hasPrefix("its tables"), "\(why)")
    #expect(why.contains("another build") && why.contains("in the same words"), "\(why)")
    try place.remove("state/journal.sqlite")
    try place.write("state/journal.sqlite", bytes: try place.bytes("state/\(SQLiteJournal.backupName)"))
    #expect(try refusal() == why)
    try place.remove("state/\(SQLiteJournal.backupName)")
    try place.remove("state/journal.sqlite")
    #expect(try refusal() == "")
  }

  @Test func truncated() async throws {
    let filled = try await FilledJournal()
    let pages = stride(from: 0, to: filled.whole.count, by: 4096)
    let lengths = Array(pages) + pages.flatMap { [$0 + 1, $0 + 99, $0 + 2048, $0 + 4095] }
    for length in lengths where length > 0 && length < filled.whole.count {
      do {
        let journal = try filled.open(Array(filled.whole.prefix(length)), "length-\(length)")
        let reported = try await JournalContent(journal, filled.roots, filled.jobs, filled.files)
        // To SQLite a file of a few bytes is an empty one: the same as a journal that is gone, and never half of one. What is
        // missing of the last page it takes for zeros, which is what may have stood there: then it is the whole journal.
        if length < 100 {
          #expect(reported.startable.isEmpty && reported.slots.isEmpty)
        } else {
          #expect(reported == filled.reported, "\(length) of \(filled.whole.count) bytes are taken for a journal")
        }
      } catch {
        _ = isRefused(error, "\(length) bytes")
      }
    }
  }

  /// A state that went bad is a slot that nobody would look for; a queue that went bad is one that is submitted again. What
  /// SQLite takes for right is found at opening all the same.
  @Test(arguments: [
    "UPDATE job SET state = 5 WHERE state = 4", "UPDATE job SET state = 4 WHERE state = 0",
    "UPDATE job SET current = 2 WHERE id = 3", "UPDATE job SET source = source + 1 WHERE id = 5",
    "UPDATE job SET uuid = x'00000000000000000000000000000000' WHERE id = 4",
    "UPDATE job SET body = (SELECT body FROM job WHERE id = 2) WHERE id = 1", "UPDATE job SET loose = 1 WHERE id = 2",
    "DELETE FROM open_slot WHERE state = 0", "DELETE FROM open_slot WHERE state = 1",
    "UPDATE open_slot SET state = 0 WHERE state = 6", "UPDATE open_slot SET due_at = due_at - 1 WHERE state = 0",
    "UPDATE open_slot SET job = job + 1000 WHERE state = 1", "DELETE FROM task WHERE job = 6",
    "DELETE FROM job WHERE id = 1",
    "UPDATE word SET text = 'model-b' WHERE text = 'model-a'",
  ])
  func whatIsNotAsItWasWrittenIsFoundAtOpening(sql: String) async throws {
    let filled = try await FilledJournal()
    do {
      let journal = try filled.open(filled.whole, "spoiled")
      try await journal.run { try $0.execute(sql: sql) }
    }
    do {
      _ = try SQLiteJournal(try StateFolder(filled.place.path("spoiled")))
      Issue.record("not found: \(sql)")
    } catch {
      _ = isRefused(error, sql)
    }
  }

  /// A transaction that failed cannot be taken back as a whole: the first error is told all the same, which after a failed
  /// sync ends the process, and no call goes on with what may not be in the file.
  @Test func theFirstErrorIsTheOneThatIsReported() async throws {
    let filled = try await FilledJournal()
    // SQLITE_IOERR_FSYNC and SQLITE_FULL.
    let (sync, room) = (SQLiteError(code: 10 | 4 << 8, message: "sync"), SQLiteError(code: 13, message: "room"))
    for (first, reported) in [(sync, JournalError.broken("\(sync)")), (room, .full("room"))] {
      let journal = try filled.open(filled.whole, first.message)
      try await journal.run { store in
        try store.execute(sql: "UPDATE word SET checksum = checksum + 1")
        #expect(throws: Unreadable.self) { try store.words.load() }
        #expect(store.words[1] != nil, "what is not read does not take away what was")
      }
      await #expect(throws: reported) {
        try await journal.run { store in try store.transaction { () throws -> Void in throw first } }
      }
      for job in filled.jobs.prefix(2) {
        let error = await #expect(throws: JournalError.self) { try await journal.jobs([job]) }
        guard case .broken(let why)? = error else { continue }
        #expect(!why.contains("damaged") && why.contains("could not be taken back"), "\(why)")
      }
      let error = await #expect(throws: JournalError.self) { try await journal.census(roots: filled.roots) }
      if case .full? = error { Issue.record("it would be tried again for ever") }
    }
  }

  /// Of a large journal not every row is looked at when it is opened, but each one that is read.
  @Test func aBadRowIsFoundWhenItIsRead() async throws {
    let filled = try await FilledJournal()
    let journal = try filled.open(filled.whole, "spoiled")
    try await journal.run {
      try $0.execute(sql: "UPDATE job SET body = CAST(substr(body, 1, 20) || x'FF' || substr(body, 22) AS BLOB)")
    }
    for job in filled.jobs {
      await #expect(throws: JournalError.self) { try await journal.jobs([job]) }
      await #expect(throws: JournalError.self) {
        try await journal.commit([.move(Slot(key: slotKey(job), state: .done), from: .queued, outputs: [])])
      }
    }
  }

  @Test(arguments: ["This is no database. ", "\0", "SQLite format 3\0 and then something else altogether. "])
  func whatIsNoDatabaseIsRefused(text: String) throws {
    let place = try TemporaryFolder()
    let bytes = Array(String(repeating: text, count: 20_000 / text.utf8.count).utf8)
    try place.write("state/journal.sqlite", bytes: bytes)
    do {
      _ = try SQLiteJournal(try StateFolder(place.path("state")))
      Issue.record("taken for a journal")
    } catch {
      _ = isRefused(error, "no database")
    }
    #expect(try place.bytes("state/journal.sqlite") == bytes, "and left as it is")
  }
}
