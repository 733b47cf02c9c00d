import JobCore
import TestKit
import Testing

@testable import JobJournal

/// Which rows are held, so that a step of a job reads nothing.
@Suite struct HeldRecordsTests {
  private func isHeld(_ job: JobID, _ journal: SQLiteJournal) async throws -> Bool {
    try await journal.run { $0.held.peek(job) != nil }
  }

  @Test func fromTheFileToThePicture() async throws {
    let place = try TemporaryFolder()
    let journal = try SQLiteJournal(try StateFolder(place.path("state")))
    let root = try await journal.root(path: [47])
    func take(_ job: JobID, _ name: String, _ state: SlotState) async throws -> ChangeResult? {
      let file = FileKey(root: root, path: DropPath(name))
      return try await journal.commit([.take(makeTake(job, file, states: [state]))]).first
    }
    #expect(try await take(cat, "cat.prompt", .queued(Queued())) == .applied)
    #expect(try await isHeld(cat, journal), "its turn comes")
    #expect(try await take(dog, "dog.prompt", .done) == .applied)
    #expect(try await !isHeld(dog, journal), "nothing becomes of it")
    // Neither another job for the file nor the same one for another file, and what is held stays.
    #expect(try await take(dog, "cat.prompt", .queued(Queued())) == .stale)
    #expect(try await take(cat, "other.prompt", .queued(Queued())) == .stale)
    #expect(try await isHeld(cat, journal))
    for (from, state) in [
      (StateName.queued, SlotState.submitting), (.submitting, .submitted(task)),
      (.submitted, .fetching(Fetching(task: task, results: []))),
    ] {
      let moved = try await journal.commit([
        .move(Slot(key: slotKey(cat), state: state), from: from, outputs: []),
        .outputs([makeOutput(slotKey(cat), temporary: "t-\(from)")]),
      ])
      #expect(moved == [.applied, .applied])
      #expect(try await isHeld(cat, journal))
    }
    let output = makeOutput(slotKey(cat))
    let end = try await journal.commit([
      .move(Slot(key: slotKey(cat), state: .done), from: .fetching, outputs: [output])
    ])
    #expect(end == [.applied])
    #expect(try await !isHeld(cat, journal), "it is over")
    let job = try #require(try await journal.jobs([cat]).first ?? nil)
    #expect(job.outputs == [output] && job.slots[slotKey(cat)]?.state == .done)
    #expect(try await !isHeld(cat, journal))
    #expect(try await journal.slots(task: task.taskID).isEmpty, "the slot has another one's place")
  }

  /// A row that is read because its turn is soon.
  @Test func whatWaitsIsHeldWhereItIsRead() async throws {
    let place = try TemporaryFolder()
    let folder = try StateFolder(place.path("state"))
    var journal: SQLiteJournal? = try SQLiteJournal(folder)
    let root = try #require(try await journal?.root(path: [47]))
    _ = try await journal?.commit([.take(makeTake(cat, FileKey(root: root, path: DropPath("cat.prompt"))))])
    journal = nil
    let again = try SQLiteJournal(folder)
    #expect(try await !isHeld(cat, again))
    #expect(try await again.jobs([cat]).first??.state == .queued)
    #expect(try await isHeld(cat, again))
  }
}
