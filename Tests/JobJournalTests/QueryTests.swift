import JobCore
import TestKit
import Testing

/// What the agent asks.
@Suite struct QueryTests {
  private func queue(
    _ bench: JournalFixture, _ name: String, at: Timestamp, due: Timestamp? = nil, root: RootID? = nil
  ) async throws {
    let state = SlotState.queued(Queued(notBefore: due, error: due == nil ? nil : trouble))
    try await bench.take(
      JobID(name), bench.file("\(name).prompt", in: root), makeRevision(source: name, at: at), states: [state])
  }

  @Test(arguments: JournalMaker.all) func startableIsOldestFirst(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let ages = [5, 1, 4, 2, 3]
    for age in ages { try await queue(bench, "job-\(age)", at: start + .seconds(age)) }
    try await queue(bench, "late", at: start, due: start + .seconds(60))
    try await queue(bench, "other", at: start + .seconds(2), root: bench.otherRoot)
    func startable(
      _ seconds: Int, limit: Int = 99, except: Set<SlotKey> = [], roots: [RootID]? = nil
    ) async throws -> [String] {
      try await bench.journal.startable(
        roots: roots ?? [bench.root], at: start + .seconds(seconds), limit: limit, except: except
      ).map(\.job.text)
    }
    #expect(try await startable(10) == ["job-1", "job-2", "job-3", "job-4", "job-5"])
    #expect(try await startable(59, limit: 2) == ["job-1", "job-2"])
    #expect(try await startable(60) == ["job-1", "job-2", "job-3", "job-4", "job-5", "late"])
    #expect(try await startable(10, limit: 2, except: [slotKey(JobID("job-1"))]) == ["job-2", "job-3"])
    #expect(try await startable(10, limit: 0).isEmpty)
    #expect(try await startable(10, roots: [bench.otherRoot]) == ["other"])
    #expect(try await startable(10, roots: []).isEmpty)
    #expect(try await startable(10, roots: [bench.root, bench.otherRoot]).count == 6)
    try await bench.move(slotKey(JobID("job-2")), to: .submitting)
    #expect(try await startable(10) == ["job-1", "job-3", "job-4", "job-5"])
  }

  @Test(arguments: JournalMaker.all) func nextStartIsTheEarliestTime(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let here = [bench.root]
    #expect(try await bench.journal.nextStart(roots: here, except: []) == nil)
    try await queue(bench, "late", at: start, due: start + .seconds(60))
    try await queue(bench, "later", at: start, due: start + .seconds(90))
    try await queue(bench, "other", at: start, due: start + .seconds(30), root: bench.otherRoot)
    #expect(try await bench.journal.nextStart(roots: here, except: []) == start + .seconds(60))
    #expect(
      try await bench.journal.nextStart(roots: here, except: [slotKey(JobID("late"))]) == start + .seconds(90))
    #expect(try await bench.journal.nextStart(roots: [bench.otherRoot], except: []) == start + .seconds(30))
    try await bench.move(slotKey(JobID("late")), to: .submitting)
    #expect(try await bench.journal.nextStart(roots: here, except: []) == start + .seconds(90))
  }

  @Test(arguments: JournalMaker.all) func whatWaitsWithARefusalIsFound(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let blamed: [(String, Blame?)] = [("plain", nil), ("unclear", .unclear), ("account", .account)]
    for (name, blame) in blamed {
      let state = SlotState.queued(Queued(notBefore: start + .seconds(60), error: trouble, blame: blame))
      try await bench.take(JobID(name), bench.file("\(name).prompt"), states: [state])
    }
    let other = SlotState.queued(Queued(error: trouble, blame: .unclear))
    try await bench.take(JobID("other"), bench.file("other.prompt", in: bench.otherRoot), states: [other])
    let found = try await bench.journal.blamed(roots: [bench.root])
    #expect(found.compactMap(\.slot.state.blame?.rawValue).sorted() == ["account", "unclear"])
    #expect(found.allSatisfy { !$0.prompt.isEmpty })
    try await bench.move(slotKey(JobID("unclear")), to: .submitting)
    #expect(try await bench.journal.blamed(roots: [bench.root]).map(\.slot.key.job.text) == ["account"])
  }

  @Test(arguments: JournalMaker.all) func atOnceMeansAtOnce(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let key = slotKey(JobID("late"))
    try await queue(bench, "late", at: start, due: start + .seconds(86_400))
    try await bench.move(key, to: .held(Held(reason: .burst, error: trouble)))
    try await bench.move(key, to: .queued(Queued()))
    let startable = try await bench.journal.startable(
      roots: [bench.root], at: start + .seconds(5), limit: 9, except: [])
    #expect(startable == [key], "a time that was set once is gone when the slot is queued without one")
  }

  @Test(arguments: JournalMaker.all) func underWayIsNeitherQueuedNorFinal(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let states: [SlotState] = [
      .queued(Queued()), .submitting, .submitted(task), .fetching(Fetching(task: task, results: [])), .done,
      .failed(trouble), .held(Held(reason: .asked, error: trouble)), .cancelled(.sourceGone),
    ]
    try await bench.take(cat, bench.file("cat.prompt"), makeRevision(count: states.count), states: states)
    try await bench.take(dog, bench.file("dog.prompt", in: bench.otherRoot), states: [.submitting])
    #expect(Set(try await bench.journal.underWay(roots: [bench.root])) == Set((2...4).map { slotKey(cat, 1, $0) }))
    #expect(try await bench.journal.underWay(roots: [bench.otherRoot]) == [slotKey(dog)])
  }

  @Test(arguments: JournalMaker.all) func censusAndFilesOfARoot(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    for number in 1...3 {
      try await bench.take(
        JobID("here-\(number)"), bench.file("\(number).prompt"), states: [.failed(trouble)])
      try await bench.take(
        JobID("there-\(number)"), bench.file("\(number).prompt", in: bench.otherRoot), states: [.failed(trouble)])
    }
    try await bench.take(cat, bench.file("cat.prompt"), states: [.done])
    let journal = bench.journal
    #expect(try await journal.census(roots: [bench.root]) == [.failed: 3, .done: 1])
    #expect(try await journal.census(roots: [bench.otherRoot]) == [.failed: 3])
    #expect(try await journal.census(roots: [bench.root, bench.otherRoot]) == [.failed: 6, .done: 1])
    #expect(try await journal.census(roots: []).isEmpty)
    #expect(try await journal.files(roots: [bench.root], in: .done, limit: 9) == [cat])
    #expect(try await journal.files(roots: [bench.root], in: .failed, limit: 2).count == 2)
    for (root, word) in [(bench.root, "here"), (bench.otherRoot, "there")] {
      let found = try await journal.files(roots: [root], in: .failed, limit: 3)
      #expect(Set(found) == Set((1...3).map { JobID("\(word)-\($0)") }), "the limit counts this root's files only")
    }
  }

  @Test(arguments: JournalMaker.all) func aRevisionIsFoundByItsIdentity(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let file = bench.file("cat.prompt")
    let lists: [String?] = [nil, "list-a", nil, "list-b"]
    let sources = ["x", "x", "x", "y"]
    for (index, list) in lists.enumerated() {
      let revision = makeRevision(index + 1, source: sources[index], list: list)
      try await bench.take(cat, file, revision, expected: index == 0 ? nil : index, states: [.done])
    }
    func found(_ source: String, _ list: String?, _ job: JobID = cat) async throws -> Int? {
      let identity = Identity(prompt: "-", source: source, list: list, request: "-")
      return try await bench.journal.revision(of: job, like: identity)?.number
    }
    #expect(try await found("x", nil) == 3, "the newest of two")
    #expect(try await found("x", "list-a") == 2)
    #expect(try await found("x", "list-b") == nil)
    #expect(try await found("y", "list-b") == 4)
    #expect(try await found("y", nil) == nil, "no list is not any list")
    #expect(try await found("x", nil, dog) == nil)
  }

  @Test(arguments: JournalMaker.all) func jobsAreFoundByTheirCurrentSource(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    try await bench.take(cat, bench.file("cat.prompt"), makeRevision(source: "old"))
    try await bench.take(cat, bench.file("cat.prompt"), makeRevision(2, source: "same"), expected: 1)
    try await bench.take(dog, bench.file("dog.prompt", in: bench.otherRoot), makeRevision(source: "same"))
    func found(_ source: String, _ roots: [RootID]) async throws -> [JobID: FileKey] {
      let found = try await bench.journal.jobs(roots: roots, source: source)
      return Dictionary(uniqueKeysWithValues: found)
    }
    let both = [bench.root, bench.otherRoot]
    #expect(try await found("old", both).isEmpty)
    #expect(try await found("same", [bench.root]) == [cat: bench.file("cat.prompt")])
    #expect(try await found("same", both).count == 2)
  }

  @Test(arguments: JournalMaker.all) func manyJobsOfAnotherRootHideNone(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let changes = (1...150).map { number in
      JournalChange.take(
        makeTake(JobID("there-\(number)"), bench.file("\(number).prompt", in: bench.otherRoot), states: [.done]))
    }
    #expect(try await bench.journal.commit(changes) == Array(repeating: .applied, count: 150))
    try await bench.take(cat, bench.file("cat.prompt"), makeRevision(at: start + .seconds(1)), states: [.done])
    let found = try await bench.journal.jobs(roots: [bench.root], source: "source-1")
    #expect(found.map(\.0) == [cat])
  }

  @Test(arguments: JournalMaker.all) func pathsAreBytesAndRootsAreApart(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    let names: [[UInt8]] = [
      Array("\u{e9}.prompt".utf8), Array("e\u{301}.prompt".utf8), [0xff, 0xfe] + Array(".prompt".utf8),
      [0xff] + Array(".prompt".utf8), Array("E\u{301}.prompt".utf8), Array("a b\n\"c'.prompt".utf8),
    ]
    let files = [bench.root, bench.otherRoot].flatMap { root in
      names.map { FileKey(root: root, path: DropPath(bytes: $0)) }
    }
    for (index, file) in files.enumerated() { #expect(try await bench.take(JobID("job-\(index)"), file) == .applied) }
    let known = try await bench.journal.known(files)
    #expect(known.map { $0?.job.text } == files.indices.map { "job-\($0)" })
    for (index, file) in files.enumerated() { #expect(try await bench.job(JobID("job-\(index)")).file == file) }
    #expect(try await bench.journal.known([bench.file("a b"), files[3]]).map { $0 == nil } == [true, false])
  }

  @Test(arguments: JournalMaker.all) func rootsKeepTheirNumbers(_ maker: JournalMaker) async throws {
    let bench = try await JournalFixture(maker)
    #expect(try await bench.journal.root(path: Array("/srv/drop".utf8)) == bench.root)
    #expect(bench.root != bench.otherRoot)
    let composed = try await bench.journal.root(path: Array("/srv/\u{e9}".utf8))
    let decomposed = try await bench.journal.root(path: Array("/srv/e\u{301}".utf8))
    let raw = try await bench.journal.root(path: [0x2f, 0xff])
    #expect(Set([bench.root, bench.otherRoot, composed, decomposed, raw]).count == 5)
  }
}
