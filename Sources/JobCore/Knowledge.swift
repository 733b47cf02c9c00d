/// What the journal and the agent's memory know of a file, for the decision on it.
public struct Knowledge: Sendable {
  /// What the journal knows of the path.
  public var file: KnownFile?
  /// What is only in memory.
  public var memory: Memory
  /// The path's job, as it is known best: in hand, or from the journal.
  public var job: Fact<Job?> = .notAsked
  /// Slots of the job that are under way.
  public var running: Set<SlotKey> = []
  /// An id for a job that is new.
  public var newID: Fact<JobID> = .notAsked
  /// Whether the journal has the job that the sidecar names.
  public var isSidecarsJobKnown: Fact<Bool> = .notAsked
  /// The job's newest revision with the text and list that the file has now; nil inside where it never had them.
  public var earlier: Fact<EarlierRevision?> = .notAsked
  /// How many revisions of the job were taken lately.
  public var recentRevisions: Fact<Int> = .notAsked
  /// The slots of revisions that the sidecar has, by revision.
  public var slots: Fact<[Int: [Slot]]> = .notAsked

  /// A revision that the job had, with its slots.
  public struct EarlierRevision: Hashable, Sendable {
    /// The revision.
    public var revision: Revision
    /// Its slots.
    public var slots: [Slot]
    /// Makes one.
    public init(revision: Revision, slots: [Slot]) { (self.revision, self.slots) = (revision, slots) }
  }

  /// What is only in memory.
  public struct Memory: Sendable {
    /// Whether the sidecar may have a later text than the journal: it stays as it is until the file was looked at.
    public let isSidecarUnread: Bool
    /// Whether a person wants it made once more though its text is the same.
    public let isWantedAnew: Bool
    /// Whether a person let the job go although it says `hold: true`.
    public let isLetGo: Bool
    /// The prompt as it stood when a person let it go although a program had it open for writing; nil: nobody did.
    public let takenThoughOpen: FileStamp?
    /// Whether the root was watched by a version whose exclude patterns had other rules.
    public let isRootOfFormerExcludes: Bool
    /// Whether pictures of the job are in the state folder.
    public let hasKeptPictures: Bool
    /// Whether the kernel said that another prompt was renamed to this name.
    public let wasRenamed: Bool
    /// How many new prompts may still be taken without asking. Counted on by a decision: `FileOutcome.burst`.
    public let burst: SubmissionPace

    /// Makes a memory; by default of nothing, and without a limit.
    public init(
      isSidecarUnread: Bool = false, isWantedAnew: Bool = false, isLetGo: Bool = false,
      takenThoughOpen: FileStamp? = nil, isRootOfFormerExcludes: Bool = false, hasKeptPictures: Bool = false,
      wasRenamed: Bool = false, burst: SubmissionPace = SubmissionPace(perMinute: 0)
    ) {
      self.isSidecarUnread = isSidecarUnread
      self.isWantedAnew = isWantedAnew
      self.isLetGo = isLetGo
      self.takenThoughOpen = takenThoughOpen
      self.isRootOfFormerExcludes = isRootOfFormerExcludes
      self.hasKeptPictures = hasKeptPictures
      self.wasRenamed = wasRenamed
      self.burst = burst
    }
  }

  /// Makes knowledge of a file.
  public init(_ file: KnownFile?, memory: Memory = Memory()) { (self.file, self.memory) = (file, memory) }

  /// Whether a person has said that the file is to be taken although a program has it open. It holds while the job is in
  /// the queue too, where the file's note is gone.
  public func isTakenThoughOpen(_ prompt: FileStamp) -> Bool {
    guard let file else { return false }
    return file.note?.approval?.covers(.writerOpen, prompt) == true || memory.takenThoughOpen == prompt
  }
}
