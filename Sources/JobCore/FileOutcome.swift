/// What is done about a file, and why.
public struct FileOutcome: Sendable {
  /// Why, in words.
  public var reason: FileReason
  /// What is committed, together.
  public var changes: [JournalChange] = []
  /// What follows in memory, before the commit.
  public var memos: [FileMemo] = []
  /// What follows once the changes are durable; nothing of it where one is stale.
  public var effects: [FileEffect] = []
  /// When the file is looked at next.
  public var next = NextLook.whenItChanges
  /// The pace of new prompts, where this one counts for it.
  public var burst: SubmissionPace?

  /// When a file is looked at next.
  public enum NextLook: Hashable, Sendable {
    /// When something happens to it.
    case whenItChanges
    /// It is settling already.
    case whenSettled
    /// At this time, monotonic.
    case at(Duration)
    /// Once it has settled anew: it changed under the reading.
    case soon
  }

  /// Nothing is done.
  public init(_ reason: FileReason) { self.reason = reason }
}

/// Why a file is dealt with as it is.
public struct FileReason: Hashable, Sendable {
  /// What becomes of it.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// It has not come to rest, or may be a renamed file: it is looked at again.
    case settling
    /// It asks for nothing that was not taken already.
    case unchanged
    /// Its text was never taken.
    case new
    /// It has another text now.
    case changed
    /// It asks for more pictures of the same text, or for those that were withdrawn.
    case more
    /// A text that it had before is back.
    case restored
    /// A job follows its file to this name.
    case renamed
    /// Its sidecar says what was paid for.
    case adopted
    /// It waits for something that is seen when it comes.
    case waits
    /// A person decides.
    case held
    /// It is wrong.
    case refused
    /// A pattern leaves it out, or another prompt of the same name.
    case leftOut = "left-out"
    /// Its folder is not this agent's.
    case notOurs = "not-ours"
    /// It is not there.
    case gone
  }

  /// What becomes of it.
  public var kind: Kind
  /// A stable word, where there is more to say than the kind.
  public var code: ErrorCode?
  /// Why, one sentence.
  public var message: String
  /// What the user can do about it.
  public var hint: String?

  /// Makes a reason.
  public init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }
  /// The reason that an error gives.
  public init(_ kind: Kind, _ error: JobError) {
    (self.kind, code, message, hint) = (kind, error.code, error.message, error.hint)
  }
}

/// What is remembered of a file.
public enum FileMemo: Hashable, Sendable {
  /// It is as it was when it was read: the watcher need not report it again.
  case confirm(TakenStamp)
  /// It is looked at at this time, monotonic, whatever happens to it.
  case look(at: Duration)
  /// It is looked after this long whether the program that writes it has closed it.
  case lookForClose(after: Duration)
  /// It waits for a list or for defaults that are still empty: a run that ends when its work is done waits too.
  case awaitsControlFile
}

/// What is done for a file besides changing the journal.
public enum FileEffect: Sendable {
  /// It is reported to the user, once for each place.
  case sayNotOurs(JobError)
  /// It is reported to the user, once for each file.
  case sayLeftOut(JobError)
  /// People are warned.
  case warn(JobError)
  /// What keeps the file is written to its sidecar.
  case showNote(JobID, FileNote)
  /// The sidecar has been weighed: it may be overwritten.
  case sidecarIsRead
  /// What a person wanted anew has been taken.
  case isMadeAnew
  /// A job is new to the journal: its slots go on by their states.
  case began(Job, [Slot])
  /// The file was read again and asks for nothing new: its stamp is remembered in hand too.
  case seenAgain(JobID, TakenStamp)
  /// The journal has more of a job than is in hand. These of its slots are new or back; `restored`: the revision whose
  /// pictures get their names back.
  case reload(JobID, slots: [Slot], restored: Int?)
  /// Slots have become what a sidecar tells: those with a task are followed.
  case goOn([Slot])
  /// What was not sent is withdrawn.
  case withdraw([SlotKey], CancelReason)
  /// The job's pictures and sidecar follow its file from this name; one that had the new name gives way.
  case follow(JobID, from: FileKey, displaced: Displaced?)
  /// Its sidecar is removed, unless it has more than this job.
  case removeSidecar(unlessMoreThan: Job?)
  /// Pictures that are kept for it are put in place.
  case putKeptBack
  /// It is looked at once more.
  case lookAgain

  /// A job whose file another one was renamed over.
  public struct Displaced: Hashable, Sendable {
    /// The job.
    public var job: JobID
    /// What it goes by from now on.
    public var place: FileKey
    /// Whether anything of it was ever taken.
    public var wasTaken: Bool
  }
}
