import JobCore
import JobJournal
import Synchronization

/// The real journal; commits fail when a test says so. Keeps what was recorded, for the rule that nothing is posted that
/// was not, and that nothing waits by writing nothing.
final class FaultyJournal: JobJournal {
  private struct State {
    var commits = 0
    var sourceQuestions = 0
    var fault: (@Sendable (Int, [JournalChange]) -> JournalError?)?
  }
  let inner: SQLiteJournal
  private let activity: Activity
  private let records: Records
  private let state = Mutex(State())

  init(_ inner: SQLiteJournal, _ activity: Activity, _ records: Records) {
    (self.inner, self.activity, self.records) = (inner, activity, records)
  }

  /// How many batches were to be committed.
  var commits: Int { state.withLock { $0.commits } }
  /// How often it was asked for jobs with the same text.
  var sourceQuestions: Int { state.withLock { $0.sourceQuestions } }
  /// Which commits fail: by their index, from 0 since the start, and what is in them.
  func fail(_ fault: (@Sendable (Int, [JournalChange]) -> JournalError?)?) { state.withLock { $0.fault = fault } }

  func commit(_ changes: [JournalChange]) async throws -> [ChangeResult] {
    if changes.isEmpty { records.violation("an empty batch was committed") }
    return try await activity.during {
      let fault = state.withLock { state in
        defer { state.commits += 1 }
        return state.fault?(state.commits, changes)
      }
      if let fault { throw fault }
      let results = try await inner.commit(changes)
      for (change, result) in zip(changes, results) where result == .applied { records.committed(change) }
      return results
    }
  }

  func root(path: [UInt8]) async throws -> RootID { try await activity.during { try await inner.root(path: path) } }
  func roots() async throws -> [RootID: [UInt8]] { try await activity.during { try await inner.roots() } }
  func rootsOfFormerExcludes() async throws -> Set<RootID> {
    try await activity.during { try await inner.rootsOfFormerExcludes() }
  }
  func known(_ files: [FileKey]) async throws -> [KnownFile?] {
    try await activity.during { try await inner.known(files) }
  }
  func jobs(_ ids: [JobID]) async throws -> [Job?] { try await activity.during { try await inner.jobs(ids) } }
  func revision(of job: JobID, like identity: Identity) async throws -> Revision? {
    try await activity.during { try await inner.revision(of: job, like: identity) }
  }
  func slots(of job: JobID, revision: Int) async throws -> [Slot] {
    try await activity.during { try await inner.slots(of: job, revision: revision) }
  }
  func startable(roots: [RootID], at now: Timestamp, limit: Int, except: Set<SlotKey>) async throws -> [SlotKey] {
    try await activity.during { try await inner.startable(roots: roots, at: now, limit: limit, except: except) }
  }
  func nextStart(roots: [RootID], except: Set<SlotKey>) async throws -> Timestamp? {
    try await activity.during { try await inner.nextStart(roots: roots, except: except) }
  }
  func blamed(roots: [RootID]) async throws -> [(slot: Slot, prompt: String)] {
    try await activity.during { try await inner.blamed(roots: roots) }
  }
  func underWay(roots: [RootID]) async throws -> [SlotKey] {
    try await activity.during { try await inner.underWay(roots: roots) }
  }
  func stillTried(roots: [RootID]) async throws -> [(SlotKey, next: Timestamp)] {
    try await activity.during { try await inner.stillTried(roots: roots) }
  }
  func lateInARow(roots: [RootID]) async throws -> [SlotKey] {
    try await activity.during { try await inner.lateInARow(roots: roots) }
  }
  func plannedTemporaries(roots: [RootID]) async throws -> Set<[UInt8]> {
    try await activity.during { try await inner.plannedTemporaries(roots: roots) }
  }
  func noted(in root: RootID) async throws -> [FileKey] {
    try await activity.during { try await inner.noted(in: root) }
  }
  func jobs(roots: [RootID], sources: [String]) async throws -> [[(JobID, FileKey)]] {
    state.withLock { $0.sourceQuestions += 1 }
    return try await activity.during { try await inner.jobs(roots: roots, sources: sources) }
  }
  func slots(task: String) async throws -> [SlotKey] { try await activity.during { try await inner.slots(task: task) } }
  func callback(_ secretSHA: String) async throws -> CallbackTarget? {
    try await activity.during { try await inner.callback(secretSHA) }
  }
  func openEvidence() async throws -> [Evidence] { try await activity.during { try await inner.openEvidence() } }
  func charges(day: Int64) async throws -> [Charge] { try await activity.during { try await inner.charges(day: day) } }
  func pendingEvents(limit: Int) async throws -> [OutboxEvent] {
    try await activity.during { try await inner.pendingEvents(limit: limit) }
  }
  func prices() async throws -> [PriceKey: Credits] { try await activity.during { try await inner.prices() } }
  func spending(since day: Int64) async throws -> [SpendLine] {
    try await activity.during { try await inner.spending(since: day) }
  }
  func files(_ root: RootID, below folder: DropPath, in state: StateName, limit: Int) async throws -> [JobID] {
    try await activity.during { try await inner.files(root, below: folder, in: state, limit: limit) }
  }
  func backUp(unlessYoungerThan age: Duration, now: Timestamp) async throws -> Bool {
    try await activity.during { try await inner.backUp(unlessYoungerThan: age, now: now) }
  }
  func prompts(in folder: FileKey, deep: Bool, after last: DropPath?, limit: Int) async throws -> [FileKey] {
    try await activity.during { try await inner.prompts(in: folder, deep: deep, after: last, limit: limit) }
  }
  func eachStamp(_ body: @escaping @Sendable (FileKey, TakenStamp) -> Void) async throws {
    try await activity.during { try await inner.eachStamp(body) }
  }
  func isEmpty(_ root: RootID) async throws -> Bool { try await activity.during { try await inner.isEmpty(root) } }
  func revisions(of job: JobID, since moment: Timestamp) async throws -> Int {
    try await activity.during { try await inner.revisions(of: job, since: moment) }
  }
  func moving() async throws -> [(JobID, from: FileKey)] { try await activity.during { try await inner.moving() } }
  func withKeptPictures() async throws -> [JobID] { try await activity.during { try await inner.withKeptPictures() } }
  func sharedRoots() async throws -> [RootID: String] {
    try await activity.during { try await inner.sharedRoots() }
  }
  func census(roots: [RootID]) async throws -> [StateName: Int] {
    try await activity.during { try await inner.census(roots: roots) }
  }
  func files(roots: [RootID], in state: StateName, limit: Int) async throws -> [JobID] {
    try await activity.during { try await inner.files(roots: roots, in: state, limit: limit) }
  }
  func prune(finalSince before: Timestamp) async throws {
    try await activity.during { try await inner.prune(finalSince: before) }
  }
}
