import JobCore
import TestKit
import Testing

/// Each change with its guard held, and with its guard broken: then nothing at all is changed.
@Suite struct GuardTests {
  /// A journal with two files: `cat`, two revisions, and `dog`, one that waits.
  private func bench(_ maker: JournalMaker) async throws -> JournalFixture {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"), makeRevision(1), states: [.done])
    try await bench.take(cat, bench.file("cat.prompt"), makeRevision(2, source: "source-2"), expected: 1)
    try await bench.take(dog, bench.file("dog.prompt"), makeRevision(1, source: "source-dog"))
    return bench
  }

  private func expectStale(
    _ change: JournalChange, _ bench: JournalFixture, _ why: Comment, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let jobs = [cat, dog, JobID("nobody")]
    let files = ["cat.prompt", "dog.prompt", "new.prompt"].map { bench.file($0) }
    let before = try await bench.everything(jobs, files)
    let result = try await bench.apply(change)
    #expect(result == .stale, why, sourceLocation: sourceLocation)
    let after = try await bench.everything(jobs, files)
    #expect(after == before, why, sourceLocation: sourceLocation)
  }

  @Test(arguments: JournalMaker.all) func aFirstRevisionMakesTheJob(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("a/cat.prompt")
    #expect(try await bench.known(file) == nil)
    #expect(try await bench.journal.jobs([cat]) == [nil])
    #expect(try await bench.take(cat, file) == .applied)
    #expect(
      try await bench.known(file)
        == KnownFile(job: cat, state: .queued, current: 1, stamp: makeStamp(1), note: nil))
    let slot = Slot(key: slotKey(cat))
    #expect(
      try await bench.job(cat)
        == Job(
          id: cat, file: file, current: 1, latest: 1, stamp: makeStamp(1), revisions: [1: makeRevision()],
          slots: [slot.key: slot], outputs: [], createdAt: start))
  }

  @Test(arguments: JournalMaker.all) func takeIsGuardedByTheCurrentRevision(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    let file = bench.file("cat.prompt")
    let third = makeRevision(3, source: "source-3")
    try await expectStale(.take(makeTake(cat, file, third, expected: nil)), bench, "the path is not new")
    try await expectStale(.take(makeTake(cat, file, third, expected: 1)), bench, "revision 2 is current")
    try await expectStale(.take(makeTake(dog, file, third, expected: 2)), bench, "another job has the path")
    try await expectStale(
      .take(makeTake(JobID("nobody"), bench.file("new.prompt"), third, expected: 1)), bench, "the path is new")
    #expect(try await bench.take(cat, file, third, expected: 2) == .applied)
    let job = try await bench.job(cat)
    #expect(job.current == 3)
    #expect(job.latest == 3)
    #expect(job.createdAt == start)
    #expect(Set(job.revisions.keys) == [2, 3], "revision 2 still has an open slot, revision 1 has none")
  }

  @Test(arguments: JournalMaker.all) func aJobThatIsElsewhereIsNotTakenAgain(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    try await expectStale(
      .take(makeTake(cat, bench.file("new.prompt"), makeRevision(3), expected: nil)), bench,
      "the job's file has another name")
  }

  @Test(arguments: JournalMaker.all) func moveIsGuardedByTheState(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    var slot = Slot(key: slotKey(cat, 2), state: .submitting, failures: 3, serviceStatus: "new", consumed: "1.20")
    slot.attempts = [Attempt(n: 1, attemptID: "attempt-1", bootID: "boot-1", startedAt: start)]
    let output = makeOutput(slot.key)
    try await expectStale(.move(slot, from: .held, outputs: [output]), bench, "it is queued")
    try await expectStale(.move(Slot(key: slotKey(cat, 3)), from: .queued, outputs: []), bench, "no such revision")
    try await expectStale(.move(Slot(key: slotKey(cat, 2, 2)), from: .queued, outputs: []), bench, "no such slot")
    #expect(try await bench.apply(.move(slot, from: .queued, outputs: [output])) == .applied)
    #expect(try await bench.journal.slots(of: cat, revision: 2) == [slot])
    #expect(try await bench.job(cat).outputs == [output])
    try await expectStale(.move(slot, from: .queued, outputs: []), bench, "it was moved already")
    slot.serviceStatus = "in_progress"
    #expect(try await bench.apply(.move(slot, from: .submitting, outputs: [])) == .applied, "progress within a state")
    #expect(try await bench.journal.slots(of: cat, revision: 2) == [slot])
  }

  @Test(arguments: JournalMaker.all) func makeCurrentIsGuardedByTheCurrentRevision(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    func change(_ revision: Int, expected: Int, job: JobID = cat) -> JournalChange {
      let more = [Slot(key: slotKey(job, revision, 2))]
      return .makeCurrent(
        job: job, revision: revision, expected: expected, count: 2, newSlots: more, stamp: makeStamp(9, list: 8))
    }
    try await expectStale(change(1, expected: 1), bench, "revision 2 is current")
    try await expectStale(change(1, expected: 0, job: JobID("nobody")), bench, "no such job")
    #expect(try await bench.apply(change(1, expected: 2)) == .applied)
    let job = try await bench.job(cat)
    #expect(job.current == 1)
    #expect(job.latest == 2)
    #expect(job.revisions[1]?.count == 2)
    #expect(job.stamp == makeStamp(9, list: 8))
    #expect(job.currentSlots.map(\.state.name) == [.done, .queued])
    #expect(try await bench.known(bench.file("cat.prompt"))?.state == .queued)
  }

  @Test(arguments: JournalMaker.all) func onlyAKnownRevisionIsMadeCurrent(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    try await expectStale(
      .makeCurrent(job: cat, revision: 7, expected: 2, count: 1, newSlots: [], stamp: makeStamp()), bench,
      "the journal has no revision 7")
  }

  @Test(arguments: JournalMaker.all) func renamedIsGuardedByTheNewName(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    let old = bench.file("cat.prompt")
    try await expectStale(
      .renamed(job: cat, from: old, to: bench.file("dog.prompt"), displaced: nil), bench, "dog is there")
    try await expectStale(
      .renamed(job: JobID("nobody"), from: old, to: bench.file("new.prompt"), displaced: nil), bench, "no such job")
    try await expectStale(
      .renamed(job: cat, from: bench.file("rat.prompt"), to: bench.file("new.prompt"), displaced: nil), bench,
      "somebody else was quicker")
    let before = try await bench.job(cat)
    let new = bench.file("cat.prompt", in: bench.otherRoot)
    #expect(
      try await bench.apply(.renamed(job: cat, from: old, to: new, displaced: nil)) == .applied,
      "the same path in another root is free")
    #expect(try await bench.journal.moving().map(\.0) == [cat])
    #expect(try await bench.journal.moving().map(\.from) == [old])
    #expect(try await bench.apply(.arrived(job: cat)) == .applied)
    #expect(try await bench.journal.moving().isEmpty)
    #expect(try await bench.known(bench.file("cat.prompt")) == nil)
    #expect(try await bench.known(new)?.job == cat)
    var after = try await bench.job(cat)
    #expect(after.file == new)
    after.file = before.file
    #expect(after == before, "nothing but the name changed")
    let startable = try await bench.journal.startable(roots: [bench.otherRoot], at: start, limit: 9, except: [])
    #expect(startable == [slotKey(cat, 2)], "its slots went with it")
    #expect(try await bench.take(JobID("new"), bench.file("cat.prompt"), makeRevision()) == .applied)
  }

  @Test(arguments: JournalMaker.all) func whoHasTheNewNameGivesWay(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    let (old, new, place) = (bench.file("cat.prompt"), bench.file("dog.prompt"), bench.file("dog.replaced-1.prompt"))
    try await expectStale(.renamed(job: cat, from: old, to: new, displaced: old), bench, "that name is not free")
    #expect(try await bench.apply(.renamed(job: cat, from: old, to: new, displaced: place)) == .applied)
    #expect(try await bench.known(new)?.job == cat)
    #expect(try await bench.known(place)?.job == dog)
    let noted = bench.file("noted.prompt")
    _ = try await bench.apply(.note(job: JobID("noted"), file: noted, makeNote(.queued), stamp: nil, at: start))
    #expect(try await bench.apply(.renamed(job: cat, from: new, to: noted, displaced: old)) == .applied)
    #expect(try await bench.journal.jobs([JobID("noted")]) == [nil], "nothing was ever taken of it")
  }

  @Test(arguments: JournalMaker.all) func seenNeedsTheJob(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    try await expectStale(.seen(job: JobID("nobody"), stamp: makeStamp(5), inputsChanged: true), bench, "no such job")
    let before = try await bench.job(cat)
    #expect(try await bench.apply(.seen(job: cat, stamp: makeStamp(5, list: 6), inputsChanged: true)) == .applied)
    var after = try await bench.job(cat)
    #expect(after.stamp == makeStamp(5, list: 6))
    #expect(after.inputsChanged)
    after.stamp = before.stamp
    after.inputsChanged = false
    #expect(after == before)
    // The same again is no less durable.
    #expect(try await bench.apply(.seen(job: cat, stamp: makeStamp(5, list: 6), inputsChanged: true)) == .applied)
  }

  @Test(arguments: JournalMaker.all) func forgetIsForWhatWasNeverTaken(_ maker: JournalMaker) async throws {
    let bench = try await bench(maker)
    try await expectStale(.forget(job: cat), bench, "it has revisions")
    try await expectStale(.forget(job: JobID("nobody")), bench, "no such job")
    let new = JobID("new")
    let file = bench.file("new.prompt")
    let note = JournalChange.note(job: new, file: file, makeNote(.failed), stamp: nil, at: start)
    #expect(try await bench.apply(note) == .applied)
    #expect(try await bench.apply(.forget(job: new)) == .applied)
    #expect(try await bench.known(file) == nil)
    #expect(try await bench.journal.jobs([new]) == [nil])
    #expect(try await bench.journal.census(roots: [bench.root]) == [.queued: 2])
  }
}
