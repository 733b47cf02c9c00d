import JobCore

/// The agent's limits. The defaults are the configuration's.
public struct AgentSettings: Sendable {
  /// HTTP requests at once.
  public var maxRequests = 8
  /// Tasks at the service, or on their way there or back, at once.
  public var maxInFlight = 32
  /// Submissions begun within any minute; 0: no limit.
  public var submissionsPerMinute = 0
  /// New prompts within a minute that are taken without asking; 0: no limit.
  public var burstLimit = 200
  /// What may be spent in a UTC day.
  public var spending = SpendLimits()
  /// Where the service reaches this agent's callbacks, without a slash at its end; nil: no callbacks.
  public var callbackBase: String?
  /// How often a copy of the journal is made.
  public var backupInterval: Duration = .seconds(86_400)
  /// When things are tried again.
  public var policy = RetryPolicy()
  /// How often a service that takes nothing is tried.
  public var probeInterval: Duration = .seconds(60)
  /// For how long a begun submission may finish when the agent is stopped.
  public var stopTimeout: Duration = .seconds(30)
  /// `once` gives up after this long; nil: never.
  public var onceTimeout: Duration?
  /// Details of what has been final for this long and cost nothing are forgotten.
  public var retention: Duration = .seconds(30 * 86_400)

  /// How files are taken.
  public var files = FileSettings()
  /// What sidecars and messages say of this agent.
  public var identity = IdentitySettings()

  /// Default limits.
  public init() {}

  /// What decisions on files depend on.
  var fileRules: FileRules {
    var rules = FileRules()
    rules.maxPromptBytes = files.maxPromptBytes
    rules.firstTake = files.windows.firstTake
    rules.referenceWait = files.referenceWait
    rules.writerWait = files.writerWait
    rules.copyGrace = files.copyGrace
    rules.localTroubleDelay = policy.localTroubleDelay
    rules.burstLimit = burstLimit
    rules.revisionLimit = files.revisionLimit
    rules.revisionSpan = files.revisionSpan
    return rules
  }
}

/// How files are taken: how large they may be, how long they have to be still, and how long something is waited for.
public struct FileSettings: Sendable {
  /// The largest prompt or list, in bytes.
  public var maxPromptBytes = 65_536
  /// The largest local reference image, in bytes.
  public var maxReferenceBytes = 20_971_520
  /// The largest picture, in bytes.
  public var maxImageBytes = 67_108_864
  /// For how long a listed file that is not there is waited for.
  public var referenceWait: Duration = .seconds(600)
  /// For how long a file that a program has open for writing is waited for, before a person decides.
  public var writerWait: Duration = .seconds(600)
  /// For how long a deleted file has to stay away before that counts.
  public var absence: Duration = .seconds(2)
  /// For how long an exact copy of another prompt waits for that one to vanish: sync tools rename by copying and deleting.
  public var copyGrace: Duration = .seconds(10)
  /// How many revisions of one file are taken within `revisionSpan` without asking.
  public var revisionLimit = 5
  /// See `revisionLimit`.
  public var revisionSpan: Duration = .seconds(600)
  /// How many prompts may settle at once; what is beyond them is found by looking again.
  public var settlingLimit = 4096
  /// How long files have to be still.
  public var windows = Settling<FileKey>.Windows(firstTake: .seconds(1), revision: .seconds(10))
}

/// What sidecars and messages say of an agent.
public struct IdentitySettings: Sendable {
  /// The program's version, for the sidecars.
  public var version = "0"
  /// The machine's name, for the sidecars.
  public var host = "localhost"
  /// A word for this machine, as far as anything tells it from others.
  public var machine = ""
  /// What a command has to be given besides its paths to be about this agent, where no agent runs: a blank and
  /// `--state-dir …`; empty where the state is where commands look for it.
  public var commandFlags = ""
}

/// For how long the agent works.
public enum AgentMode: Sendable {
  /// Until it is stopped.
  case watch
  /// Until nothing is left that it can do.
  case once
}

/// Why the agent ended.
public enum Ending: Sendable {
  /// `once`: nothing is left to do. How many files are done, and how many need the user (failed or held).
  case finished(done: Int, needUser: Int)
  /// `once`: what is left only needs time.
  case needsTime(waiting: Int, why: String)
  /// `once`: what is left cannot be written down, so nothing was submitted for it.
  case cannotWrite(JobError)
  /// `once`: the service takes nothing.
  case service(ServiceTrouble, JobError)
  /// It was stopped.
  case stopped
  /// It cannot go on: the state on the disk is no longer known.
  case fatal(String)
}

/// Reports what happens, to a terminal or a log.
public protocol AgentObserver: Sendable {
  /// How files are named in what is reported. Called once, before all else.
  func willName(_ places: PlaceNames)
  /// A file's job changed.
  func changed(_ job: Job)
  /// Something that is no single file's matter.
  func notice(_ level: NoticeLevel, _ error: JobError)
  /// Whether every step of every job is wanted. Else `changed` need only be called for what a person may have to know, see
  /// `SlotState.isNotable`, and for jobs with a note. Asked once, when the agent is made.
  var wantsSteps: Bool { get }
  /// Whether lines of a trace are wanted. Asked once, when the agent is made: without them a trace costs nothing.
  var wantsTrace: Bool { get }
  /// One line that explains a job: a transition of a slot, or a decision about a file.
  func trace(_ line: String)
}

extension AgentObserver {
  /// Nothing is named.
  public func willName(_ places: PlaceNames) {}
  /// Every step.
  public var wantsSteps: Bool { true }
  /// No trace.
  public var wantsTrace: Bool { false }
  /// Nothing is done with it.
  public func trace(_ line: String) {}
}

/// How much a notice matters.
public enum NoticeLevel: Sendable {
  /// Good to know.
  case info
  /// Something does not go as it should, and promptdrop goes on.
  case warning
  /// The user has to do something.
  case error
}
