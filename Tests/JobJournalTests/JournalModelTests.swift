import JobCore
import TestKit
import Testing

/// Thousands of random changes, right and stale ones, against the model; then the journal is opened anew.
@Suite struct JournalModelTests {
  @Test(arguments: JournalMaker.all, SplitMix64.seeds(2))
  func randomChanges(_ maker: JournalMaker, _ seed: UInt64) async throws {
    let place = try TemporaryFolder()
    var model = JournalModel()
    var random = ChangeMaker(seed: seed)
    do {
      let bench = try await JournalFixture(maker, in: place)
      random.roots = [bench.root, bench.otherRoot]
      for round in 1...200 {
        let batch = (0..<random.source.one(of: [1, 3, 10, 20])).map { _ -> (JournalChange, ChangeResult) in
          let change = random.change(model)
          return (change, model.apply(change))
        }
        let results = try await bench.journal.commit(batch.map(\.0))
        for (index, result) in results.enumerated() where result != batch[index].1 {
          Issue.record("seed \(seed), round \(round): \(result), not \(batch[index].1): \(batch[index].0)")
          return
        }
        if round.isMultiple(of: 50) {
          guard try await agrees(bench.journal, model, random, "seed \(seed), round \(round)") else { return }
        }
      }
    }
    #expect(model.jobs.count > 10)
    // The lock goes with the last reference, which the journal's own queue may hold a moment longer.
    let latest = random
    let final = model
    try await eventually("the journal can be opened again") {
      let again = try await JournalFixture(maker, in: place)
      return try await agrees(again.journal, final, latest, "seed \(seed), opened again")
    }
  }

  private func agrees(
    _ journal: any JobJournal, _ model: JournalModel, _ random: ChangeMaker, _ when: String
  ) async throws -> Bool {
    let ids = Array(model.jobs.keys)
    let roots = random.roots
    var isRight = true
    func check(_ condition: Bool, _ what: @autoclosure () -> String) {
      guard !condition, isRight else { return }
      isRight = false
      Issue.record("\(when): \(what())")
    }
    for (file, known) in zip(random.files, try await journal.known(random.files)) {
      check(known == model.known(file), "known \(file.path.display): \(String(describing: known))")
    }
    for (id, job) in zip(ids, try await journal.jobs(ids)) {
      let outputs = job?.outputs.inOrder ?? []
      var job = job
      job?.outputs = outputs
      check(job == model.job(id), "job \(String(describing: job))\nnot \(String(describing: model.job(id)))")
      for revision in model.jobs[id]?.revisions.values.map({ $0 }) ?? [] {
        let slots = try await journal.slots(of: id, revision: revision.number)
        let wanted = model.jobs[id]?.slots.values.filter { $0.key.revision == revision.number } ?? []
        check(slots == wanted.sorted { $0.key.number < $1.key.number }, "slots of \(id) \(revision.number): \(slots)")
        let like = model.jobs[id]?.revisions.values.filter {
          $0.identity.source == revision.identity.source && $0.identity.list == revision.identity.list
        }
        let found = try await journal.revision(of: id, like: revision.identity)
        check(found == like?.max { $0.number < $1.number }, "revision like \(revision.identity)")
      }
    }
    for some in [roots, [roots[0]], [roots[1]]] {
      let queue = model.queue(some)
      for minutes in [0, 60, 10_000] {
        let now = start + .seconds(60 * minutes)
        let found = try await journal.startable(roots: some, at: now, limit: .max, except: [])
        check(Set(found) == Set(queue.filter { $0.value <= now }.keys), "startable after \(minutes) min: \(found)")
        let dues = found.compactMap { queue[$0] }
        check(dues == dues.sorted(), "oldest first: \(dues)")
      }
      check(try await journal.nextStart(roots: some, except: []) == queue.values.min(), "next start")
      let underWay = model.slots(in: some) { [.submitting, .submitted, .fetching].contains($0.state.name) }
      check(Set(try await journal.underWay(roots: some)) == Set(underWay.map(\.key)), "under way")
      check(try await journal.census(roots: some) == model.census(some), "census")
    }
    for state in StateName.allCases {
      let wanted = model.jobs.filter { $0.value.state == state }.keys
      check(Set(try await journal.files(roots: roots, in: state, limit: .max)) == Set(wanted), "files \(state)")
    }
    let temporaries = model.jobs.values.flatMap { $0.outputs.values.compactMap(\.temporary) }
    check(try await journal.plannedTemporaries(roots: roots) == Set(temporaries), "temporaries")
    if isRight, let wrong = try await BillAgreement.violation(journal, model, roots) { check(false, wrong) }
    return isRight
  }
}

/// Makes changes that fit a journal in the model's state, and some that do not.
struct ChangeMaker {
  var source: SplitMix64
  var roots: [RootID] = []
  private var made = 0

  init(seed: UInt64) { source = SplitMix64(seed: seed) }

  var files: [FileKey] {
    roots.flatMap { root in (1...12).map { FileKey(root: root, path: DropPath("d\($0 % 3)/\($0).prompt")) } }
  }

  mutating func change(_ model: JournalModel) -> JournalChange {
    if source.percent(30) { return billChange(model) }
    let file = source.one(of: files)
    guard let id = model.job(at: file), let entry = model.jobs[id] else {
      made += 1
      let new = JobID("job-\(made)")
      if source.percent(20) { return .note(job: new, file: file, note(), stamp: stamp(), at: moment()) }
      return take(new, file, 1, expected: source.percent(90) ? nil : 0)
    }
    let taken = entry.revisions.values.sorted { $0.number < $1.number }
    guard !taken.isEmpty else {
      return source.percent(60) ? take(id, file, 1, expected: source.one(of: [0, 0, nil])) : .forget(job: id)
    }
    switch Int.random(in: 0..<20, using: &source) {
    case 0..<2: return take(id, file, taken.count + 1, expected: source.percent(80) ? entry.current : wrong())
    case 2..<11: return move(entry)
    case 11..<13:
      let revision = source.one(of: taken)
      let next = entry.slots.keys.filter { $0.revision == revision.number }.count + 1
      let more = source.percent(30) ? [Slot(key: SlotKey(job: id, revision: revision.number, number: next))] : []
      return .makeCurrent(
        job: id, revision: revision.number, expected: source.percent(80) ? entry.current : wrong(),
        count: more.isEmpty ? 1 : next, newSlots: more, stamp: source.percent(50) ? stamp() : nil)
    case 13..<15:
      return .note(job: id, file: file, source.percent(50) ? note() : nil, stamp: stamp(), at: moment())
    case 15: return .seen(job: id, stamp: stamp(), inputsChanged: source.percent(50))
    case 16:
      if source.percent(50) { return .forget(job: id) }
      return .note(job: JobID("nobody"), file: file, note(), stamp: nil, at: moment())
    case 17:
      var revision = source.one(of: taken)
      let isKnownHeld = entry.slots.values.contains {
        $0.key.revision == revision.number && $0.state.name == .held && !$0.isUnsent
      }
      // What was sent and is held has a test of its own.
      if isKnownHeld { return .seen(job: id, stamp: stamp(), inputsChanged: false) }
      revision.snapshot.prompt = "Frozen anew \(source.next())"
      revision.identity.request = "request-\(source.next())"
      return .refresh(job: id, revision)
    case 18:
      let key = source.one(of: entry.slots.keys.sorted { ($0.revision, $0.number) < ($1.revision, $1.number) })
      return .outputs([output(key), output(key)])
    default:
      if source.percent(50) {
        let to = source.one(of: files)
        return .renamed(
          job: id, from: source.percent(90) ? file : source.one(of: files), to: to,
          displaced: source.percent(50) ? source.one(of: files).sibling(Array("gone-\(source.next() % 9)".utf8)) : nil)
      }
      func folder() -> FileKey {
        FileKey(root: source.one(of: roots), path: DropPath("d\(Int.random(in: 0..<3, using: &source))"))
      }
      return .renamedFolder(from: folder(), to: folder())
    }
  }

  private mutating func take(_ id: JobID, _ file: FileKey, _ number: Int, expected: Int?) -> JournalChange {
    let count = Int.random(in: 1...3, using: &source)
    let (text, list) = (source.one(of: ["x", "y", "z"]), source.one(of: [nil, "l", "m"]))
    let revision = makeRevision(number, source: text, list: list, count: count, at: moment())
    var take = makeTake(id, file, revision, expected: expected, states: (0..<count).map { _ in state() })
    if source.percent(20), let first = take.slots.first { take.outputs = [output(first.key)] }
    return .take(take)
  }

  private mutating func move(_ entry: JournalModel.Entry) -> JournalChange {
    let keys = entry.slots.keys.sorted { ($0.revision, $0.number) < ($1.revision, $1.number) }
    guard var slot = entry.slots[source.one(of: keys)] else { return .outputs([]) }
    let from = source.percent(85) ? slot.state.name : source.one(of: StateName.allCases)
    slot.state = state()
    slot.failures = Int.random(in: 0...9, using: &source)
    slot.serviceStatus = source.one(of: [nil, "new", "done"])
    slot.consumed = source.one(of: [nil, "0.1"])
    if source.percent(30) {
      slot.attempts.append(attempt(slot.attempts.count + 1))
    }
    return .move(slot, from: from, outputs: source.percent(30) ? [output(slot.key)] : [])
  }

  // A queued slot has a time together with a reason: what else can be is in `StateRoundTripTests`.
  private mutating func state() -> SlotState {
    switch Int.random(in: 0..<9, using: &source) {
    case 0..<2: .queued(Queued(notBefore: moment(), error: trouble))
    case 2: .submitting
    case 3: .submitted(task)
    case 4: .fetching(Fetching(task: task, results: [.url("u")]))
    case 5: .done
    case 6: .failed(trouble)
    case 7: .held(Held(reason: source.one(of: [.burst, .asked, .taskLost]), error: trouble))
    default: .cancelled(.superseded)
    }
  }

  private mutating func output(_ key: SlotKey) -> Output {
    let number = Int.random(in: 1...3, using: &source)
    return makeOutput(
      key, part: number, number: number, file: "f\(source.next() % 100).png",
      temporary: source.percent(40) ? "t\(source.next() % 1000)" : nil)
  }

  private mutating func note() -> FileNote {
    makeNote(source.one(of: [.queued, .failed, .held]), source.one(of: ["no-text", "waits-for-list"]))
  }
  mutating func moment() -> Timestamp { start + .seconds(Int.random(in: 0...9000, using: &source)) }
  private mutating func wrong() -> Int { Int.random(in: 7...9, using: &source) + 1000 }
  private mutating func stamp() -> TakenStamp {
    makeStamp(Int64.random(in: 0...9, using: &source), list: source.percent(50) ? 7 : nil)
  }
}
