/// The decision on a file: what is done about it, and why. The agent carries it out, `plan` prints it.
///
/// Pure: what was seen, what is known, the settings and the time come in, changes and effects come out. A fact that costs a
/// read is asked for by throwing a `FileNeed`; the same decision is then asked for again with the answer.
///
/// The order of the questions is the order in which things can be missing: is it there, is it new, is it at rest, is it
/// ours, is it complete, is it understood; then what it asks for, against what was taken.
public struct FileDecision {
  let seen: Observation
  let knowledge: Knowledge
  let rules: FileRules
  let now: Moment
  // New prompts, counted as they are taken.
  var burst: SubmissionPace
  var countsForBurst = false

  init(_ seen: Observation, _ knowledge: Knowledge, _ rules: FileRules, _ now: Moment) {
    (self.seen, self.knowledge, self.rules, self.now) = (seen, knowledge, rules, now)
    burst = knowledge.memory.burst
  }

  var file: FileKey { seen.file }
  var known: KnownFile? { knowledge.file }
  /// Whether nothing of the file was ever taken.
  var isNew: Bool { known?.current ?? 0 == 0 }

  /// Decides on a file.
  public static func decide(
    _ seen: Observation, _ knowledge: Knowledge, rules: FileRules, now: Moment
  ) throws(FileNeed) -> FileOutcome {
    var decision = FileDecision(seen, knowledge, rules, now)
    var outcome = try decision.decide()
    if decision.countsForBurst { outcome.burst = decision.burst }
    return outcome
  }

  /// Decides on a sidecar whose prompt is not there: what it tells is taken over. Nil where there is nothing to believe.
  public static func believeStray(
    _ sidecar: StatusSidecar, _ seen: Observation, _ knowledge: Knowledge, rules: FileRules, now: Moment
  ) throws(FileNeed) -> FileOutcome? {
    let nothing = FileStamp(device: 0, inode: 0, size: 0, modified: 0, changed: 0)
    return try FileDecision(seen, knowledge, rules, now)
      .believe(sidecar, nil, TakenStamp(prompt: nothing, list: nil))
  }

  /// What is done about a slot that was about to be sent, whose file a program has open again. Nil: a person has said that
  /// it is to go.
  public static func waitForWriter(
    _ writtenFile: FileKey, _ stamp: TakenStamp, _ seen: Observation, _ knowledge: Knowledge, rules: FileRules,
    now: Moment
  ) throws(FileNeed) -> FileOutcome? {
    let decision = FileDecision(seen, knowledge, rules, now)
    return try decision.waitForWriter(stamp, decision.beingWritten(writtenFile))
  }

  // MARK: is it there, new, at rest, ours

  private mutating func decide() throws(FileNeed) -> FileOutcome {
    guard let stamp = seen.stamp else {
      if seen.prompt != .missing, let problem = seen.belonging.problem { return notOurs(problem) }
      return try withoutFile()
    }
    if let known, !knowledge.memory.isSidecarUnread, !knowledge.memory.isWantedAnew,
      try isUnchanged(known, stamp)
    {
      return unchanged(known, stamp)
    }
    // What else it is made of has changed, so its text is wanted after all.
    if let before = known?.stamp, before.prompt == stamp.prompt, before.list == stamp.list, !seen.isRead.prompt,
      !seen.isFull
    {
      throw .text
    }
    guard try seen.isSettled.get(.settled) else { return settling("It was written a moment ago.", .whenSettled) }
    // Before anything that a sidecar would be written about.
    if let problem = seen.belonging.problem {
      if case .undecided = seen.belonging, var outcome = try followUndecided(stamp) {
        outcome.reason = FileReason(.notOurs, problem)
        outcome.effects.append(.sayNotOurs(problem))
        return outcome
      }
      return notOurs(problem)
    }
    if let outcome = try nameProblem(stamp) { return outcome }
    if let outcome = try holdConflictCopy(stamp) { return outcome }
    if let written = seen.beingWritten, let outcome = try waitForWriter(stamp, beingWritten(written)) { return outcome }
    if let outcome = try unread(stamp) { return outcome }
    if seen.isListOnItsWay {
      var outcome = try wait(
        JobError(
          code: .waitingForList, message: "Its image list is being written by another program.", retryable: true))
      outcome.memos.append(.look(at: now.monotonic + .seconds(1)))
      return outcome
    }
    return try understood(stamp)
  }

  // Nothing of it has changed since it was read: a stat for each file tells.
  private func isUnchanged(_ known: KnownFile, _ stamp: TakenStamp) throws(FileNeed) -> Bool {
    guard let before = known.stamp, before.prompt == stamp.prompt, before.list == stamp.list else { return false }
    // Withdrawn because it was missing, as on a disk that was unmounted, or could not be taken for a while; it is wanted
    // again.
    if known.state == .cancelled, let job = try job(known), job.currentSlots.contains(where: \.isWithdrawn) {
      return false
    }
    if before.inputs == stamp.inputs { return true }
    guard let job = try job(known), let images = job.revisions[job.current]?.snapshot.images,
      images.contains(where: { $0.path != nil })
    else { return false }
    return before.inputs == (try seen.referenceInputs.get(.referenceInputs))
  }

  // A file system's clock may be too coarse for two writes that follow one another at once.
  private static let coarsestClock: Duration = .seconds(2)

  private func unchanged(_ known: KnownFile, _ stamp: TakenStamp) -> FileOutcome {
    var outcome = FileOutcome(
      known.note.map { FileReason(Self.kind($0.state), $0.error) }
        ?? FileReason(.unchanged, "It has not changed since it was taken."))
    if let before = known.stamp, before.inputs == stamp.inputs, seen.stillFor >= Self.coarsestClock {
      outcome.memos.append(.confirm(before))
    }
    if knowledge.memory.hasKeptPictures { outcome.effects.append(.putKeptBack) }
    return outcome
  }

  func settling(_ why: String, _ next: FileOutcome.NextLook) -> FileOutcome {
    var outcome = FileOutcome(FileReason(.settling, why))
    outcome.next = next
    return outcome
  }

  func nothingNew() -> FileOutcome { FileOutcome(FileReason(.unchanged, "It asks for nothing new.")) }

  func job(_ known: KnownFile) throws(FileNeed) -> Job? { try knowledge.job.get(.job(known.job)) }

  // A name that cannot be worked with.
  private func nameProblem(_ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    let name = file.path.name
    if DropNames.stemOrName(file).count > DropNames.longestStem {
      return try refuse(
        stamp, .failed,
        JobError(
          code: .nameTooLong,
          message: "The name has \(name.count) bytes. The names of its sidecar and pictures would be too long.",
          hint: "Shorten it to at most \(DropNames.longestStem) bytes before its ending."))
    }
    guard let plain = DropNames.plainPrompt(name), try seen.isPlainNameThere.get(.plainName(plain)) else { return nil }
    return try leaveOut(
      JobError(
        code: .sameStem,
        message: "\(DropPath.display(plain)) is in the same folder: both would have the same names for their pictures.",
        hint: "Rename one of the two."))
  }

  // Bytes that were not read: too many, or they changed under the reading.
  private func unread(_ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    let parts = [
      ("The prompt", stamp.prompt.size, seen.isRead.prompt),
      ("The image list", stamp.list?.size ?? 0, stamp.list == nil || seen.isRead.list),
    ]
    for (what, size, isRead) in parts where !isRead {
      guard size > rules.maxPromptBytes else { return settling("It changed while it was read.", .soon) }
      return try refuse(
        stamp, .failed,
        JobError(
          code: .tooLarge, message: "\(what) has \(size) bytes; the limit is \(rules.maxPromptBytes).",
          hint: "Shorten it, or raise max-prompt-bytes."))
    }
    return nil
  }

  // MARK: is it understood, and complete

  private mutating func understood(_ seenStamp: TakenStamp) throws(FileNeed) -> FileOutcome {
    var stamp = seenStamp
    var request: PromptRequest
    switch try seen.understood.get(.understanding) {
    case .failure(let error): return try wrong(error, stamp)
    case .success(let understood): request = understood
    }
    if request.requireImages, stamp.list == nil {
      let list = DropPath.display(DropNames.list(of: file).path.name)
      return try wait(
        JobError(
          code: .waitingForList, message: "It waits for its image list, because it says require_images.",
          hint: "Put \(list) beside it.", retryable: true))
    }
    if let outcome = try holdFormerlyExcluded(stamp) { return outcome }
    let references: ReferencesSeen.Complete
    switch try seen.references.get(.references) {
    case .complete(let complete): references = complete
    case .beingWritten(let reference): return try wrong(beingWritten(reference), stamp)
    case .refused(let error): return try wrong(error, stamp)
    case .missing(let names):
      return try wrong(
        JobError(
          code: .referenceMissing, message: "It waits for \(names.joined(separator: ", ")), which it lists.",
          hint: "Put the image there, or take it out of the list.", retryable: true), stamp)
    case .moving:
      return settling(
        "A reference image is still changing.", .at(now.monotonic + max(rules.firstTake, .milliseconds(100))))
    }
    stamp.inputs = references.inputs
    request.snapshot.images = references.images
    if let outcome = try keepFormerRefusal(stamp, references) { return outcome }
    let doubt = doubt(about: request, stamp.prompt)
    switch seen.sidecar {
    case .failure(let error): return try waitForMachine(error)
    case .success(let sidecar):
      let identity = Identity(
        prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA, request: references.requestSHA)
      return try take(Asked(request: request, identity: identity, stamp: stamp, doubt: doubt, sidecar: sidecar))
    }
  }

  private func wrong(_ error: JobError, _ stamp: TakenStamp) throws(FileNeed) -> FileOutcome {
    if !error.isOfFolder, let outcome = try staysAsTaken(stamp) { return outcome }
    return try problem(error, stamp)
  }

  /// What a file asks for, complete and understood.
  struct Asked {
    /// The request, its local images included.
    let request: PromptRequest
    /// What it is.
    let identity: Identity
    /// The file as it was read.
    let stamp: TakenStamp
    /// What speaks against taking it.
    let doubt: Doubt?
    /// What its sidecar tells.
    let sidecar: StatusSidecar?
  }
}
