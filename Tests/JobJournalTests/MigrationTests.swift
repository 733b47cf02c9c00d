import Foundation
import GRDB
import JobCore
import TestKit
import Testing

@testable import JobJournal

/// A journal of the first version, with rows in every state, opened by this one.
@Suite struct MigrationTests {
  private let place: TemporaryFolder
  private static let error =
    #""error":{"code":"some-trouble","message":"Something went wrong.","hint":"Put it right.","retryable":true}"#
  private static let task = #""task":{"id":"ta5c9705","accepted":1769850003000,"refreshes":2}"#
  private static let held = JobJournalTests.trouble

  // As the first version wrote them: state, detail, task of the last attempt, and what it means.
  private static let rows: [(word: String, detail: String, task: String?, state: SlotState)] = [
    ("queued", "{}", nil, .queued(Queued())),
    (
      "queued", "{\(error),\"not_before\":1769850060000}", nil,
      .queued(Queued(notBefore: start + .seconds(60), error: held))
    ),
    ("submitting", "{}", nil, .submitting),
    ("submitted", "{\(task)}", "ta5c9705", .submitted(JobJournalTests.task)),
    (
      "fetching", #"{\#(task),"results":[{"url":"u"},{"text":"No."},{}]}"#, "ta5c9705",
      .fetching(Fetching(task: JobJournalTests.task, results: [.url("u"), .text("No."), .inlineElsewhere]))
    ),
    ("done", "{}", "ta-done", .done), ("failed", "{\(error)}", nil, .failed(held)),
    (
      "held", #"{"reason":"submission-outcome-unknown",\#(error)}"#, nil,
      .held(Held(reason: .submissionOutcomeUnknown, error: held))
    ),
    (
      "held", #"{"reason":"paid-not-fetched",\#(error),\#(task)}"#, "ta5c9705",
      .held(Held(reason: .paidNotFetched, error: held, task: JobJournalTests.task))
    ),
    ("cancelled", #"{"reason":"source-gone"}"#, nil, .cancelled(.sourceGone)),
  ]

  init() throws { place = try TemporaryFolder() }

  private func attempts(_ index: Int, _ task: String?) -> String {
    let times = #""boot_id":"b","started_at":"2026-01-31T09:00:00.000Z","ended_at":null"#
    let refused = #"{"n":1,"attempt_id":"first-\#(index)","outcome":"refused","task_id":null,\#(times)}"#
    let last = task.map { "\"\($0)\"" } ?? "null"
    return #"[\#(refused),{"n":2,"attempt_id":"second-\#(index)","outcome":"accepted","task_id":\#(last),\#(times)}]"#
  }

  private func makeFirstVersion(spoil: String? = nil) throws {
    try place.makeFolder("state")
    let database = try DatabaseQueue(path: place.path("state/journal.sqlite"))
    try Migrations.all.migrate(database, upTo: "1")
    let columns = try database.read { try $0.columns(in: "slot").map(\.name) }
    #expect(columns.count == 12 && !columns.contains("task_id"))
    try database.write { db in
      try db.execute(sql: "INSERT INTO root VALUES (1, ?)", arguments: [Data("/srv/drop".utf8)])
      for (index, row) in Self.rows.enumerated() {
        let job = "job-\(index)"
        try db.execute(
          sql: "INSERT INTO job VALUES (?, 1, ?, 1, ?, NULL, NULL, NULL, 0, 1769850000000, 1769850000000)",
          arguments: [job, Data("\(index).prompt".utf8), row.word])
        try db.execute(
          sql: "INSERT INTO revision VALUES (?, 1, 'p', 's', NULL, 'r', ?, 1, 1769850000000)",
          arguments: [job, #"{"prompt":"A cat.","model":"m","images":[],"extra":{}}"#])
        try db.execute(
          sql: "INSERT INTO slot VALUES (?, 1, 1, 1, ?, ?, 1769850000000, 3, 'status', '0.500000', ?, ?)",
          arguments: [
            job, spoil ?? row.word, 1_769_850_000_000 + index, row.detail,
            index == 0 ? "[]" : attempts(index, row.task),
          ])
        try db.execute(
          sql: "INSERT INTO output VALUES (?, 1, 1, 1, 1, ?, 'sha', 9, 'png', 2, 3, NULL)",
          arguments: [job, Data("\(index).png".utf8)])
      }
    }
  }

  @Test func everythingIsKeptAndTasksAreFound() async throws {
    try makeFirstVersion()
    let journal = try SQLiteJournal(try StateFolder(place.path("state")))
    #expect(try await journal.roots() == [RootID(1): Array("/srv/drop".utf8)])
    _ = try await journal.root(path: Array("/srv/new".utf8))
    _ = try await journal.root(path: Array("/srv/drop".utf8))
    #expect(try await journal.rootsOfFormerExcludes() == [RootID(1)], "a root that is new has no former rules")
    var tasks: [String: Set<SlotKey>] = [:]
    for (index, row) in Self.rows.enumerated() {
      let key = slotKey(JobID("job-\(index)"))
      let slot = try #require(try await journal.slots(of: key.job, revision: 1).first)
      #expect(slot.state == row.state, "\(row.word)")
      #expect(slot.failures == 3 && slot.serviceStatus == "status" && slot.consumed == "0.500000")
      if index > 0 {
        #expect(slot.attempts.map(\.attemptID) == ["first-\(index)", "second-\(index)"])
        #expect(slot.attempts.map(\.taskID) == [nil, row.task])
        #expect(slot.attempts.allSatisfy { $0.requestSHA == nil && $0.callbackSHA == nil && $0.reserved == nil })
      }
      if let task = row.task { tasks[task, default: []].insert(key) }
      let job = try #require(try await journal.jobs([key.job]).first ?? nil)
      #expect(job.state.rawValue == row.word && job.outputs.map(\.file) == [Array("\(index).png".utf8)])
      #expect(job.revisions[1]?.snapshot.prompt == "A cat.")
    }
    for (task, keys) in tasks { #expect(Set(try await journal.slots(task: task)) == keys, "\(task)") }
    let ready = try await journal.startable(roots: [RootID(1)], at: .distantFuture, limit: 99, except: [])
    #expect(ready == [slotKey(JobID("job-0")), slotKey(JobID("job-1"))], "the queue keeps its order")
    #expect(try await journal.underWay(roots: [RootID(1)]).count == 3)
    // What is new is there, and empty.
    #expect(try await journal.openEvidence().isEmpty)
    #expect(try await journal.spending(since: .min).isEmpty)
    #expect(try await journal.prices().isEmpty)
    #expect(try await journal.callback("x") == nil)
    #expect(try await journal.stillTried(roots: [RootID(1)]).isEmpty, "what was held stays as it is")
    #expect(try await journal.lateInARow(roots: [RootID(1)]).isEmpty)
    #expect(try #require(try await journal.jobs([JobID("job-5")]).first ?? nil).outputs.first?.warning == nil)
    // And its slots go on.
    var slot = try #require(try await journal.slots(of: JobID("job-2"), revision: 1).first)
    slot.state = .submitted(JobJournalTests.task)
    #expect(try await journal.commit([.move(slot, from: .submitting, outputs: [])]) == [.applied])
  }

  @Test func openedTwiceIsMigratedOnce() async throws {
    try makeFirstVersion()
    do {
      let journal = try SQLiteJournal(try StateFolder(place.path("state")))
      _ = try await journal.commit([.release(attemptID: "x")])
    }
    let place = place
    try await eventually("it can be opened again") {
      let journal = try SQLiteJournal(try StateFolder(place.path("state")))
      return try await journal.underWay(roots: [RootID(1)]).count == 3
    }
  }

  /// A state that no version knows: it is refused, and the journal is still one of the first version.
  @Test func aBadRowIsRefusedAndNothingIsChanged() throws {
    try makeFirstVersion(spoil: "submitteD")
    var why = ""
    do {
      _ = try SQLiteJournal(try StateFolder(place.path("state")))
      Issue.record("migrated")
    } catch JournalError.broken(let words) {
      why = words
    }
    #expect(why.contains("damaged") && why.contains(SQLiteJournal.backupName), "\(why)")
    let database = try DatabaseQueue(path: place.path("state/journal.sqlite"))
    #expect(try database.read { try $0.columns(in: "slot").count } == 12)
    #expect(try database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM slot") } == Self.rows.count)
  }

  // The third version kept no order among what waits for the same moment: when its file was first seen decides now.
  @Test func whatWaitsKeepsTheOrderOfItsComing() async throws {
    try place.makeFolder("state")
    let database = try DatabaseQueue(path: place.path("state/journal.sqlite"))
    try Migrations.all.migrate(database, upTo: "3")
    try await database.write { db in
      try db.execute(sql: "INSERT INTO root (id, path) VALUES (1, ?)", arguments: [Data("/srv/drop".utf8)])
      for (index, age) in [30, 10, 20].enumerated() {
        try db.execute(
          sql: """
            INSERT INTO job (id, root, path, current, state, created_at, updated_at) VALUES (?, 1, ?, 1, 'queued', ?, 0)
            """, arguments: ["job-\(index)", Data("\(index).prompt".utf8), 1_769_850_000_000 - age])
        try db.execute(
          sql: "INSERT INTO slot VALUES (?, 1, 1, 1, 'queued', 1769850000000, 0, 0, NULL, NULL, '{}', '[]', NULL)",
          arguments: ["job-\(index)"])
      }
    }
    try database.close()
    let journal = try SQLiteJournal(try StateFolder(place.path("state")))
    let ready = try await journal.startable(roots: [RootID(1)], at: .distantFuture, limit: 9, except: [])
    #expect(ready.map(\.job.text) == ["job-0", "job-2", "job-1"])
  }

  /// What a journal's tables are held against when it is opened.
  @Test func theFingerprintIsThatOfAllMigrations() throws {
    let database = try DatabaseQueue()
    try Migrations.all.migrate(database)
    #expect(try database.read { try Migrations.fingerprint($0) } == Migrations.made)
  }

  @Test func noForeignWordCanBeWritten() async throws {
    let journal = try SQLiteJournal(try StateFolder(place.path("state")))
    let root = try await journal.root(path: [47])
    _ = try await journal.commit([.take(makeTake(cat, FileKey(root: root, path: DropPath("cat.prompt"))))])
    for sql in [
      "UPDATE slot SET state = 'submitteD'", "UPDATE slot SET detail = '{'", "UPDATE slot SET attempts = 'x'",
    ] {
      await #expect(throws: JournalError.self) { try await journal.run { try $0.execute(sql: sql) } }
    }
    #expect(try await journal.slots(of: cat, revision: 1).map(\.state.name) == [.queued])
  }
}
