import Foundation
import JobCore
import TestKit
import Testing

@testable import JobJournal

/// How many pages a commit writes, which is what a step of a job costs on a disk; and what a charge is linked with.
@Suite struct PagesTests {
  private let place: TemporaryFolder
  private let journal: SQLiteJournal
  private let root: RootID

  init() async throws {
    place = try TemporaryFolder()
    journal = try SQLiteJournal(try StateFolder(place.path("state")))
    root = try await journal.root(path: [47])
  }

  private func job(_ number: Int) -> JobID { JobID("7f3e0000-0000-7000-8000-\(100_000_000_000 + number)") }

  private func take(_ number: Int) -> JournalChange {
    .take(makeTake(job(number), FileKey(root: root, path: DropPath("\(number).prompt"))))
  }

  // Pages that this commit appends to the log.
  private func pages(_ changes: [JournalChange]) async throws -> Int {
    try await journal.run { try $0.connection.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    #expect(try await journal.commit(changes).allSatisfy { $0 == .applied })
    let size = try place.bytes("state/journal.sqlite-wal").count
    // A head of 32 bytes, and one of 24 before each page.
    return (size - 32) / (Opening.pageSize + 24)
  }

  private func charge(_ attempt: Attempt, consumed: String? = nil) -> JournalChange {
    .charge(
      Charge(
        attemptID: attempt.attemptID, root: root, folder: DropPath("a"), kind: PriceKey(model: "m", size: nil),
        day: 20_484, reserved: nil, consumed: consumed))
  }

  private func attempt(_ number: Int, _ outcome: Attempt.Outcome, _ task: String?) -> Attempt {
    var attempt = Attempt(
      n: 1, attemptID: "7f3e0000-0000-7000-9000-\(200_000_000_000 + number)", bootID: "b", startedAt: start)
    (attempt.outcome, attempt.taskID) = (outcome, task)
    return attempt
  }

  /// From the queue to its picture: the pages of each commit.
  private func pagesOfSteps(_ number: Int) async throws -> [Int] {
    var slot = Slot(key: slotKey(job(number)), state: .submitting)
    slot.attempts = [attempt(number, .begun, nil)]
    let begin = try await pages([.move(slot, from: .queued, outputs: []), charge(slot.attempts[0])])
    let ref = TaskRef(taskID: "ta5c9\(number)", acceptedAt: start)
    slot.attempts = [attempt(number, .accepted, ref.taskID)]
    slot.state = .submitted(ref)
    let accept = try await pages([.move(slot, from: .submitting, outputs: [])])
    slot.state = .fetching(Fetching(task: ref, results: [.url("https://images.example/1.png")]))
    let fetch = try await pages([.move(slot, from: .submitted, outputs: [])])
    let plan = try await pages([.outputs([makeOutput(slot.key, file: "\(number).png", temporary: ".t\(number)")])])
    slot.state = .done
    let end = try await pages([
      .move(slot, from: .fetching, outputs: [makeOutput(slot.key, file: "\(number).png")]),
      charge(slot.attempts[0], consumed: "0.25"),
    ])
    return [begin, accept, fetch, plan, end]
  }

  /// Among thousands of others: the job's row, and what it is looked for by.
  @Test func aStepWritesFewPages() async throws {
    for batch in 0..<10 { _ = try await journal.commit((0..<300).map { take(batch * 300 + $0) }) }
    // With the first, words, the place and the price are new.
    _ = try await pagesOfSteps(1000)
    let steps = try await pagesOfSteps(2000)
    // Row, both ends of the queue, bill; row, task; row; row; row, queue, bill.
    for (count, most) in zip(steps, [4, 2, 1, 1, 3]) { #expect(count <= most, "\(steps)") }
  }

  /// What was paid for is found by the charge: its job, with the revision and the picture.
  @Test func aChargeNamesWhatItIsFor() async throws {
    func link(_ attempt: Attempt) async throws -> [String]? {
      try await journal.run { store in
        try store.connection.first(
          "SELECT job.uuid, revision, number FROM charge LEFT JOIN job ON job.id = charge.job WHERE attempt = ?",
          .id(attempt.attemptID)
        ) { row in row.isNull(0) ? [] : [row.id(0), "\(row.integer(1))", "\(row.integer(2))"] }
      }
    }
    var slots: [Slot] = []
    for number in 1...2 {
      var slot = Slot(key: slotKey(job(number)), state: .submitting)
      slot.attempts = [attempt(number, .begun, nil)]
      slots.append(slot)
    }
    // One is taken and begun at once, the other was taken before.
    _ = try await journal.commit([take(2)])
    _ = try await journal.commit([
      take(1), .move(slots[1], from: .queued, outputs: []), charge(slots[1].attempts[0]),
      .move(slots[0], from: .queued, outputs: []), charge(slots[0].attempts[0]), charge(attempt(3, .begun, nil)),
    ])
    for (number, slot) in zip(1..., slots) {
      #expect(try await link(slot.attempts[0]) == [job(number).text, "1", "1"])
    }
    #expect(try await link(attempt(3, .begun, nil)) == [], "nobody says what it is for")
    // What it cost says nothing new of what it is for.
    _ = try await journal.commit([charge(slots[0].attempts[0], consumed: "0.5")])
    #expect(try await link(slots[0].attempts[0]) == [job(1).text, "1", "1"])
  }
}
