import Foundation
import JobCore
import TestKit
import Testing

@testable import JobJournal

/// Journals of earlier versions, opened by this one.
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

  private var file: String { place.path("state/journal.sqlite") }

  private func open() throws -> SQLiteJournal { try SQLiteJournal(try StateFolder(place.path("state"))) }

  private func attempts(_ index: Int, _ task: String?) -> String {
    let times = #""boot_id":"b","started_at":"2026-01-31T09:00:00.000Z","ended_at":null"#
    let refused = #"{"n":1,"attempt_id":"first-\#(index)","outcome":"refused","task_id":null,\#(times)}"#
    let last = task.map { "\"\($0)\"" } ?? "null"
    return #"[\#(refused),{"n":2,"attempt_id":"second-\#(index)","outcome":"accepted","task_id":\#(last),\#(times)}]"#
  }

  // Tables as they were up to a version, with nothing in them.
  private func makeFormer(upTo version: Int) throws -> Connection {
    try place.makeFolder("state")
    let old = try Connection(path: file)
    try old.execute(
      sql: "PRAGMA journal_mode = WAL; CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
    try FormerSchema.complete(old, from: [], upTo: version)
    return old
  }

  private func makeFirstVersion(spoil: String? = nil) throws {
    let old = try makeFormer(upTo: 1)
    try old.run("INSERT INTO root VALUES (1, ?)", .bytes(Array("/srv/drop".utf8)))
    for (index, row) in Self.rows.enumerated() {
      let job = SQLValue.text("job-\(index)")
      try old.run(
        "INSERT INTO job VALUES (?, 1, ?, 1, ?, NULL, NULL, NULL, 0, 1769850000000, 1769850000000)", job,
        .bytes(Array("\(index).prompt".utf8)), .text(row.word))
      try old.run(
        "INSERT INTO revision VALUES (?, 1, 'p', 's', NULL, 'r', ?, 1, 1769850000000)", job,
        .text(#"{"prompt":"A cat.","model":"m","images":[],"extra":{}}"#))
      try old.run(
        "INSERT INTO slot VALUES (?, 1, 1, 1, ?, ?, 1769850000000, 3, 'status', '0.500000', ?, ?)", job,
        .text(spoil ?? row.word), .number(1_769_850_000_000 + index), .text(row.detail),
        .text(index == 0 ? "[]" : attempts(index, row.task)))
      try old.run(
        "INSERT INTO output VALUES (?, 1, 1, 1, 1, ?, 'sha', 9, 'png', 2, 3, NULL)", job,
        .bytes(Array("\(index).png".utf8)))
    }
  }

  @Test func everythingIsKeptAndTasksAreFound() async throws {
    try makeFirstVersion()
    let journal = try open()
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
    #expect(try await journal.pendingEvents(limit: 9).isEmpty)
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
    for _ in 1...2 {
      let journal = try open()
      #expect(try await journal.underWay(roots: [RootID(1)]).count == 3)
      _ = try await journal.commit([.release(attemptID: "x")])
    }
    #expect(try place.list("state").sorted() == ["journal-1.sqlite", "journal.sqlite", "lock"])
  }

  /// What a migration got wrong can be mended.
  @Test func theFormerFileIsKept() async throws {
    try makeFirstVersion()
    try place.write("state/journal-1.sqlite", "of an earlier try")
    let before = try place.bytes("state/journal.sqlite")
    let journal = try open()
    #expect(try place.bytes("state/journal-1.sqlite") == before)
    _ = try await journal.root(path: Array("/srv/new".utf8))
    #expect(try place.bytes("state/journal-1.sqlite") == before, "it is a file of its own")
  }

  @Test func whereTheFormerFileCannotBeKeptItGoesOn() async throws {
    try makeFirstVersion()
    try place.makeFolder("state/journal-1.sqlite")
    let journal = try open()
    #expect(try await journal.underWay(roots: [RootID(1)]).count == 3)
  }

  /// The sixth version forgot the attempts of finished pictures after a while, and kept their tasks.
  @Test func tasksOfForgottenAttemptsAreFound() async throws {
    let (called, other) = (slotKey(cat), slotKey(cat, 1, 2))
    do {
      let old = try makeFormer(upTo: 6)
      try old.run("INSERT INTO root (id, path) VALUES (1, ?)", .bytes(Array("/srv/drop".utf8)))
      try old.run(
        """
        INSERT INTO job (id, root, path, current, state, created_at, updated_at)
        VALUES (?, 1, ?, 1, 'done', 1769850000000, 0)
        """, .text(cat.text), .bytes(Array("cat.prompt".utf8)))
      try old.run(
        "INSERT INTO revision VALUES (?, 1, 'p', 's', NULL, 'r', ?, 2, 1769850000000)", .text(cat.text),
        .text(#"{"prompt":"A cat.","model":"m","images":[],"extra":{}}"#))
      for key in [called, other] {
        try old.run(
          "INSERT INTO slot VALUES (?, 1, ?, 1, 'done', 0, 1769850005000, 0, NULL, NULL, '{}', '[]', ?, 0)",
          .text(cat.text), .number(key.number), .text("task-\(key.number)"))
      }
      for (secret, attempt, time) in [("aa", "second", 2000), ("bb", "first", 1000)] {
        try old.run(
          "INSERT INTO callback VALUES (?, ?, 1, 1, ?, ?)", .text(secret), .text(cat.text), .text(attempt),
          .number(time))
      }
    }
    let journal = try open()
    for (key, attemptID) in [(called, "second"), (other, "1.2-\(cat.text)")] {
      let task = "task-\(key.number)"
      #expect(try await journal.slots(task: task) == [key])
      var attempt = Attempt(n: 1, attemptID: attemptID, bootID: "", startedAt: start + .seconds(5))
      (attempt.outcome, attempt.taskID) = (.accepted, task)
      let slot = try await journal.slots(of: cat, revision: 1).first { $0.key == key }
      #expect(slot == Slot(key: key, state: .done, attempts: [attempt]))
      let again = Slot(
        key: slotKey(cat, 1, SlotKey.surplusBase + 1),
        state: .submitted(TaskRef(taskID: task, acceptedAt: start)))
      #expect(try await journal.commit([.surplus(again)]) == [.stale], "it is no second task")
    }
    // What was paid for is not forgotten by this version.
    try await journal.prune(finalSince: .distantFuture)
    #expect(try await journal.slots(task: "task-1") == [called])
  }

  /// A state that no version knows: it is refused, and the journal is still one of the first version.
  @Test func aBadRowIsRefusedAndNothingIsChanged() throws {
    try makeFirstVersion(spoil: "submitteD")
    let before = try place.bytes("state/journal.sqlite")
    var why = ""
    do {
      _ = try open()
      Issue.record("migrated")
    } catch JournalError.broken(let words) {
      why = words
    }
    #expect(why.contains("damaged") && why.contains(SQLiteJournal.backupName), "\(why)")
    #expect(try place.bytes("state/journal.sqlite") == before)
    #expect(try place.list("state").sorted() == ["journal.sqlite", "lock"], "nothing half is left")
  }

  /// The file that the last version with JSON in its rows made, and one of today with the same changes: they tell the same.
  @Test func theLastFormerVersionTellsTheSame() async throws {
    let former = try await openFixture()
    let fresh = try SQLiteJournal(try StateFolder(place.path("fresh")))
    try await FormerJournal.commit(to: fresh)
    let (old, new) = (try await FormerAnswers(former), try await FormerAnswers(fresh))
    for (name, answer) in new.answers {
      #expect(old.answers[name] == answer, "\(name)")
    }
    #expect(new.answers.count > 20)
    #expect(try await former.commit(FormerJournal.changes([RootID(1), RootID(2), RootID(3)])[3]).contains(.stale))
  }

  /// Each charge finds its job without a look at all the others: with so many, those looks take minutes.
  @Test(.timeLimit(.minutes(1))) func chargesOfManyJobsFindTheirs() async throws {
    let (jobs, others) = (10_000, 150_000)
    do {
      let old = try makeFormer(upTo: 6)
      try old.run("INSERT INTO root (id, path) VALUES (1, ?)", .bytes(Array("/srv/drop".utf8)))
      let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(jobs))"
      let text = #"{"prompt":"A cat.","model":"m","images":[],"extra":{}}"#
      let attempts =
        #"[{"n":1,"attempt_id":"a-' || i || '","outcome":"accepted","task_id":"t-' || i || '","boot_id":"b","#
        + #""started_at":"2026-01-31T09:00:00.000Z","ended_at":null}]"#
      try old.execute(
        sql: """
          \(numbers) INSERT INTO job (id, root, path, current, state, created_at, updated_at)
            SELECT 'job-' || i, 1, CAST(i || '.prompt' AS BLOB), 1, 'done', i, 0 FROM n;
          \(numbers) INSERT INTO revision SELECT 'job-' || i, 1, 'p', 's', NULL, 'r', '\(text)', 1, 1769850000000 FROM n;
          \(numbers) INSERT INTO slot
            SELECT 'job-' || i, 1, 1, 1, 'done', 0, 0, 0, NULL, NULL, '{}', '\(attempts)', 't-' || i, 0 FROM n;
          \(numbers) INSERT INTO charge SELECT 'a-' || i, 1, x'', 'm', NULL, 20484, '0.5', NULL FROM n;
          """)
      // Of attempts that were forgotten.
      try old.execute(
        sql: """
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(others))
            INSERT INTO charge SELECT 'f-' || i, 1, x'', 'm', NULL, 20484, '0.5', NULL FROM n;
          """)
    }
    let counts = try await open().run { store in
      try store.connection.first(
        """
        SELECT count(*), count(job.id), sum(cast(job.path AS TEXT) = substr(cast(attempt AS TEXT), 3) || '.prompt')
        FROM charge LEFT JOIN job ON job.id = charge.job
        """
      ) { [$0.int(0), $0.int(1), $0.int(2)] }
    }
    #expect(counts == [jobs + others, jobs, jobs])
  }

  private func openFixture() async throws -> SQLiteJournal {
    let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/journal-6.tar.gz").path
    let tar = try ChildProcess("/bin/tar", ["-xzf", fixture, "-C", place.path("")])
    try #require(try await tar.wait() == .exited(0), "\(tar.standardError)")
    return try SQLiteJournal(try StateFolder(place.path("journal")))
  }

  /// A try that was interrupted left half a file: the next one begins anew.
  @Test func whatAnInterruptedMigrationLeftIsNoHindrance() async throws {
    try makeFirstVersion()
    try place.write("state/\(Migration.temporary)", "half a journal")
    let journal = try open()
    #expect(try await journal.underWay(roots: [RootID(1)]).count == 3)
    #expect(!place.exists("state/\(Migration.temporary)"))
  }

  /// A disk without room for the new file: nothing is changed, and with room it goes on.
  @Test(.enabled(if: SmallDisk.mayMount, "needs the right to mount a small file system (root)"))
  func aFullDiskLeavesTheOldJournal() async throws {
    let place = place
    try makeFirstVersion()
    try await SmallDisk.with(place, size: "1m") {
      try place.makeFolder("disk/state")
      try FileManager.default.copyItem(atPath: file, toPath: place.path("disk/state/journal.sqlite"))
      let before = try place.bytes("disk/state/journal.sqlite")
      try SmallDisk.fill(place)
      #expect {
        _ = try SQLiteJournal(try StateFolder(place.path("disk/state")))
      } throws: { error in
        if case .full? = error as? JournalError { true } else { false }
      }
      #expect(try place.bytes("disk/state/journal.sqlite") == before)
      try place.remove("disk/ballast")
      let journal = try SQLiteJournal(try StateFolder(place.path("disk/state")))
      #expect(try await journal.underWay(roots: [RootID(1)]).count == 3)
    }
  }

  // The third version kept no order among what waits for the same moment: when its file was first seen decides now.
  @Test func whatWaitsKeepsTheOrderOfItsComing() async throws {
    do {
      let old = try makeFormer(upTo: 3)
      try old.run("INSERT INTO root (id, path) VALUES (1, ?)", .bytes(Array("/srv/drop".utf8)))
      for (index, age) in [30, 10, 20].enumerated() {
        let job = SQLValue.text("job-\(index)")
        try old.run(
          "INSERT INTO job (id, root, path, current, state, created_at, updated_at) VALUES (?, 1, ?, 1, 'queued', ?, 0)",
          job, .bytes(Array("\(index).prompt".utf8)), .number(1_769_850_000_000 - age))
        try old.run(
          "INSERT INTO revision VALUES (?, 1, 'p', 's', NULL, 'r', ?, 1, 1769850000000)", job,
          .text(#"{"prompt":"A cat.","model":"m","images":[],"extra":{}}"#))
        try old.run(
          "INSERT INTO slot VALUES (?, 1, 1, 1, 'queued', 1769850000000, 0, 0, NULL, NULL, '{}', '[]', NULL)", job)
      }
    }
    let ready = try await open().startable(roots: [RootID(1)], at: .distantFuture, limit: 9, except: [])
    #expect(ready.map(\.job.text) == ["job-0", "job-2", "job-1"])
  }

  /// What a journal's tables are held against when it is opened.
  @Test func theFingerprintsAreThoseOfTheTables() throws {
    let former = try makeFormer(upTo: FormerSchema.last)
    #expect(try Schema.fingerprint(former) == FormerSchema.made)
    let present = try Connection(path: place.path("present.sqlite"))
    try Schema.make(present)
    #expect(try Schema.fingerprint(present) == Schema.made)
  }

  @Test func noForeignWordCanBeWritten() async throws {
    let journal = try open()
    let root = try await journal.root(path: [47])
    _ = try await journal.commit([.take(makeTake(cat, FileKey(root: root, path: DropPath("cat.prompt"))))])
    for sql in [
      "UPDATE job SET state = 8", "UPDATE job SET state = 'queued'", "UPDATE job SET note = '{'",
      "UPDATE job SET body = 'x'", "UPDATE job SET body = NULL", "UPDATE open_slot SET state = 4",
    ] {
      await #expect(throws: JournalError.self, "\(sql)") { try await journal.run { try $0.execute(sql: sql) } }
    }
    #expect(try await journal.slots(of: cat, revision: 1).map(\.state.name) == [.queued])
  }
}
