/// What happens to a slot. Indirect, because it is handed on several times, and some have a whole answer in them.
public indirect enum SlotEvent: Hashable, Sendable {
  /// Its turn has come. The attempt carries what the caller made for it; see `Attempt`.
  case start(
    attemptID: String, bootID: String, requestSHA: String? = nil, callbackSHA: String? = nil, reserved: String? = nil)
  /// The intent could not be written beside the source: nothing was sent.
  case couldNotRecord(JobError)
  /// promptdrop is being stopped, and the request was not sent.
  case stoppedBeforeSending
  /// It cannot begin yet: the file is being looked at again, or a reference image is missing.
  case postponed(until: Timestamp, JobError?)
  /// The POST ended.
  case posted(SubmitOutcome)
  /// A query ended.
  case queried(QueryOutcome)
  /// Every picture is under its final name.
  case published
  /// A picture could not be fetched or put in place.
  case fetchFailed(FetchFailure)
  /// A process took the slot over from the journal.
  case restarted
  /// It must wait for a person: `hold: true`, or the burst limit.
  case hold(HeldReason, JobError)
  /// A person let it go on.
  case approved
  /// Its prompt is gone or was replaced.
  case withdrawn(CancelReason)
  /// It was refused for a reason that turned out to be the account's, not its own.
  case refusalWasTheAccounts(JobError)
  /// It was refused in unclear words, and another prompt, submitted after that, was accepted: it is its own.
  case refusalWasItsOwn
  /// What it waited for, having been refused, may be over: it is tried again at its turn.
  case triedAgain
  /// A process took the slot over, and a mark of this boot proves that not a byte of the request was sent.
  case foundUnsent
  /// Confirmed evidence, or a person, says which task an attempt in doubt became. No id of an attempt: the last one.
  case bound(taskID: String, attemptID: String?)
  /// A person wants it submitted once more, knowing that it may be paid for twice.
  case resubmit
  /// A person gives it up.
  case abandon
  /// A person wants another try: of what was refused, a new submission; of what is paid for, another look at its task.
  case retry
  /// The wall clock was set: the moments in the state move along.
  case clockSet(Duration)
}

/// What the caller does for a slot, in the order given.
public enum Effect: Hashable, Sendable {
  /// Bring the sidecar up to date. Durable: synced, file and folder, before the next effect begins.
  case writeSidecar(durable: Bool)
  /// Bring the sidecar up to date, synced, a moment from now, unless it is written before that. The journal has what it is to
  /// say; a job that ends at once needs no sidecar in between.
  case writeSidecarSoon
  /// Send the request.
  case post
  /// Ask for the task, not before the moment given.
  case query(at: Timestamp)
  /// Fetch and publish the results, not before the moment given.
  case fetch(at: Timestamp)
  /// It is held; ask for its picture by itself then, and see.
  case tryLater(at: Timestamp)
  /// Give it back to the queue.
  case requeue
  /// Tell the gate of a service that takes nothing at present.
  case serviceTrouble(ServiceTrouble, JobError)
  /// Tell the gate to let nothing out for this long: the service asked for it.
  case slowDown(Duration)
}

/// A decision: what the slot becomes, and what is done before and after that is committed.
public struct Transition: Hashable, Sendable {
  /// Done before the commit.
  public var before: [Effect] = []
  /// What the slot becomes; committed only where the journal still has the state that the decision was made on.
  public var slot: Slot
  /// Whether the journal has to know. False: nothing changed that a restart could not find again.
  public var commits = true
  /// Done after the commit.
  public var after: [Effect] = []
}
