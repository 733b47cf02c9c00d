/// What was seen of a prompt and its list when they were last read.
public struct TakenStamp: Hashable, Sendable {
  /// The prompt's.
  public var prompt: FileStamp
  /// The image list's; nil where there was none.
  public var list: FileStamp?
  /// A fingerprint of what else the request is made of: folder defaults and settings. 0: local reference images too, so
  /// that only reading can tell whether anything changed.
  public var inputs: UInt64
  /// Makes a stamp.
  public init(prompt: FileStamp, list: FileStamp?, inputs: UInt64 = 0) {
    self.prompt = prompt
    self.list = list
    self.inputs = inputs
  }
}

/// What the journal knows of a path: enough to tell that nothing has to be done.
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
public enum JournalChange: Sendable {
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
  /// The job's file has another name now. Guard: the journal has no job at that path.
  case renamed(job: JobID, to: FileKey)

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
    /// Makes one.
    public init(
      job: JobID, file: FileKey, expected: Int?, stamp: TakenStamp, revision: Revision, slots: [Slot],
      outputs: [Output] = []
    ) {
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

/// What became of a change.
public enum ChangeResult: Hashable, Sendable {
  /// It is durable.
  case applied
  /// The journal was not in the state that the decision was made on: nothing was changed.
  case stale
}

/// A journal that cannot write.
public enum JournalError: Error, Hashable, Sendable {
  /// The disk is full: nothing was changed, the same batch can be tried again.
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
  /// Slots that are neither queued nor final.
  func underWay(roots: [RootID]) async throws -> [SlotKey]
  /// The temporary names that pictures wait under.
  func plannedTemporaries(roots: [RootID]) async throws -> Set<[UInt8]>
  /// The files whose note has this code.
  func noted(roots: [RootID], code: String) async throws -> [FileKey]
  /// Jobs whose current revision has this source hash, with their files.
  func jobs(roots: [RootID], source: String) async throws -> [(JobID, FileKey)]
  /// How many files are in each state.
  func census(roots: [RootID]) async throws -> [StateName: Int]
  /// Files in this state, at most `limit`: their jobs.
  func files(roots: [RootID], in state: StateName, limit: Int) async throws -> [JobID]
  /// Forgets the details of what has been final since `before`: texts and attempts of old revisions. What a file is,
  /// and which pictures are its own, stays known.
  func prune(finalSince before: Timestamp) async throws
}
