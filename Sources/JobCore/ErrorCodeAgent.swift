// Codes of what the agent says of itself, its journal and what was spent.
extension ErrorCode {
  /// The agent was stopped.
  public static let stopped = ErrorCode("stopped")
  /// A limit of a day is reached.
  public static let dailyLimit = ErrorCode("daily-limit")
  /// A daily limit of credits waits for a first price.
  public static let priceUnknown = ErrorCode("price-unknown")
  /// The service made two tasks of one submission.
  public static let paidTwice = ErrorCode("paid-twice")
  /// A callback showed what became of a submission.
  public static let outcomeFound = ErrorCode("outcome-found")
  /// A picture came after its job had ended.
  public static let latePicture = ErrorCode("late-picture")
  /// A picture is kept in the state folder until its prompt's folder is back.
  public static let pictureKept = ErrorCode("picture-kept")
  /// A picture that was published although something is wrong with it.
  public static let pictureDamaged = ErrorCode("picture-damaged")
  /// A person approved the file as it stands.
  public static let approved = ErrorCode("approved")
  /// A sidecar tells more than the journal, and stays.
  public static let sidecarKept = ErrorCode("sidecar-kept")
  /// Only a sidecar says so.
  public static let reportedBySidecar = ErrorCode("told-by-sidecar")
  /// The journal cannot be used at present.
  public static let journal = ErrorCode("journal")
  /// The journal cannot be written.
  public static let journalFull = ErrorCode("journal-full")
  /// Sidecars tell more than the journal.
  public static let journalBehind = ErrorCode("journal-behind")
  /// The daily copy of the journal is made.
  public static let journalCopied = ErrorCode("journal-copied")
  /// The daily copy of the journal could not be made.
  public static let journalNotCopied = ErrorCode("journal-not-copied")
  /// Who this agent is cannot be written down.
  public static let stateNotWritable = ErrorCode("state-not-writable")
  /// The wall clock was set.
  public static let clockSet = ErrorCode("clock-set")
  /// Commands cannot reach this agent.
  public static let noControlSocket = ErrorCode("no-control-socket")
  /// A running agent does not read its configuration again.
  public static let noReload = ErrorCode("no-reload")
}
