// Files that are not taken as they stand: what keeps each is noted, and its sidecar says so.
extension FileDecision {
  static func kind(_ state: StateName) -> FileReason.Kind {
    switch state {
    case .queued: .waits
    case .held: .held
    default: .refused
    }
  }

  /// Says of a file what keeps it. `stamp`: nil where what keeps it is not in the file, so that each look finds out whether
  /// that is over.
  func refuse(_ stamp: TakenStamp?, _ state: StateName, _ error: JobError) throws(FileNeed) -> FileOutcome {
    var outcome = FileOutcome(FileReason(Self.kind(state), error))
    if let note = known?.note, note.state == state, note.error == error, known?.stamp == stamp, !note.isOfFormerNames {
      return outcome
    }
    let isSame = known?.note?.error.code == error.code
    let note = FileNote(
      state: state, error: error, since: isSame ? known?.note?.since ?? now.wall : now.wall,
      approval: known?.note?.approval)
    let id = if let known { known.job } else { try knowledge.newID.get(.newID) }
    outcome.changes = [.note(job: id, file: file, note, stamp: stamp, at: now.wall)]
    outcome.effects = [.showNote(id, note)]
    return outcome
  }

  /// The file waits for something that is seen when it comes.
  func wait(_ error: JobError) throws(FileNeed) -> FileOutcome { try refuse(nil, .queued, error) }

  /// The machine's trouble is not the file's fault, and nothing says when it is over.
  func waitForMachine(_ error: JobError) throws(FileNeed) -> FileOutcome {
    var outcome = try wait(error)
    outcome.memos.append(.look(at: now.monotonic + rules.localTroubleDelay))
    return outcome
  }

  /// Holds a file for a person, before anything of it is taken. Nil: a person has let this pass for the file as it stands,
  /// so it goes on. `untilItChanges`: what it is held for is in the file itself; otherwise each look finds out anew.
  func hold(
    _ stamp: TakenStamp, _ reason: HeldReason, message: String, hint: String, untilItChanges: Bool = true
  ) throws(FileNeed) -> FileOutcome? {
    if known?.note?.approval?.covers(reason, stamp.prompt) == true { return nil }
    return try refuse(
      untilItChanges ? stamp : nil, .held, JobError(code: .held(reason), message: message, hint: hint))
  }

  /// What is done about a file that something is wrong with.
  func problem(_ problem: JobError, _ stamp: TakenStamp) throws(FileNeed) -> FileOutcome {
    switch problem.code {
    case .held(.writerOpen): return try waitForWriter(stamp, problem) ?? nothingNew()
    case _ where problem.isOfOwner: return notOurs(problem)
    case .excluded: return try leaveOut(problem)
    case .empty, .badExclude: return try wait(problem)
    case .referenceMissing:
      let end = waitingSince(problem.code) + rules.referenceWait
      guard now.wall < end, known?.note?.state != .failed else { return try refuse(nil, .failed, problem) }
      var outcome = try wait(problem)
      outcome.memos.append(.look(at: now.monotonic(of: end) + .milliseconds(1)))
      return outcome
    case _ where problem.isOfMachine: return try waitForMachine(problem)
    // What is wrong is not in the file, so its stamp says nothing about when it is over.
    case _ where problem.isOfCompanion:
      return try refuse(nil, .failed, problem)
    default: return try refuse(stamp, .failed, problem)
    }
  }

  private func waitingSince(_ code: ErrorCode) -> Timestamp {
    known?.note.flatMap { $0.error.code == code ? $0.since : nil } ?? now.wall
  }

  func notOurs(_ problem: JobError) -> FileOutcome {
    var outcome = FileOutcome(FileReason(.notOurs, problem))
    outcome.effects = [.sayNotOurs(problem)]
    return outcome
  }

  /// What is done about a prompt that is left out: what was not sent is withdrawn, and comes back with the prompt.
  func leaveOut(_ problem: JobError) throws(FileNeed) -> FileOutcome {
    var outcome = FileOutcome(FileReason(.leftOut, problem))
    outcome.effects = [.sayLeftOut(problem)]
    guard let known, known.current > 0, ![.done, .failed, .cancelled].contains(known.state), let job = try job(known)
    else { return outcome }
    let unsent = job.slots.values.filter(\.isUnsent).map(\.key)
    if !unsent.isEmpty { outcome.effects.append(.withdraw(unsent.inOrder, .superseded)) }
    return outcome
  }

  // MARK: no file

  func withoutFile() throws(FileNeed) -> FileOutcome {
    switch seen.prompt {
    case .missing: return try gone()
    case .notAFile(let kind):
      return try refuse(
        nil, .failed,
        JobError(
          code: .notAFile, message: "It is \(kind), not a regular file.",
          hint: "Put the prompt itself here; links are not followed."))
    case .unreadable(let error) where error.isOfMachine: return try waitForMachine(error)
    case .unreadable(let error): return try refuse(nil, .failed, error)
    case .file: return nothingNew()  // It has a stamp.
    }
  }

  // A deleted prompt that was not sent yet is cancelled; what was sent is paid for and goes on.
  private func gone() throws(FileNeed) -> FileOutcome {
    var outcome = FileOutcome(FileReason(.gone, "It is not there any more."))
    guard let known, let job = try job(known) else { return outcome }
    if known.current == 0 {
      outcome.changes = [.forget(job: known.job)]
      outcome.effects = [.removeSidecar(unlessMoreThan: job)]
      return outcome
    }
    let unsent = Set(job.slots.values.filter(\.isUnsent).map(\.key))
    if known.note != nil {
      outcome.changes = [.note(job: known.job, file: file, nil, stamp: nil, at: now.wall)]
    }
    if !unsent.isEmpty { outcome.effects.append(.withdraw(Array(unsent).inOrder, .sourceGone)) }
    if job.slots.values.allSatisfy({ $0.state.name == .cancelled || unsent.contains($0.key) }), job.outputs.isEmpty {
      outcome.effects.append(.removeSidecar(unlessMoreThan: nil))
    }
    return outcome
  }

  // MARK: a file that a program has open for writing

  func beingWritten(_ file: FileKey) -> JobError { Self.beingWritten(file, rules) }

  /// What is wrong with a file that is still being written.
  public static func beingWritten(_ file: FileKey, _ rules: FileRules) -> JobError {
    JobError(
      code: .held(.writerOpen),
      message: "A program still has \(file.path.display) open for writing, so it may not be complete.",
      hint:
        "promptdrop takes it when that program closes it; after \(rules.writerWait.brief) it is held until then. To have it "
        + "taken as it stands, run `promptdrop approve FILE`.",
      retryable: true)
  }

  /// What is to be done about a file that is not complete. Nil: a person has said that it is to be taken as it stands.
  func waitForWriter(_ stamp: TakenStamp, _ problem: JobError) throws(FileNeed) -> FileOutcome? {
    if knowledge.isTakenThoughOpen(stamp.prompt) { return nil }
    let since = known?.note.flatMap { $0.isOfWriter ? $0.since : nil } ?? now.wall
    let rest = since + rules.writerWait - now.wall
    // One that is held stays so: a clock that was set back does not make it wait anew.
    guard known?.note?.heldFor != .writerOpen, rest > .zero else {
      // What it is held for is not in the file: each look finds out whether that is over.
      return try hold(
        stamp, .writerOpen, message: problem.message,
        hint: "Close it in that program. To have it taken as it stands, run `promptdrop approve FILE`.",
        untilItChanges: false)
    }
    var outcome = try wait(problem)
    outcome.memos.append(.lookForClose(after: min(WriterPause.next(since: since, now: now.wall), rest)))
    return outcome
  }

  // MARK: names and patterns

  /// Holds a sync tool's copy; nil for a prompt like any other, and for one that a person has approved. What was taken once
  /// is a prompt like any other: a person has said so.
  func holdConflictCopy(_ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    guard isNew, try isConflictCopy(stamp.prompt) else { return nil }
    return try hold(
      stamp, .conflictCopy, message: "A sync tool made this copy because the file was changed in two places.",
      hint:
        "Keep the text that you want under the plain name, and delete this copy. To have this copy made too, rename it, or "
        + "run `promptdrop approve FILE`.")
  }

  private func isConflictCopy(_ stamp: FileStamp) throws(FileNeed) -> Bool {
    // What was held stays held while it is as it was, whatever the rules have become or its neighbour. In a folder that an
    // earlier version watched it stays so in any case: a copy of the folder has other stamps, and nothing shows whether the
    // text is still the one that was held.
    if known?.note?.heldFor == .conflictCopy,
      known?.stamp?.prompt == stamp || knowledge.memory.isRootOfFormerExcludes
    {
      return true
    }
    switch ConflictCopyName.form(of: DropNames.stemOrName(file)) {
    case .none: return false
    case .certain: return true
    case .beside(let original): return try seen.isOriginalThere.get(.original(stem: original))
    }
  }

  /// Holds a prompt that an exclude pattern left out before the rules of these patterns changed: an update pays for nothing.
  /// Nil for all others: those that were taken, those that a person approved, and those of roots that are newer.
  func holdFormerlyExcluded(_ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    guard isNew, seen.wasExcluded else { return nil }
    return try hold(
      stamp, .excludeChanged,
      message:
        "Before the update a pattern of exclude left it out. It does not any more, because patterns now follow gitignore.",
      hint:
        "To have it made, run `promptdrop approve FILE`. To leave it out, correct the pattern: * does not match a slash, "
        + "and x/ matches folders only.")
  }

  /// Leaves a refusal of an earlier version standing that only today's rules of names have solved; nil where there is none,
  /// or the prompt, its list or an image has changed since the update, or a person has said retry.
  func keepFormerRefusal(
    _ stamp: TakenStamp, _ references: ReferencesSeen.Complete
  ) throws(FileNeed) -> FileOutcome? {
    guard let known, let note = known.note, let missing = note.missing, note.isOfFormerNames || known.stamp == stamp
    else { return nil }
    let isSolvedByName =
      switch missing {
      case .image: references.isFoundByLookalike
      case .list: seen.hasNearList
      }
    guard isSolvedByName else { return nil }
    var error = note.error
    error.hint =
      "Since the update promptdrop finds a file whose name is only spelled in another way. An update alone pays for nothing: "
      + "to have the prompt made with that file, run `promptdrop retry FILE`, or change the prompt, its list or the image."
    return try refuse(stamp, note.state, error)
  }
}

/// How long is waited between two looks whether a file was closed. The close is heard of where inotify hears; this is for
/// what is not: a name elsewhere for the same file, or a folder that is polled.
public enum WriterPause {
  private static let shortest: Duration = .milliseconds(100)
  private static let longest: Duration = .seconds(30)

  /// The longer it has waited, the longer the next look can wait.
  public static func next(since: Timestamp, now: Timestamp) -> Duration {
    min(max(shortest, (now - since) / 2), longest)
  }
}

extension Job {
  /// Whether `retry` brings its file on that waits: only a person's word ends what an update left standing.
  public var isKeptRefusal: Bool { note.map { $0.missing != nil && ($0.isOfFormerNames || stamp != nil) } ?? false }
}

extension [SlotKey] {
  /// By revision and number.
  var inOrder: [SlotKey] { sorted { ($0.revision, $0.number) < ($1.revision, $1.number) } }
}
