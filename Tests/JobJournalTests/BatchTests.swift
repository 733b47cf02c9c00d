import JobCore
import TestKit
import Testing

/// Batches, and the changes that put pictures down.
@Suite struct BatchTests {
  @Test(arguments: JournalMaker.all) func changesApplyInOrder(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let results = try await bench.journal.commit([
      .note(job: cat, file: file, makeNote(.queued), stamp: nil, at: start),
      .take(makeTake(cat, file, expected: nil)),  // stale: the note made the job
      .take(makeTake(cat, file, expected: 0)),
      .take(makeTake(cat, file, makeRevision(2, source: "source-2"), expected: 1)),
      .take(makeTake(cat, file, makeRevision(2, source: "source-3"), expected: 1)),  // stale
      .move(Slot(key: slotKey(cat, 2), state: .submitting), from: .queued, outputs: []),
      .move(Slot(key: slotKey(cat, 2), state: .done), from: .queued, outputs: []),  // stale
      .move(Slot(key: slotKey(cat, 2), state: .submitted(task)), from: .submitting, outputs: []),
      .renamed(job: cat, from: file, to: bench.file("dog.prompt"), displaced: nil),
      .take(makeTake(dog, file, makeRevision(1, source: "source-dog"))),
      .renamed(job: cat, from: bench.file("dog.prompt"), to: file, displaced: nil),  // stale: just taken
    ])
    #expect(
      results == [
        .applied, .stale, .applied, .applied, .stale, .applied, .stale, .applied, .applied, .applied, .stale,
      ])
    let job = try await bench.job(cat)
    #expect(job.current == 2)
    #expect(job.revisions[2]?.identity.source == "source-2")
    #expect(job.slots[slotKey(cat, 2)]?.state == .submitted(task))
    #expect(job.file == bench.file("dog.prompt"))
    #expect(try await bench.known(file)?.job == dog)
  }

  @Test(arguments: JournalMaker.all) func anEmptyBatchIsNothing(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    #expect(try await bench.journal.commit([]).isEmpty)
    #expect(try await bench.journal.known([]).isEmpty)
    #expect(try await bench.journal.jobs([]).isEmpty)
  }

  @Test(arguments: JournalMaker.all) func batchesAtTheSameTimeExcludeOneAnother(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file)
    let applied = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 1...50 {
        let slot = Slot(key: slotKey(cat), state: .submitting, serviceStatus: "\(number)")
        group.addTask { try await bench.apply(.move(slot, from: .queued, outputs: [])) == .applied ? 1 : 0 }
      }
      return try await group.reduce(0, +)
    }
    #expect(applied == 1, "one picture is submitted once")
  }

  @Test(arguments: JournalMaker.all) func outputsReplaceTheSamePartOnly(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file, makeRevision(count: 2), states: [.submitted(task), .submitted(task)])
    let planned = [
      makeOutput(slotKey(cat), part: 1, file: "cat.png", temporary: "t1"),
      makeOutput(slotKey(cat), part: 2, number: 2, file: "cat-2.png", temporary: "t2"),
      makeOutput(slotKey(cat, 1, 2), part: 1, number: 3, file: "cat-3.png", temporary: "t3"),
    ]
    #expect(try await bench.apply(.outputs(planned)) == .applied)
    #expect(try await bench.journal.plannedTemporaries(roots: [bench.root]) == [[116, 49], [116, 50], [116, 51]])
    #expect(try await bench.journal.plannedTemporaries(roots: [bench.otherRoot]).isEmpty, "another root's")
    let inPlace = makeOutput(slotKey(cat), part: 2, number: 2, file: "cat-2.alt1.png")
    try await bench.move(slotKey(cat), to: .done, outputs: [inPlace])
    #expect(try await bench.job(cat).outputs == [planned[0], inPlace, planned[2]])
    #expect(try await bench.journal.plannedTemporaries(roots: [bench.root]) == [[116, 49], [116, 51]])
    try await bench.take(cat, file, makeRevision(2, source: "source-2"), expected: 1)
    let newer = makeOutput(slotKey(cat, 2), file: "cat.png")
    let kept = makeOutput(slotKey(cat), part: 1, file: "cat.v1.png")
    try await bench.apply(.outputs([newer, kept]))
    #expect(Set(try await bench.job(cat).outputs) == [kept, inPlace, planned[2], newer])
  }

  @Test(arguments: JournalMaker.all) func refreshIsForWhatWasNeverSent(_ maker: JournalMaker) async throws {
    let states: [(SlotState, ChangeResult)] = [
      (.queued(Queued()), .applied), (.queued(Queued(notBefore: start, error: trouble)), .applied),
      (.held(Held(reason: .burst, error: trouble)), .applied), (.held(Held(reason: .asked, error: trouble)), .applied),
      (.held(Held(reason: .revisions, error: trouble)), .applied),
      (.submitting, .stale), (.submitted(task), .stale), (.fetching(Fetching(task: task, results: [])), .stale),
      (.done, .stale), (.failed(trouble), .stale),
      (.held(Held(reason: .submissionOutcomeUnknown, error: trouble)), .stale),
      (.held(Held(reason: .paidNotFetched, error: trouble, task: task)), .stale),
      (.held(Held(reason: .deadlinePassed, error: trouble, task: task)), .stale),
      (.held(Held(reason: .taskLost, error: trouble, task: task)), .stale),
    ]
    let bench = try await JournalFixture(maker)
    for (index, (state, wanted)) in states.enumerated() {
      let job = JobID("job-\(index)")
      // The second picture waits: one that was sent is enough.
      try await bench.take(
        job, bench.file("\(index).prompt"), makeRevision(count: 2), states: [state, .queued(Queued())])
      var fresh = makeRevision(count: 2)
      fresh.snapshot.images = [ImageInput(path: "ref.png", sha256: "new", bytes: 9)]
      fresh.identity.request = "request-new"
      let before = try await bench.job(job)
      let result = try await bench.apply(.refresh(job: job, fresh))
      #expect(result == wanted, "\(state)")
      let after = try await bench.job(job)
      if wanted == .stale {
        #expect(after == before, "\(state)")
      } else {
        #expect(after.revisions == [1: fresh])
        #expect(after.slots == before.slots)
      }
    }
    #expect(try await bench.apply(.refresh(job: dog, makeRevision())) == .stale, "no such job")
    #expect(try await bench.apply(.refresh(job: JobID("job-0"), makeRevision(2))) == .stale, "no such revision")
  }

  @Test(arguments: JournalMaker.all) func makeCurrentNeverTakesPicturesAway(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file, makeRevision(count: 2), states: [.done, .done])
    let change = JournalChange.makeCurrent(
      job: cat, revision: 1, expected: 1, count: 1, newSlots: [], stamp: makeStamp())
    #expect(try await bench.apply(change) == .applied)
    #expect(try await bench.job(cat).revisions[1]?.count == 2)
    #expect(try await bench.job(cat).currentSlots.count == 2)
  }
}
