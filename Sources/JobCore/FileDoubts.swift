// What speaks against taking what a file asks for.
extension FileDecision {
  /// The first doubt about a file; nil where there is none, or a person has let it pass for the file as it stands.
  func doubt(about request: PromptRequest, _ prompt: FileStamp) -> Doubt? {
    let approval = known?.note?.approval
    return (request.doubts + seen.unclear.map(Self.doubt(about:)) + emptyControls).first { doubt in
      switch doubt {
      case .wrong, .machine: true
      case .unclear(let reason, _, _): approval?.covers(reason, prompt) != true
      case .notArrived: approval?.covers(.controlFileEmpty, prompt) != true
      }
    }
  }

  private var emptyControls: [Doubt] {
    let list = seen.emptyControls.list.map {
      Self.empty($0, "Write the list. If there are no images, write a comment line (#) or delete the file.")
    }
    let defaults = seen.emptyControls.defaults.map {
      Self.empty($0, "Write the defaults. If there are none, write a comment line (#) or delete the file.")
    }
    return [list].compactMap { $0 } + defaults
  }

  private static func empty(_ file: FileKey, _ what: String) -> Doubt {
    .notArrived(
      message: "\(file.path.display) is empty. It has probably not arrived yet.",
      hint: what)
  }

  private static func doubt(about control: UnclearControl) -> Doubt {
    let names = control.files.map { "\"\(DropPath.spelled($0.path.bytes))\"" }
    let (what, exact) =
      switch control.role {
      case .list: ("its image list", "the prompt's name with .images")
      case .defaults: ("the folder's defaults", DropPath.display(DropNames.folderDefaults))
      }
    let approve = "To have the prompt taken without it, run `promptdrop approve FILE`."
    switch control.why {
    case .name where names.count > 1:
      return .unclear(
        .controlFileUnclear, message: "Each of \(names.joined(separator: ", ")) may be \(what).",
        hint: "Keep one of them, and name it \(exact). \(approve)")
    case .name:
      return .unclear(
        .controlFileUnclear, message: "\(names.joined()) looks like \(what), but has another name.",
        hint: "If it is, name it \(exact). If it is not, give it another name. \(approve)")
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
  func doubted(_ doubt: Doubt, _ stamp: TakenStamp) throws(FileNeed) -> FileOutcome {
    switch doubt {
    case .wrong(let error): return try problem(error, stamp)
    case .machine(let error): return try waitForMachine(error)
    case .unclear(let reason, let message, let hint):
      // What stands in the file itself changes only with it. What a person has let pass is no doubt.
      return try hold(
        stamp, reason, message: message, hint: hint, untilItChanges: reason == .frontMatterUnclear) ?? nothingNew()
    case .notArrived(let message, let hint):
      let code = ErrorCode.held(.controlFileEmpty)
      let since = known?.note.flatMap { $0.error.code == code ? $0.since : nil } ?? now.wall
      let end = since + rules.referenceWait
      guard now.wall >= end || known?.note?.heldFor == .controlFileEmpty else {
        var outcome = try wait(JobError(code: code, message: message, hint: hint, retryable: true))
        outcome.memos += [.awaitsControlFile, .look(at: now.monotonic(of: end) + .milliseconds(1))]
        return outcome
      }
      return try hold(
        stamp, .controlFileEmpty, message: message,
        hint: hint + " To have the prompt taken as if there were no such file, run `promptdrop approve FILE`.",
        untilItChanges: false)
        ?? nothingNew()
    }
  }

  /// What was taken stays as it is although a file under nearly the right name, which earlier versions passed over, is
  /// wrong or waits for something. Nil where that is not what keeps the file.
  func staysAsTaken(_ stamp: TakenStamp) throws(FileNeed) -> FileOutcome? {
    guard let known, known.current > 0, let job = try job(known), let current = job.revisions[known.current],
      !isUntouched(job), let request = try seen.understoodExactly.get(.exactUnderstanding)
    else { return nil }
    let identity = Identity(prompt: request.promptSHA, source: request.sourceSHA, list: request.listSHA, request: "")
    guard !identity.asksForMore(than: current.identity), !wouldLetGo(job, current, request) else { return nil }
    return letStay(known, job, stamp, inputsChanged: true)
  }

  /// A file in doubt that asks for nothing more: what was taken stays as it is, and the file is remembered as it is now.
  func letStay(_ known: KnownFile, _ job: Job, _ stamp: TakenStamp, inputsChanged: Bool? = nil) -> FileOutcome {
    let hasChanged = inputsChanged ?? job.inputsChanged
    var outcome = nothingNew()
    guard known.note != nil || known.stamp != stamp || hasChanged != job.inputsChanged else { return outcome }
    if known.note != nil { outcome.changes = [.note(job: job.id, file: file, nil, stamp: nil, at: now.wall)] }
    outcome.changes.append(.seen(job: job.id, stamp: stamp, inputsChanged: hasChanged))
    outcome.effects = [.reload(job.id, slots: [], restored: nil)]
    return outcome
  }

  /// Whether the list or the defaults are not those that the prompt was taken with.
  func hasNewControls(_ known: KnownFile, _ stamp: TakenStamp) -> Bool {
    guard known.note == nil, let before = known.stamp else { return true }
    return before.list != stamp.list || before.inputs != stamp.inputs
  }

  /// Whether taking the file again would let anything go that waits or was withdrawn.
  func wouldLetGo(_ job: Job, _ current: Revision, _ request: PromptRequest) -> Bool {
    if request.ownCount > current.count { return true }
    return job.currentSlots.contains { slot in
      if case .held(let held) = slot.state { held.reason == .asked && !request.hold } else { slot.isWithdrawn }
    }
  }

  /// Whether an earlier text that is back would be submitted: for more pictures, or because it was withdrawn then.
  func wouldPay(_ earlier: Knowledge.EarlierRevision, _ request: PromptRequest) -> Bool {
    request.count > earlier.revision.count
      || earlier.slots.contains { $0.isWithdrawn || $0.state.name == .queued }
  }

  // MARK: lists under nearly the right name

  /// The identity that counts against what was taken before. Earlier versions took no list under such a name, and nobody can
  /// tell whether one that was not taken has come since: it makes a new text only of what is unsent.
  func identity(_ identity: Identity, against earlier: Identity?) -> Identity {
    guard seen.hasNearList, let earlier, earlier.list == nil else { return identity }
    var without = identity
    without.list = nil
    return without
  }

  /// Whether nothing of the current text has been sent: it may be replaced by the same with its list.
  func isUntouched(_ job: Job) -> Bool {
    job.currentSlots.allSatisfy { slot in
      guard !slot.attempts.contains(where: { $0.outcome.mayBePaid }), !knowledge.running.contains(slot.key) else {
        return false
      }
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
