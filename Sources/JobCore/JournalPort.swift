/// What was seen of a prompt and its list when they were last read.
public struct TakenStamp: Hashable, Sendable {
  /// The prompt's.
  public var prompt: FileStamp
  /// The image list's; nil where there was none.
  public var list: FileStamp?
  /// A fingerprint of what else the request is made of: folder defaults and settings. 0: local reference images too, so
  /// that only reading can show whether anything changed.
  public var inputs: UInt64
  /// Makes a stamp.
  public init(prompt: FileStamp, list: FileStamp?, inputs: UInt64 = 0) {
    self.prompt = prompt
    self.list = list
    self.inputs = inputs
  }
}

/// What the journal knows of a path: enough to know that nothing has to be done.
public struct KnownFile: Hashable, Sendable {
  /// The job.
  public var job: JobID
  /// The file's state.
  public var state: StateName
  /// The current revision; 0 while nothing was taken.
  public var current: Int
  /// The file as it was last read; nil when it has to be read again.
  public var stamp: TakenStamp?
  /// What is said of the file as it stands.
  public var note: FileNote?
  /// Makes one.
  public init(job: JobID, state: StateName, current: Int, stamp: TakenStamp?, note: FileNote?) {
    self.job = job
    self.state = state
    self.current = current
    self.stamp = stamp
    self.note = note
  }
}

/// One guarded change. Changes of a batch are applied in order, each in whole or not at all, and all are durable
/// together.
///
/// Each is one reference: it goes through several hands, and a copy of a slot with all its texts would be made for each.
public indirect enum JournalChange: Sendable {
  /// A new revision, for a known file or a new one. Guard: `expected` is the job's current revision; nil: the path is
  /// new.
  case take(Take)
  /// A slot moves. Guard: the journal has it in the state `from`. `outputs` replace those of the same slot and part.
  case move(Slot, from: StateName, outputs: [Output])
  /// A revision that the journal has becomes the current one, perhaps with more pictures. Guard: `expected` is current.
  case makeCurrent(job: JobID, revision: Int, expected: Int, count: Int, newSlots: [Slot], stamp: TakenStamp?)
  /// A file cannot be taken as it stands (or, with nil, can again). Makes the job where the path is new.
  case note(job: JobID, file: FileKey, FileNote?, stamp: TakenStamp?, at: Timestamp)
  /// The file was read again and asks for nothing new.
  case seen(job: JobID, stamp: TakenStamp, inputsChanged: Bool)
  /// A file that nothing was ever taken of is gone. Guard: the job has no revision.
  case forget(job: JobID)
  /// A revision that was never sent has other reference bytes now, or the text of one was forgotten since: what would
  /// be sent is frozen anew. Guard: none of its pictures was begun, or its text was forgotten.
  case refresh(job: JobID, Revision)
  /// Pictures are about to be put in place, or were renamed.
  case outputs([Output])
  /// The job's file has another name now; its pictures and sidecar are on their way there. A job that has the new name gets
  /// the name `displaced`, or is forgotten when it has no revision. Guard: the file still has the name `from`, and nobody
  /// has the new one, or `displaced` is given and free.
  case renamed(job: JobID, from: FileKey, to: FileKey, displaced: FileKey?)
  /// Pictures and sidecar are where the file is.
  case arrived(job: JobID)
  /// A folder was renamed: the jobs of the prompts below it follow, but for those whose new path has a job.
  case renamedFolder(from: FileKey, to: FileKey)
  /// A sidecar that the root's other machine made was seen there, by this owner; nil: that counts no more.
  case shared(RootID, with: String?)
  /// A second task of an attempt gets a slot of its own. Guard: the journal has its revision, and no slot with its
  /// task.
  case surplus(Slot)
  /// A submission is on the bill, or what it cost is known.
  case charge(Charge)
  /// A sidecar has a submission: it is on the bill, unless it is there already.
  case chargeReported(Charge)
  /// A submission was not accepted: it goes from the bill.
  case release(attemptID: String)
  /// An attempt was given a callback URL of its own.
  case expectCallback(CallbackTarget)
  /// A callback came. Guard: it was not known yet.
  case evidence(Evidence)
  /// What a callback said has been weighed.
  case weighed(Evidence)
  /// The wall clock was set: what waits for a time later than `after` moves along.
  case clockSet(by: Duration, after: Timestamp)
  /// Queued slots that wait for a time because of this error, or until a time so far away that a clock was wrong when
  /// it was written down, may begin now.
  case undelay(code: ErrorCode, beyond: Timestamp, now: Timestamp)
  /// A change that others are to hear of, at least once: where it applies, its events are durable with it; where it is
  /// stale, there are none.
  case announced(JournalChange, [OutboxEvent])
  /// Events, by their ids, have been delivered: they are gone. Guard: one of them was still there.
  case delivered([Int64])

  /// The change itself, without what others are to hear of it.
  public var unannounced: JournalChange {
    if case .announced(let change, _) = self { change.unannounced } else { self }
  }

  /// A new revision with its slots.
  public struct Take: Sendable {
    /// The job; made where the path is new.
    public var job: JobID
    /// The file.
    public var file: FileKey
    /// The current revision that the decision was made on.
    public var expected: Int?
    /// The file as it was read.
    public var stamp: TakenStamp
    /// The revision.
    public var revision: Revision
    /// Its slots.
    public var slots: [Slot]
    /// Pictures that are in place already, as the file's sidecar tells.
    public var outputs: [Output]
    /// When the file was first seen like this: what may begin at the same time begins in this order.
    public var seenAt: Timestamp
    /// Makes one. `seenAt`: nil for when the revision was taken.
    public init(
      job: JobID, file: FileKey, expected: Int?, stamp: TakenStamp, revision: Revision, slots: [Slot],
      outputs: [Output] = [], seenAt: Timestamp? = nil
    ) {
      self.seenAt = seenAt ?? revision.takenAt
      self.job = job
      self.file = file
      self.expected = expected
      self.stamp = stamp
      self.revision = revision
      self.slots = slots
      self.outputs = outputs
    }
  }
}

/// Which attempt a callback URL was made for.
public struct CallbackTarget: Hashable, Sendable {
  /// SHA-256 of the URL's secret, hexadecimal.
  public var secretSHA: String
  /// The slot.
  public var slot: SlotKey
  /// The attempt.
  public var attemptID: String
  /// When it was made: it is forgotten some time after.
  public var madeAt: Timestamp
  /// Makes one.
  public init(secretSHA: String, slot: SlotKey, attemptID: String, madeAt: Timestamp) {
    self.secretSHA = secretSHA
    self.slot = slot
    self.attemptID = attemptID
    self.madeAt = madeAt
  }
}

/// What a callback claims: its attempt became this task. A hint, until a query confirms it.
public struct Evidence: Hashable, Sendable {
  /// SHA-256 of the secret in the URL that it came to, hexadecimal.
  public var secretSHA: String
  /// The task.
  public var taskID: String
  /// When it came.
  public var receivedAt: Timestamp
  /// Makes one.
  public init(secretSHA: String, taskID: String, receivedAt: Timestamp) {
    self.secretSHA = secretSHA
    self.taskID = taskID
    self.receivedAt = receivedAt
  }
}

/// What others are to hear of at least once. Whoever hears of the same `id` twice has heard of one event.
public struct OutboxEvent: Hashable, Sendable {
  /// The journal's number for it, from 1, never given out twice; 0 before it is written down.
  public var id: Int64
  /// What happened, a machine-readable word.
  public var kind: String
  /// The job that it happened to.
  public var job: JobID
  /// The slot; nil where it is about the whole file.
  public var slot: SlotKey?
  /// When it happened.
  public var at: Timestamp
  /// What is to be said of it, in the form that its kind says.
  public var detail: [UInt8]
  /// Makes one that is not written down yet.
  public init(
    id: Int64 = 0, kind: String, job: JobID, slot: SlotKey? = nil, at: Timestamp, detail: [UInt8] = []
  ) {
    self.id = id
    self.kind = kind
    self.job = job
    self.slot = slot
    self.at = at
    self.detail = detail
  }
}

/// What one folder's prompts have cost in one day with one model.
public struct SpendLine: Hashable, Sendable {
  /// The UTC day, in days since 1970-01-01.
  public var day: Int64
  /// The root.
  public var root: RootID
  /// The folder below it.
  public var folder: DropPath
  /// The model.
  public var model: String
  /// How many submissions were begun and not refused.
  public var submissions: Int
  /// Credits used, the exact sum of what the service said.
  public var consumed: String?
  /// Credits set aside for those that the service has not yet named a price for, exact.
  public var reserved: String?
  /// Makes one.
  public init(
    day: Int64, root: RootID, folder: DropPath, model: String, submissions: Int, consumed: String?, reserved: String?
  ) {
    self.day = day
    self.root = root
    self.folder = folder
    self.model = model
    self.submissions = submissions
    self.consumed = consumed
    self.reserved = reserved
  }
}

/// What became of a change.
public enum ChangeResult: Hashable, Sendable {
  /// It is durable.
  case applied
  /// The journal was not in the state that the decision was made on: nothing was changed.
  case stale
}

/// A journal that cannot write.
public enum JournalError: Error, Hashable, Sendable {
  /// The disk is full, or a write failed: nothing was changed, the same batch can be tried again.
  case full(String)
  /// Anything else: what is on the disk is no longer known. The process has to end; a restart goes on.
  case broken(String)
}

/// Where all retry state lives. Nothing of a particular database shows: a second implementation is a second process's.
public protocol JobJournal: Sendable {
  /// Applies a batch and makes it durable; a result for each change. Throws `JournalError`.
  func commit(_ changes: [JournalChange]) async throws -> [ChangeResult]
  /// The number of a root, made where it is new. `path`: absolute, canonical.
  func root(path: [UInt8]) async throws -> RootID
  /// Every root that the journal knows, with its absolute path.
  func roots() async throws -> [RootID: [UInt8]]
  /// The roots that were watched by a version whose exclude patterns had other rules.
  func rootsOfFormerExcludes() async throws -> Set<RootID>
  /// What is known of each path.
  func known(_ files: [FileKey]) async throws -> [KnownFile?]
  /// Jobs, each with its current revision, all open slots with their revisions, and its outputs.
  func jobs(_ ids: [JobID]) async throws -> [Job?]
  /// The job's revision with this source and list, if it ever had one. The newest, where there are several.
  func revision(of job: JobID, like identity: Identity) async throws -> Revision?
  /// A revision's slots.
  func slots(of job: JobID, revision: Int) async throws -> [Slot]
  /// Queued slots that may begin, oldest first, at most `limit`, not those in `except`.
  func startable(roots: [RootID], at now: Timestamp, limit: Int, except: Set<SlotKey>) async throws -> [SlotKey]
  /// When the next queued slot may begin; nil when none waits.
  func nextStart(roots: [RootID], except: Set<SlotKey>) async throws -> Timestamp?
  /// Queued slots that wait with an unclear refusal, each with the hash of its prompt's text.
  func blamed(roots: [RootID]) async throws -> [(slot: Slot, prompt: String)]
  /// Slots that are neither queued nor final.
  func underWay(roots: [RootID]) async throws -> [SlotKey]
  /// Slots that are held and whose pictures are still tried by themselves, and when next.
  func stillTried(roots: [RootID]) async throws -> [(SlotKey, next: Timestamp)]
  /// Slots whose pictures are late, of the tasks since the last one whose picture came; in the order of their submission.
  /// Where fewer are late than stop the agent, all of them.
  func lateInARow(roots: [RootID]) async throws -> [SlotKey]
  /// The temporary names that pictures wait under.
  func plannedTemporaries(roots: [RootID]) async throws -> Set<[UInt8]>
  /// Files that something is noted of and that are to be looked at anew, so that nobody watches for their end.
  func noted(in root: RootID) async throws -> [FileKey]
  /// For each source hash, the jobs whose current revision has it, with their files.
  func jobs(roots: [RootID], sources: [String]) async throws -> [[(JobID, FileKey)]]
  /// The slots that have this task, at present one.
  func slots(task: String) async throws -> [SlotKey]
  /// Which attempt a callback URL was made for.
  func callback(_ secretSHA: String) async throws -> CallbackTarget?
  /// What callbacks claimed and nobody has weighed yet.
  func openEvidence() async throws -> [Evidence]
  /// The bill of a UTC day.
  func charges(day: Int64) async throws -> [Charge]
  /// Events that were not said to be delivered, in the order in which they were written down.
  func pendingEvents(limit: Int) async throws -> [OutboxEvent]
  /// The highest price seen of each kind.
  func prices() async throws -> [PriceKey: Credits]
  /// What was spent from a UTC day on, by day, folder and model.
  func spending(since day: Int64) async throws -> [SpendLine]
  /// Jobs of the files in this folder and below it that are in this state, in the order of their paths.
  func files(_ root: RootID, below folder: DropPath, in state: StateName, limit: Int) async throws -> [JobID]
  /// Writes a copy of the journal beside it, unless there is one that is younger than `age`. Whether it did.
  func backUp(unlessYoungerThan age: Duration, now: Timestamp) async throws -> Bool
  /// The files of jobs in this folder, in the order of their paths, those after `last`; `deep`: also below it.
  func prompts(in folder: FileKey, deep: Bool, after last: DropPath?, limit: Int) async throws -> [FileKey]
  /// Hands out every file with a stamp.
  func eachStamp(_ body: @escaping @Sendable (FileKey, TakenStamp) -> Void) async throws
  /// Whether the root has no job at all.
  func isEmpty(_ root: RootID) async throws -> Bool
  /// How many revisions of a job were taken since then.
  func revisions(of job: JobID, since moment: Timestamp) async throws -> Int
  /// Jobs whose pictures and sidecars are still on their way, and the name that each of their files had before.
  func moving() async throws -> [(JobID, from: FileKey)]
  /// Jobs with pictures in the state folder.
  func withKeptPictures() async throws -> [JobID]
  /// The roots where another machine's sidecars were seen, and its word for itself.
  func sharedRoots() async throws -> [RootID: String]
  /// How many files are in each state.
  func census(roots: [RootID]) async throws -> [StateName: Int]
  /// Files in this state, at most `limit`: their jobs.
  func files(roots: [RootID], in state: StateName, limit: Int) async throws -> [JobID]
  /// Forgets details of what has been final since `before` and cost nothing: texts of old revisions, attempts that were
  /// refused. What was paid for stays for good: its text, its attempts, its day and its cost; and what a file is, and which
  /// pictures are its own.
  func prune(finalSince before: Timestamp) async throws
}

extension JobJournal {
  /// Jobs whose current revision has this source hash, with their files.
  public func jobs(roots: [RootID], source: String) async throws -> [(JobID, FileKey)] {
    try await jobs(roots: roots, sources: [source])[0]
  }
}
