import JobCore
import JobJournal
import TestKit
import Testing

/// An implementation of the journal. What is in `all` has to keep the whole contract: a new one enters itself there.
struct JournalMaker: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Opens the journal in a folder. The same folder again: the same journal.
  let open: @Sendable (TemporaryFolder) async throws -> any JobJournal

  static let all = [
    JournalMaker(testDescription: "SQLite") { try SQLiteJournal(try StateFolder($0.path("state"))) }
  ]
}

/// An empty journal in a real folder, with two roots.
final class JournalFixture: Sendable {
  let place: TemporaryFolder
  let journal: any JobJournal
  let root: RootID
  let otherRoot: RootID

  init(_ maker: JournalMaker, in place: TemporaryFolder? = nil) async throws {
    self.place = try place ?? TemporaryFolder()
    journal = try await maker.open(self.place)
    root = try await journal.root(path: Array("/srv/drop".utf8))
    otherRoot = try await journal.root(path: Array("/srv/other".utf8))
  }

  func file(_ path: String, in root: RootID? = nil) -> FileKey {
    FileKey(root: root ?? self.root, path: DropPath(path))
  }

  /// Commits one change.
  @discardableResult
  func apply(_ change: JournalChange) async throws -> ChangeResult {
    try #require(try await journal.commit([change]).first)
  }

  /// Takes a revision, as many slots as it has pictures, in the states given.
  @discardableResult
  func take(
    _ job: JobID, _ file: FileKey, _ revision: Revision = makeRevision(), expected: Int? = nil,
    states: [SlotState] = [.queued(Queued())]
  ) async throws -> ChangeResult {
    try await apply(.take(makeTake(job, file, revision, expected: expected, states: states)))
  }

  /// Moves a slot on from the state that it is in.
  @discardableResult
  func move(_ key: SlotKey, to state: SlotState, outputs: [Output] = []) async throws -> ChangeResult {
    let slots = try await journal.slots(of: key.job, revision: key.revision)
    var slot = try #require(slots.first { $0.key == key })
    let from = slot.state.name
    slot.state = state
    return try await apply(.move(slot, from: from, outputs: outputs))
  }

  func known(_ file: FileKey) async throws -> KnownFile? { try #require(try await journal.known([file]).first) }
  func job(_ id: JobID) async throws -> Job {
    let jobs = try await journal.jobs([id])
    return try #require(jobs.compactMap { $0 }.first)
  }

  /// Everything that can be asked about these jobs and files.
  func everything(_ jobs: [JobID], _ files: [FileKey]) async throws -> Everything {
    let roots = [root, otherRoot]
    var slots: [[Slot]] = []
    for job in jobs { for revision in 1...3 { slots.append(try await journal.slots(of: job, revision: revision)) } }
    return Everything(
      known: try await journal.known(files), jobs: try await journal.jobs(jobs), slots: slots,
      census: try await journal.census(roots: roots),
      startable: Set(try await journal.startable(roots: roots, at: .distantFuture, limit: 10_000, except: [])),
      underWay: Set(try await journal.underWay(roots: roots)),
      temporaries: try await journal.plannedTemporaries(roots: roots))
  }
}

/// What a journal knows: equal before and after a change that is stale.
struct Everything: Equatable {
  var known: [KnownFile?]
  var jobs: [Job?]
  var slots: [[Slot]]
  var census: [StateName: Int]
  var startable: Set<SlotKey>
  var underWay: Set<SlotKey>
  var temporaries: Set<[UInt8]>
}

let start = Timestamp(milliseconds: 1_769_850_000_000)
let cat = JobID("7f3e0000-0000-4000-8000-000000000001")
let dog = JobID("7f3e0000-0000-4000-8000-000000000002")
let task = TaskRef(taskID: "ta5c9705", acceptedAt: start + .seconds(3), refreshes: 2)
let trouble = JobError(code: "some-trouble", message: "Something went wrong.", hint: "Put it right.", retryable: true)

extension Timestamp {
  static let distantFuture = Timestamp(milliseconds: 4_000_000_000_000)
}

func fileStamp(_ number: Int64) -> FileStamp {
  FileStamp(device: 7, inode: .max - UInt64(number), size: number, modified: -number, changed: .max - number)
}

func makeStamp(_ number: Int64 = 1, list: Int64? = nil) -> TakenStamp {
  TakenStamp(
    prompt: fileStamp(number), list: list.map { fileStamp($0) }, inputs: .max - UInt64(truncatingIfNeeded: number))
}

func makeRevision(
  _ number: Int = 1, source: String = "source-1", list: String? = nil, count: Int = 1, at: Timestamp = start,
  text: String = "A cat that sits in the window of a bakery and looks at the rain."
) -> Revision {
  Revision(
    number: number,
    identity: Identity(prompt: "prompt-\(source)", source: source, list: list, request: "request-\(number)"),
    snapshot: Snapshot(prompt: text, model: "model-a", aspectRatio: "16:9", owner: "ann"), count: count, takenAt: at)
}

func makeTake(
  _ job: JobID, _ file: FileKey, _ revision: Revision = makeRevision(), expected: Int? = nil,
  states: [SlotState] = [.queued(Queued())], outputs: [Output] = []
) -> JournalChange.Take {
  let slots = states.enumerated().map { index, state in
    Slot(key: SlotKey(job: job, revision: revision.number, number: index + 1), state: state)
  }
  return JournalChange.Take(
    job: job, file: file, expected: expected, stamp: makeStamp(Int64(revision.number)), revision: revision,
    slots: slots, outputs: outputs)
}

func slotKey(_ job: JobID, _ revision: Int = 1, _ number: Int = 1) -> SlotKey {
  SlotKey(job: job, revision: revision, number: number)
}

func makeOutput(
  _ slot: SlotKey, part: Int = 1, number: Int = 1, file: String = "cat.png", temporary: String? = nil
) -> Output {
  Output(
    slot: slot, part: part, number: number, file: Array(file.utf8), sha256: "sha-\(file)", bytes: 1234,
    image: ImageInfo(format: .webp, width: 640, height: 480), temporary: temporary.map { Array($0.utf8) })
}

func makeNote(_ state: StateName, _ code: ErrorCode = "no-text") -> FileNote {
  FileNote(state: state, error: JobError(code: code, message: "It is so."), since: start + .milliseconds(250))
}
