import JobCore

/// What a person asks of an agent, over its socket or, where none runs, of the journal. JSON on the wire.
public struct CommandRequest: Codable, Sendable {
  /// What is to be done.
  public enum Verb: String, Codable, Sendable {
    /// Report the state.
    case status
    /// Decide about submissions whose outcome nobody knows, and about tasks that are lost.
    case resolve
    /// Let go on what waits for a person before it is sent.
    case approve
    /// Try again what failed, or what is paid for and out of reach.
    case retry
    /// Report what a run would submit.
    case plan
    /// Report which word stands for this agent; where its state is in doubt, after making it another agent's.
    case own
  }
  /// What a person decides about a held job.
  public enum Decision: Codable, Sendable {
    /// This is its task.
    case adopt(taskID: String)
    /// Send it again.
    case resubmit
    /// Give it up.
    case abandon
  }

  /// What is to be done.
  public var verb: Verb
  /// Absolute paths of files or folders, as bytes; empty: everything, where the verb allows that.
  public var paths: [[UInt8]]
  /// For `resolve`.
  public var decision: Decision?
  /// Only what is held for this reason.
  public var reason: String?

  /// Makes a request.
  public init(_ verb: Verb, paths: [[UInt8]] = [], decision: Decision? = nil, reason: String? = nil) {
    self.verb = verb
    self.paths = paths
    self.decision = decision
    self.reason = reason
  }
}

/// An agent's answer.
public struct CommandReply: Codable, Sendable {
  /// What became of one file.
  public struct FileResult: Codable, Hashable, Sendable {
    /// Its absolute path, for people.
    public var file: String
    /// Whether what was asked for is done.
    public var ok: Bool
    /// Its state now.
    public var state: String
    /// In words.
    public var message: String
  }

  /// What became of each file.
  public var files: [FileResult] = []
  /// For `status`.
  public var status: StatusReport?
  /// For `plan`.
  public var plan: PlanReport?
  /// For `own`: the agent's id.
  public var agent_id: String?
  /// Why nothing could be done at all.
  public var error: String?

  /// An empty answer.
  public init() {}
  /// A refusal.
  public init(error: String) { self.error = error }
}

/// How things stand. The form of `status --json`, schema `promptdrop.agent-status/1`.
public struct StatusReport: Codable, Sendable {
  /// A job that somebody may want to know of.
  public struct JobLine: Codable, Hashable, Sendable {
    /// The absolute path of the prompt, for people.
    public var file: String
    /// Its state.
    public var state: String
    /// A stable word for why.
    public var reason: String?
    /// Why, in words.
    public var message: String?
    /// What can be done about it.
    public var hint: String?
    /// Its tasks.
    public var tasks: [String]
    /// The service's word.
    public var service_status: String?
    /// Until when it waits, RFC 3339.
    public var until: String?
    /// Where its pictures are that are paid for and could not be fetched: whole URLs, which may be as good as a key. Nil
    /// where there are none.
    public var urls: [String]?
  }
  /// Why nothing is submitted.
  public struct Stop: Codable, Hashable, Sendable {
    /// A stable word.
    public var reason: String
    /// In words.
    public var message: String
    /// What can be done about it.
    public var hint: String?
    /// Until when, where that is known, RFC 3339.
    public var until: String?
  }
  /// How a part of the watched folders is watched.
  public struct Folder: Codable, Hashable, Sendable {
    /// Its absolute path, for people: a root, a mount below one, or what cannot be watched.
    public var path: String
    /// `inotify`, `polling`, `gone` (not there), `skipped` (a recycle bin or the like), `foreign` (another agent's, or
    /// nobody's while several machines have it).
    public var mode: String
    /// The kind of file system.
    public var filesystem: String?
    /// Seconds between two looks, while it is polled.
    public var interval: Double?
    /// Why, in words, where it is not watched by inotify.
    public var message: String?
    /// What can be done about it.
    public var hint: String?
    /// Why it cannot be seen there whether a program still has a file open for writing; nil where it can.
    public var unseen_writers: [UnseenWriters]?
  }
  /// Files of which it cannot be seen whether a program still has them open for writing.
  public struct UnseenWriters: Codable, Hashable, Sendable {
    /// Which files, why, and what decides instead.
    public var message: String
    /// What can be done about it.
    public var hint: String?
  }
  /// A picture in the state folder, because its prompt's folder is not there or not this agent's.
  public struct Kept: Codable, Hashable, Sendable {
    /// The absolute path of the prompt, for people.
    public var file: String
    /// That of the picture.
    public var picture: String
    /// Why it is there, where the prompt's folder is; nil: that is not there.
    public var message: String?
    /// What can be done about it.
    public var hint: String?
  }
  /// What a day, folder and model have cost.
  public struct Spend: Codable, Hashable, Sendable {
    /// The UTC day, `2026-01-31`.
    public var day: String
    /// The absolute path of the folder.
    public var folder: String
    /// The model.
    public var model: String
    /// Submissions.
    public var submissions: Int
    /// Credits used, exact; null: none yet.
    public var consumed: String?
    /// Credits set aside for what has no price yet.
    public var reserved: String?
  }
  /// What today has cost, and may.
  public struct Today: Codable, Hashable, Sendable {
    /// The UTC day, `2026-01-31`.
    public var day: String
    /// Submissions begun, refused ones not counted.
    public var submissions: Int
    /// Credits used or set aside.
    public var credits: String
    /// The limits, over all roots; null: none.
    public var submission_limit: Int?
    /// As above.
    public var credit_limit: String?
  }

  /// The form's name.
  public var schema = "promptdrop.agent-status/1"
  /// The program's version.
  public var version: String
  /// The agent's process; null: none runs, and the journal was read.
  public var pid: Int32?
  /// The watched folders.
  public var roots: [String]
  /// How they are watched: each of them, and parts below them that differ. Empty where no agent runs.
  public var folders: [Folder]
  /// Prompts that were noticed and are not looked at yet, because they have not come to rest or may be renamed ones.
  public var settling: Int
  /// Pictures that wait for their prompts to come back.
  public var kept: [Kept]
  /// Files by state.
  public var counts: [String: Int]
  /// What stops submissions as a whole.
  public var stops: [Stop]
  /// Jobs on their way to the service, there, or on their way back.
  public var in_flight: [JobLine]
  /// Jobs that wait: for a person, a time or a file. Not those that only wait for their turn.
  public var waiting: [JobLine]
  /// How many more wait than are listed here.
  public var waiting_more: Int
  /// Today's spending.
  public var today: Today
  /// The last 31 days' spending, by day, folder and model.
  public var spending: [Spend]
}

/// What a run would submit. The form of `plan --json`.
public struct PlanReport: Codable, Sendable {
  /// A prompt that would be submitted, or that cannot be.
  public struct Item: Codable, Hashable, Sendable {
    /// Its absolute path, for people.
    public var file: String
    /// `new`, `changed`, `more`, `queued`; `waits` and `refused` for what would not be submitted.
    public var why: String
    /// How many pictures would be paid for.
    public var pictures: Int
    /// With which model.
    public var model: String?
    /// In which size.
    public var size: String?
    /// Credits a picture, as far as anybody knows.
    public var price: String?
    /// Why it would not be submitted.
    public var message: String?
  }
  /// The form's name.
  public var schema = "promptdrop.plan/1"
  /// What there is.
  public var items: [Item] = []
  /// Pictures that would be paid for.
  public var pictures = 0
  /// Credits for those whose price is known, exact.
  public var credits = "0"
  /// Pictures whose price nobody knows.
  public var unpriced = 0
  /// Prompts beyond the burst limit: they would be held for `approve`.
  public var held_by_burst_limit = 0
  /// Pictures for which the limits of the day leave no room: they would wait for the next one. Nil: the agent that was asked
  /// is of an earlier version.
  public var waits_for_daily_limit: Int?
  /// Which limit that is, in words.
  public var daily_limit: String?
  /// A folder in which nothing would be taken.
  public struct NotTaken: Codable, Hashable, Sendable {
    /// Its absolute path, for people.
    public var folder: String
    /// Why.
    public var message: String
    /// What can be done about it.
    public var hint: String?
  }
  /// Folders that are another agent's, or nobody's. Nil: the agent that was asked is of an earlier version.
  public var not_taken: [NotTaken]?
}
