/// A fact that costs a read or a look. A decision asks for it only where it matters.
public enum Fact<Value: Sendable>: Sendable {
  /// Nobody has asked for it yet.
  case notAsked
  /// It was looked up.
  case known(Value)

  /// The fact. Throws what has to be looked up first.
  func get(_ need: FileNeed) throws(FileNeed) -> Value {
    switch self {
    case .notAsked: throw need
    case .known(let value): value
    }
  }
}

/// What a decision on a file needs to know before it can be made. Whoever asked looks it up and asks again with the answer
/// in the `Observation` or the `Knowledge`; each is asked for once.
public enum FileNeed: Error, Hashable, Sendable {
  /// The prompt and its list, read in full. They were only compared with what was known.
  case text
  /// `Observation.isSettled`.
  case settled
  /// `Observation.isRevisionSettled`.
  case revisionSettled
  /// `Observation.isPlainNameThere`.
  case plainName([UInt8])
  /// `Observation.isOriginalThere`: whether a prompt or a list of this stem is beside the file, or was.
  case original(stem: [UInt8])
  /// `Observation.understood`.
  case understanding
  /// `Observation.understoodExactly`.
  case exactUnderstanding
  /// `Observation.references`, of the request that the file makes.
  case references
  /// `Observation.referenceInputs`, of the images of the job's current revision.
  case referenceInputs
  /// `Observation.origin`. The identity says which jobs come into question; `grace` is for how long a copy waits for its
  /// source to vanish.
  case origin(Identity, grace: Duration)
  /// `Knowledge.newID`.
  case newID
  /// `Knowledge.job`.
  case job(JobID)
  /// `Knowledge.isSidecarsJobKnown`.
  case sidecarsJob(JobID)
  /// `Knowledge.earlier`.
  case earlier(JobID, like: Identity)
  /// `Knowledge.recentRevisions`: how many revisions of the job were taken since then.
  case recentRevisions(JobID, since: Timestamp)
  /// `Knowledge.slots`: the slots of these revisions.
  case slots(JobID, revisions: [Int])
}

/// One moment on both clocks.
public struct Moment: Hashable, Sendable {
  /// Since some fixed start; never set.
  public var monotonic: Duration
  /// The wall clock's.
  public var wall: Timestamp
  /// Makes a moment.
  public init(monotonic: Duration, wall: Timestamp) { (self.monotonic, self.wall) = (monotonic, wall) }

  /// The monotonic time of a moment of the wall clock; what is past is now.
  func monotonic(of moment: Timestamp) -> Duration { monotonic + max(.zero, moment - wall) }
}

/// The settings that decisions on files depend on.
public struct FileRules: Hashable, Sendable {
  /// The largest prompt or list, in bytes.
  public var maxPromptBytes = 65_536
  /// For how long a new file has to be still.
  public var firstTake: Duration = .seconds(1)
  /// For how long a listed file that is not there, or a control file with nothing in it, is waited for.
  public var referenceWait: Duration = .seconds(600)
  /// For how long a file that a program has open for writing is waited for, before a person decides.
  public var writerWait: Duration = .seconds(600)
  /// For how long an exact copy of another prompt waits for that one to vanish.
  public var copyGrace: Duration = .seconds(10)
  /// How soon a file is looked at again that the machine could not read.
  public var localTroubleDelay: Duration = .seconds(10)
  /// New prompts within a minute that are taken without asking, for the message; 0: no limit. `Knowledge.burst` counts.
  public var burstLimit = 200
  /// How many revisions of one file are taken within `revisionSpan` without asking.
  public var revisionLimit = 5
  /// See `revisionLimit`.
  public var revisionSpan: Duration = .seconds(600)
  /// The defaults of the configuration.
  public init() {}
}

/// Whose a folder is.
public enum Belonging: Hashable, Sendable {
  /// This agent's.
  case own
  /// Nobody has said whose: nothing is taken in it before `promptdrop own`.
  case undecided(JobError)
  /// Its owner is another agent.
  case other(JobError)

  /// Why nothing is taken in it, and nothing written; nil in this agent's own.
  public var problem: JobError? {
    switch self {
    case .own: nil
    case .undecided(let error), .other(let error): error
    }
  }
}

/// Where a file comes from.
public enum Origin: Hashable, Sendable {
  /// It is nobody else's.
  case none
  /// It was this job's file under another name.
  case renamed(Job, from: FileKey)
  /// That cannot be determined before this time, monotonic.
  case wait(until: Duration)
}
