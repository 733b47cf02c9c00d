/// What is said of a file that cannot be taken as it stands.
public struct FileNote: Hashable, Codable, Sendable {
  /// `queued` while it waits for something, `failed` when it is wrong, `held` when a person decides.
  public var state: StateName
  /// Why. Its code is the sidecar's `reason` as well.
  public var error: JobError
  /// Since when, over restarts too.
  public var since: Timestamp
  /// What a person has let pass; nil where nothing was approved.
  public var approval: FileApproval?
  /// By which rules of names the decision was made; nil for notes of versions that compared names of lists and images byte
  /// by byte.
  public private(set) var names: NameRules? = .lookalikes

  /// Rules of how names of lists and images are compared.
  public enum NameRules: String, Hashable, Codable, Sendable {
    /// The only file whose letters are the same is meant.
    case lookalikes
  }

  /// Makes a note.
  public init(state: StateName, error: JobError, since: Timestamp, approval: FileApproval? = nil) {
    self.state = state
    self.error = error
    self.since = since
    self.approval = approval
  }

  /// Why the file is held; nil where it is not, or for a reason that an agent of another version gave.
  public var heldFor: HeldReason? { state == .held ? error.code.heldReason : nil }

  /// What was missing, where the rules of names decide whether it is there; nil for other notes.
  public var missing: MissingByName? { MissingByName(rawValue: error.code.rawValue) }

  /// Whether something was missing under former rules of names: it may be there by today's.
  public var isOfFormerNames: Bool { names == nil && missing != nil }

  /// The same, by today's rules.
  public var withPresentRules: FileNote {
    var note = self
    note.names = .lookalikes
    return note
  }

  /// Whether it says that a program has the file open for writing: it waits for that, or is held for it.
  public var isOfWriter: Bool { error.code.heldReason == .writerOpen }

  /// What a person can let pass: what it is held for; and that a program has it open, which need not be waited for.
  public var approvable: HeldReason? {
    if state == .queued, isOfWriter { return .writerOpen }
    return heldFor
  }

  /// The note once a person has said that the file is to be taken as it stands now.
  public func approved(_ reason: HeldReason, prompt: FileStamp) -> FileNote {
    var reasons: Set<HeldReason> = [reason]
    if let approval, approval.prompt == prompt { reasons.formUnion(approval.reasons) }
    return FileNote(
      state: .queued,
      error: JobError(
        code: .approved, message: "You approved it, so it is taken as it stands.",
        hint: "It waits for a running agent: promptdrop watch or promptdrop once.", retryable: true),
      since: since, approval: FileApproval(reasons: reasons, prompt: prompt))
  }
}

/// A person's word that a file is to be taken as it stands, whatever it was held for.
public struct FileApproval: Hashable, Codable, Sendable {
  /// What it was held for.
  public var reasons: Set<HeldReason>
  /// The prompt as it stood then. A file that has changed since is held again.
  public var prompt: FileStamp

  /// Makes an approval.
  public init(reasons: Set<HeldReason>, prompt: FileStamp) {
    self.reasons = reasons
    self.prompt = prompt
  }

  /// Whether a file that looks like this may pass although there is this reason to hold it.
  public func covers(_ reason: HeldReason, _ prompt: FileStamp) -> Bool {
    self.prompt == prompt && reasons.contains(reason)
  }
}

/// What a prompt can wait for by its name. The raw values are the codes of notes and sidecars.
public enum MissingByName: String, Sendable {
  /// A reference image.
  case image = "reference-missing"
  /// The image list.
  case list = "waiting-for-list"
}
