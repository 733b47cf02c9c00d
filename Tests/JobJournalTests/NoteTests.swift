import JobCore
import TestKit
import Testing

/// A file's state: folded from its slots, unless a note speaks for it.
@Suite struct NoteTests {
  @Test(arguments: JournalMaker.all) func theStateFollowsTheSlots(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let queued = SlotState.queued(Queued())
    try await bench.take(cat, file, makeRevision(count: 3), states: [queued, queued, queued])
    let steps: [(Int, SlotState)] = [
      (1, .submitting), (2, .failed(trouble)), (1, .submitted(task)), (3, .held(Held(reason: .burst, error: trouble))),
      (1, .fetching(Fetching(task: task, results: []))), (1, .done), (3, queued), (3, .cancelled(.sourceGone)),
    ]
    var states = [queued, queued, queued]
    for (number, state) in steps {
      #expect(try await bench.move(slotKey(cat, 1, number), to: state) == .applied)
      states[number - 1] = state
      let wanted = Job.fold(states.map(\.name))
      #expect(try await bench.known(file)?.state == wanted, "after \(number) → \(state.name)")
      #expect(try await bench.job(cat).state == wanted)
      #expect(try await bench.journal.census(roots: [bench.root]) == [wanted: 1])
    }
  }

  @Test(arguments: JournalMaker.all) func anEarlierRevisionDoesNotSpeakForTheFile(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file, states: [.submitted(task)])
    try await bench.take(cat, file, makeRevision(2, source: "source-2"), expected: 1, states: [.done])
    #expect(try await bench.known(file)?.state == .done)
    try await bench.move(slotKey(cat), to: .failed(trouble))
    #expect(try await bench.known(file)?.state == .done)
  }

  @Test(arguments: JournalMaker.all) func aNoteSpeaksUntilItIsCleared(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    try await bench.take(cat, file, states: [.submitting])
    let note = makeNote(.failed, "front-matter-unknown-key")
    #expect(
      try await bench.apply(.note(job: cat, file: file, note, stamp: makeStamp(4), at: start + .seconds(1))) == .applied
    )
    #expect(
      try await bench.known(file)
        == KnownFile(job: cat, state: .failed, current: 1, stamp: makeStamp(4), note: note))
    #expect(try await bench.job(cat).note == note)
    try await bench.move(slotKey(cat), to: .submitted(task))
    #expect(try await bench.known(file)?.state == .failed, "slots move on below the note")
    #expect(try await bench.apply(.note(job: cat, file: file, nil, stamp: nil, at: start)) == .applied)
    #expect(
      try await bench.known(file) == KnownFile(job: cat, state: .submitted, current: 1, stamp: nil, note: nil))
  }

  @Test(arguments: JournalMaker.all) func aNoteMakesTheJobOfANewPath(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let note = makeNote(.queued, "waits-for-list")
    let change = JournalChange.note(job: cat, file: file, note, stamp: makeStamp(3), at: start)
    #expect(try await bench.apply(change) == .applied)
    let made = try await bench.job(cat)
    let wanted = Job(
      id: cat, file: file, current: 0, latest: 0, stamp: makeStamp(3), revisions: [:], slots: [:], outputs: [],
      note: note, createdAt: start)
    #expect(made == wanted)
    let other = JournalChange.note(job: dog, file: file, makeNote(.failed), stamp: nil, at: start)
    #expect(try await bench.apply(other) == .stale, "the path has a job")
    #expect(try await bench.journal.jobs([dog]) == [nil])
    #expect(try await bench.job(cat) == made)
    #expect(try await bench.take(cat, file, expected: nil) == .stale)
    #expect(try await bench.take(cat, file, makeRevision(at: start + .seconds(9)), expected: 0) == .applied)
    let taken = try await bench.job(cat)
    #expect(taken.note == nil)
    #expect(taken.createdAt == start, "it was first seen with the note")
    #expect(try await bench.known(file)?.state == .queued)
  }

  @Test(arguments: JournalMaker.all) func aClearedNoteLeavesOneStoryOfTheState(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    _ = try await bench.journal.commit([
      .note(job: cat, file: file, makeNote(.failed), stamp: nil, at: start),
      .note(job: cat, file: file, nil, stamp: nil, at: start),
    ])
    let job = try await bench.job(cat)
    let known = try await bench.known(file)
    #expect(job.note == nil)
    #expect(known?.note == nil)
    #expect(known?.state == job.state, "nothing was taken and nothing is wrong any more")
  }

  @Test(arguments: JournalMaker.all) func clearingANoteOfNobodyIsNotReportedAsDone(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let result = try await bench.apply(.note(job: cat, file: file, nil, stamp: nil, at: start))
    let known = try await bench.known(file)
    #expect((result == .applied) == (known != nil), "applied means that the journal has the job")
  }

  @Test(arguments: JournalMaker.all) func aNewTakeOrACurrentRevisionClearsTheNote(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let note = JournalChange.note(job: cat, file: file, makeNote(.held, "conflict-copy"), stamp: nil, at: start)
    try await bench.take(cat, file, states: [.done])
    try await bench.apply(.seen(job: cat, stamp: makeStamp(), inputsChanged: true))
    try await bench.apply(note)
    try await bench.take(cat, file, makeRevision(2, source: "source-2"), expected: 1)
    #expect(try await bench.job(cat).note == nil)
    #expect(try await bench.job(cat).inputsChanged == false)
    #expect(try await bench.known(file)?.state == .queued)
    try await bench.apply(note)
    try await bench.apply(.makeCurrent(job: cat, revision: 1, expected: 2, count: 1, newSlots: [], stamp: nil))
    #expect(try await bench.job(cat).note == nil)
    #expect(try await bench.known(file)?.state == .done)
    #expect(try await bench.known(file)?.stamp == nil)
  }
}
