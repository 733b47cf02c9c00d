import Foundation
import JobCore
import JobJournal
import TestKit

/// A closed journal with something of everything in it, and what it tells while it is whole.
struct FilledJournal {
  let place: TemporaryFolder
  let roots: [RootID]
  let jobs: [JobID]
  let files: [FileKey]
  let whole: [UInt8]
  let reported: JournalContent

  static let states: [SlotState] = [
    .queued(Queued()), .queued(Queued(notBefore: start + .seconds(3600), error: trouble)), .submitting,
    .submitted(task), .fetching(Fetching(task: task, results: [.url("https://images.example/1.png")])), .done,
    .failed(trouble), .held(Held(reason: .submissionOutcomeUnknown, error: trouble)),
    .held(Held(reason: .paidNotFetched, error: trouble, task: task)), .held(Held(reason: .burst, error: trouble)),
    .cancelled(.superseded), .cancelled(.abandoned),
  ]

  init() async throws {
    place = try TemporaryFolder()
    let journal = try SQLiteJournal(try StateFolder(place.path("state")))
    roots = [
      try await journal.root(path: Array("/srv/drop".utf8)), try await journal.root(path: Array("/srv/other".utf8)),
    ]
    var (jobs, files): ([JobID], [FileKey]) = ([], [])
    for (index, state) in (Self.states + Self.states + Self.states).enumerated() {
      let job = JobID("7f3e0000-0000-4000-8000-\(100_000_000_000 + index)")
      let file = FileKey(root: roots[index % 2], path: DropPath("folder-\(index % 5)/\(index).prompt"))
      var take = makeTake(job, file, makeRevision(count: 2), states: [state, .done], outputs: [])
      take.slots = take.slots.map { Self.withAttempt($0) }
      take.outputs = [makeOutput(slotKey(job, 1, 2), temporary: index.isMultiple(of: 3) ? "t\(index)" : nil)]
      _ = try await journal.commit([
        .take(take),
        .charge(
          Charge(
            attemptID: "attempt-\(index)", root: file.root, folder: file.path.directory,
            kind: PriceKey(model: "m", size: "2k"), day: 20_484, reserved: "0.500000", consumed: "0.25")),
        .expectCallback(
          CallbackTarget(secretSHA: "sha-\(index)", slot: slotKey(job), attemptID: "attempt-\(index)", madeAt: start)),
      ])
      jobs.append(job)
      files.append(file)
    }
    (self.jobs, self.files) = (jobs, files)
    reported = try await JournalContent(journal, roots, jobs, files)
    // A backup is one file with everything in it, as the journal itself is once it is closed.
    _ = try await journal.backUp(unlessYoungerThan: .zero, now: start)
    whole = try place.bytes("state/\(SQLiteJournal.backupName)")
  }

  private static func withAttempt(_ slot: Slot) -> Slot {
    var slot = slot
    switch slot.state {
    case .queued, .held(Held(reason: .burst, error: trouble)), .cancelled(.superseded): return slot
    default: break
    }
    var attempt = Attempt(n: 1, attemptID: "a-\(slot.key.job.text)-\(slot.key.number)", bootID: "b", startedAt: start)
    attempt.outcome = slot.state == .submitting ? .begun : .accepted
    attempt.taskID = slot.state == .submitting ? nil : "task-\(slot.key.job.text)-\(slot.key.number)"
    slot.attempts = [attempt]
    return slot
  }

  /// Opens a journal of these bytes, in a folder of its own.
  func open(_ bytes: [UInt8], _ name: String) throws -> SQLiteJournal {
    try place.write("\(name)/journal.sqlite", bytes: bytes)
    return try SQLiteJournal(try StateFolder(place.path(name)))
  }
}

/// All that what is paid for hangs on.
struct JournalContent: Equatable {
  var slots: [SlotKey: Slot] = [:]
  var known: [KnownFile?]
  var jobs: [Job?]
  var startable: Set<SlotKey>
  var underWay: Set<SlotKey>
  var charges: Set<Charge>
  var callbacks: [CallbackTarget?] = []

  init(_ journal: any JobJournal, _ roots: [RootID], _ ids: [JobID], _ files: [FileKey]) async throws {
    for id in ids { for slot in try await journal.slots(of: id, revision: 1) { slots[slot.key] = slot } }
    known = try await journal.known(files)
    jobs = try await journal.jobs(ids)
    startable = Set(try await journal.startable(roots: roots, at: .distantFuture, limit: .max, except: []))
    underWay = Set(try await journal.underWay(roots: roots))
    charges = Set(try await journal.charges(day: 20_484))
    for index in ids.indices { callbacks.append(try await journal.callback("sha-\(index)")) }
  }
}
