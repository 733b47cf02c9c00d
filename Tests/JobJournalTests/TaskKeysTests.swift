import Dispatch
import JobCore
import Synchronization
import TestKit
import Testing

@testable import JobJournal

/// Whose a task is, asked while the journal is busy.
@Suite struct TaskKeysTests {
  private let place: TemporaryFolder
  private let journal: SQLiteJournal
  private let slot: Slot

  init() async throws {
    place = try TemporaryFolder()
    journal = try SQLiteJournal(try StateFolder(place.path("state")))
    let root = try await journal.root(path: [47])
    slot = Slot(key: slotKey(cat), state: .submitted(task))
    _ = try await journal.commit([
      .take(makeTake(cat, FileKey(root: root, path: DropPath("cat.prompt")), states: [.submitting]))
    ])
    // The first question reads the tasks that the file has.
    #expect(try await journal.slots(task: task.taskID).isEmpty)
  }

  // Does this while the journal's thread stands still.
  private func whileBusy(_ body: () async throws -> Void) async throws {
    let gate = DispatchSemaphore(value: 0)
    let busy = Task { [journal] in try await journal.run { _ in gate.wait() } }
    let result: Result<Void, any Error>
    do {
      try await eventually("the thread has it") { journal.shared.queued.load(ordering: .acquiring) == 1 }
      result = .success(try await body())
    } catch { result = .failure(error) }
    gate.signal()
    try await busy.value
    try result.get()
  }

  private final class Answer: Sendable {
    let slots = Mutex<[SlotKey]?>(nil)
  }

  /// Almost every answer of the service names a new task.
  @Test func ofANewTaskTheThreadIsNotAsked() async throws {
    let answer = Answer()
    var question: Task<Void, any Error>?
    try await whileBusy {
      question = Task { [journal] in
        let slots = try await journal.slots(task: "ta-new")
        answer.slots.withLock { $0 = slots }
      }
      try await eventually("it is answered") { answer.slots.withLock { $0 != nil } }
    }
    try await question?.value
    #expect(answer.slots.withLock { $0 } == [])
  }

  /// What was to be committed before the question is in its answer.
  @Test func aTaskThatIsBeingWrittenIsFound() async throws {
    var tasks: (commit: Task<[ChangeResult], any Error>, question: Task<[SlotKey], any Error>)?
    try await whileBusy {
      let commit = Task { [journal, slot] in try await journal.commit([.move(slot, from: .submitting, outputs: [])]) }
      try await eventually("it waits") { journal.shared.queued.load(ordering: .acquiring) == 2 }
      tasks = (commit, Task { [journal] in try await journal.slots(task: task.taskID) })
      try await eventually("so does the question") { journal.shared.queued.load(ordering: .acquiring) == 3 }
    }
    #expect(try await tasks?.commit.value == [.applied])
    #expect(try await tasks?.question.value == [slot.key])
    #expect(try await journal.slots(task: "ta-other").isEmpty)
  }

  /// By whichever change a slot comes to a task.
  @Test func everyChangeCounts() {
    let keys = TaskKeys()
    func slot(_ id: String) -> Slot {
      Slot(key: slotKey(dog), state: .submitted(TaskRef(taskID: id, acceptedAt: start)))
    }
    var held = Slot(key: slotKey(cat), state: .submitting)
    held.attempts = [Attempt(n: 1, attemptID: "a-1", bootID: "b", startedAt: start)]
    held.attempts[0].taskID = "ta-attempt"
    let file = FileKey(root: RootID(1), path: DropPath("dog.prompt"))
    keys.enter(of: [
      .move(held, from: .held, outputs: []), .surplus(slot("ta-surplus")),
      .take(makeTake(dog, file, states: [slot("ta-taken").state])),
      .makeCurrent(job: dog, revision: 1, expected: 0, count: 1, newSlots: [slot("ta-current")], stamp: nil),
      .announced(.move(slot("ta-announced"), from: .held, outputs: []), []),
    ])
    for id in ["ta-attempt", "ta-surplus", "ta-taken", "ta-current", "ta-announced"] {
      #expect(keys.mayHave(JobRecord.key(id)), "\(id)")
    }
    #expect(!keys.mayHave(JobRecord.key("ta-none")))
    keys.enter(all: [JobRecord.key("ta-none")])
    #expect(keys.areRead && keys.mayHave(JobRecord.key("ta-none")))
  }
}
