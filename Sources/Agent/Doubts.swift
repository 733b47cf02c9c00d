import JobCore

// What speaks against taking what a file asks for: the agent and its plan ask the same question.
extension Pipeline {
  /// The first doubt about a file; nil where there is none, or a person has let it pass for the file as it stands.
  func doubt(
    about request: PromptRequest, _ reading: SourceReading, _ stamp: FileStamp, _ approval: FileApproval?
  ) -> Doubt? {
    let all = request.doubts + reading.unclear.compactMap(doubt) + emptyControls(reading)
    return all.first { doubt in
      switch doubt {
      case .wrong, .machine: true
      case .unclear(let reason, _, _): approval?.covers(reason, stamp) != true
      case .notArrived: approval?.covers(.controlFileEmpty, stamp) != true
      }
    }
  }

  // A list or defaults with nothing in them, not even a comment.
  private func emptyControls(_ reading: SourceReading) -> [Doubt] {
    var doubts: [Doubt] = []
    if let bytes = reading.listBytes, isBlankText(bytes), let list = reading.listFile {
      doubts.append(Self.empty(list, "Write the list. A line with only a comment (#) says that there are no images"))
    }
    for case (let file, .success(let bytes)) in reading.defaults where isBlankText(bytes) {
      doubts.append(Self.empty(file, "Write the defaults. A line with only a comment (#) says that there are none"))
    }
    return doubts
  }

  private static func empty(_ file: FileKey, _ what: String) -> Doubt {
    .notArrived(
      message: "\(file.path.display) is empty: it has probably not arrived yet.",
      hint: "\(what), and so does deleting the file.")
  }

  private func doubt(about control: UnclearControl) -> Doubt? {
    if let content = control.content, !reader.looksLikeDefaults(content) { return nil }
    let names = control.files.map { "\"\(DropPath.spelled($0.path.bytes))\"" }
    let (what, exact) =
      switch control.role {
      case .list: ("its image list", "the prompt's name with .images")
      case .defaults: ("the folder's defaults", DropPath.display(DropNames.folderDefaults))
      }
    let approve = "promptdrop approve FILE takes the prompt without it."
    switch control.why {
    case .name where names.count > 1:
      return .unclear(
        .controlFileUnclear, message: "Which of \(names.joined(separator: ", ")) is \(what) cannot be told.",
        hint: "Keep one of them, and call it \(exact). \(approve)")
    case .name:
      return .unclear(
        .controlFileUnclear, message: "\(names.joined()) looks like \(what), and is not named like it.",
        hint: "Call it \(exact), or give it another name. \(approve)")
    case .notAFile(let kind):
      return .unclear(
        .controlFileUnclear, message: "\(names.joined()) would be \(what), but is \(kind), not a regular file.",
        hint: "Put the file itself there; links are not followed. \(approve)")
    case .unreadable(let error) where error.isOfMachine: return .machine(error)
    case .unreadable(let error):
      return .unclear(
        .controlFileUnclear, message: "\(names.joined()) would be \(what), but it cannot be read: \(error.message)",
        hint: [error.hint, approve].compactMap { $0 }.joined(separator: " "))
    }
  }

  /// What is done about a file that is in doubt and asks for more than what was taken.
  func plan(_ doubt: Doubt, _ file: FileKey, _ known: KnownFile?, _ taken: TakenStamp, _ start: Duration) -> Plan? {
    switch doubt {
    case .wrong(let error): return planProblem(file, known, taken, error, start)
    case .machine(let error): return waitForMachine(file, known, start, error)
    case .unclear(let reason, let message, let hint):
      // What stands in the file itself changes only with it.
      return hold(
        file, known, taken, start, reason, message: message, hint: hint, untilItChanges: reason == .frontMatterUnclear)
    case .notArrived(let message, let hint):
      let code = ErrorCode.held(.controlFileEmpty)
      let since = known?.note.flatMap { $0.error.code == code ? $0.since : nil } ?? wallClock
      let end = since + settings.referenceWait
      guard wallClock >= end || known?.note?.heldFor == .controlFileEmpty else {
        arriving.insert(file)
        schedule(.look(file), at: monotonic(end) + .milliseconds(1))
        return wait(file, known, start, JobError(code: code, message: message, hint: hint, retryable: true))
      }
      return hold(
        file, known, taken, start, .controlFileEmpty, message: message,
        hint: hint + " promptdrop approve FILE takes the prompt as if the file said nothing.", untilItChanges: false)
    }
  }

  /// What was taken stays as it is although a file under nearly the right name, which earlier versions passed over, is
  /// wrong or waits for something. Nil where that is not what keeps the file.
  func staysAsTaken(
    _ file: FileKey, _ known: KnownFile?, _ bytes: [UInt8], _ reading: SourceReading, _ taken: TakenStamp
  ) async throws -> Plan? {
    var without = reading
    if hasNearList(file, reading) { without.listBytes = nil }
    without.defaults = reading.defaults.filter { $0.file.path.name == DropNames.folderDefaults }
    guard without.defaults.count < reading.defaults.count || (without.listBytes == nil && reading.listBytes != nil),
      let known, known.current > 0, let job = try await inHand(known.job), let current = job.revisions[known.current],
      !isUntouched(job)
    else { return nil }
    do throws(JobError) {
      let request = try understand(file, bytes, without)
      let identity = Identity(prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA, request: "")
      guard !identity.asksForMore(than: current.identity), !wouldLetGo(job, current, request) else { return nil }
    } catch {
      return nil  // It is wrong by itself, and what is said is said of that.
    }
    settling.finishedUnlessNoticed(file)
    return letStay(file, known, job, taken, inputsChanged: true) ?? Plan(file: file)
  }

  /// A file in doubt that asks for nothing more: what was taken stays as it is, and the file is remembered as it is now.
  func letStay(
    _ file: FileKey, _ known: KnownFile, _ job: Job, _ stamp: TakenStamp, inputsChanged: Bool? = nil
  ) -> Plan? {
    let hasChanged = inputsChanged ?? job.inputsChanged
    guard known.note != nil || known.stamp != stamp || hasChanged != job.inputsChanged else { return nil }
    var plan = Plan(file: file)
    if known.note != nil { plan.changes = [.note(job: job.id, file: file, nil, stamp: nil, at: wallClock)] }
    plan.changes.append(.seen(job: job.id, stamp: stamp, inputsChanged: hasChanged))
    plan.then = { [self] in await reload(job.id, new: []) }
    return plan
  }

  /// Whether the list or the defaults are not those that the prompt was taken with.
  func hasNewControls(_ known: KnownFile, _ stamp: TakenStamp) -> Bool {
    guard known.note == nil, let before = known.stamp else { return true }
    return before.list != stamp.list || before.inputs != stamp.inputs
  }

  /// The names of files that may be meant as control files, for the stamp of what decides on a prompt.
  func unclearNames(_ reading: SourceReading) -> [[UInt8]] {
    reading.unclear.filter { $0.content.map(reader.looksLikeDefaults) ?? true }
      .flatMap(\.files).map { Array("unclear ".utf8) + $0.path.name }
  }

  /// Whether taking the file again would let anything go that waits or was withdrawn.
  func wouldLetGo(_ job: Job, _ current: Revision, _ request: PromptRequest) -> Bool {
    request.ownCount > current.count
      || job.currentSlots.contains(where: \.isWithdrawn)
  }

  /// Whether an earlier text that is back would be submitted: for more pictures, or because it was withdrawn then.
  func wouldPay(_ job: Job, _ earlier: Revision, _ request: PromptRequest) async throws -> Bool {
    if request.count > earlier.count { return true }
    return try await journal.slots(of: job.id, revision: earlier.number).contains {
      $0.isWithdrawn || $0.state.name == .queued
    }
  }

  // MARK: lists under nearly the right name

  /// Whether the prompt's list has a name that is only nearly the right one.
  func hasNearList(_ file: FileKey, _ reading: SourceReading) -> Bool {
    reading.listFile.map { $0 != Self.list(of: file) } ?? false
  }

  /// The identity that counts against what was taken before. Earlier versions took no list under such a name, and nobody can
  /// tell whether one that was not taken has come since: it makes a new text only of what is unsent.
  func identity(_ identity: Identity, nearList: Bool, against earlier: Identity?) -> Identity {
    guard nearList, let earlier, earlier.list == nil else { return identity }
    var without = identity
    without.list = nil
    return without
  }

  /// Whether nothing of the current text has been sent: it may be replaced by the same with its list.
  func isUntouched(_ job: Job) -> Bool {
    job.currentSlots.allSatisfy { slot in
      guard !slot.attempts.contains(where: { $0.outcome.mayBePaid }), !jobs.isRunning(slot.key) else { return false }
      return switch slot.state {
      case .queued, .cancelled(.superseded), .cancelled(.sourceGone): true
      case .held(let held): held.reason.isBeforeSending
      default: false
      }
    }
  }

  /// What held a text goes on holding it when its list comes.
  func heldStill(_ job: Job) -> SlotState? {
    job.currentSlots.map(\.state).first { state in
      if case .held(let held) = state { held.reason == .burst || held.reason == .revisions } else { false }
    }
  }
}

extension Doubt {
  /// What a plan says of it, and why.
  var inPlan: (why: String, message: String) {
    switch self {
    case .wrong(let error): ("refused", error.message)
    case .unclear(_, let message, _), .notArrived(let message, _): ("waits", message)
    case .machine(let error): ("waits", error.message)
    }
  }
}

extension Sighting {
  /// The stamp, where a regular file stands there.
  var stamp: FileStamp? { if case .file(let stamp, _) = self { stamp } else { nil } }
}
