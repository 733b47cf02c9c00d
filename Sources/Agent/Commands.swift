import JobCore

// What people decide. The same code answers over the socket of a running agent and, where none runs, for the journal.
extension Pipeline {
  /// Answers a request.
  public func answer(_ request: CommandRequest) async -> CommandReply {
    do {
      switch request.verb {
      case .status: return try await statusReply()
      case .plan: return try await planReply(request.paths)
      case .own: return try await ownReply()
      case .resolve:
        guard let decision = request.decision else { return CommandReply(error: "The request names no decision.") }
        return try await forEachJob(request, in: [.held, .cancelled]) { job, _ in
          try await resolve(job, decision, request)
        }
      case .approve:
        return try await forEachJob(request, in: [.held]) { try await approve($0, isNamed: $1) }
      case .retry:
        return try await forEachJob(request, in: [.failed, .held]) { job, _ in try await retry(job, request) }
      }
    } catch {
      fail(error)
      return CommandReply(error: "The journal cannot be used: \(error)")
    }
  }

  // MARK: which jobs

  // A path is a prompt's or a folder's; no path means everything in these states.
  private func forEachJob(
    _ request: CommandRequest, in states: [StateName],
    _ act: (_ job: Job, _ isNamed: Bool) async throws -> CommandReply.FileResult?
  ) async throws -> CommandReply {
    var reply = CommandReply()
    var wanted: [(job: JobID, isNamed: Bool)] = []
    if request.paths.isEmpty {
      for root in roots { wanted += try await jobIDs(below: root, .root, states) }
    }
    for path in request.paths {
      guard let place = locate(path) else {
        reply.files.append(
          .init(
            file: DropPath.display(path), ok: false, state: "",
            message: "It is not in a folder that this agent watches."))
        continue
      }
      if let known = try await journal.known([place])[0] {
        wanted.append((known.job, true))
      } else {
        let found = try await jobIDs(below: place.root, place.path, states)
        if found.isEmpty {
          reply.files.append(
            .init(
              file: DropPath.display(path), ok: false, state: "",
              message: "There is no prompt with this name, and no prompt below it that waits for this decision."))
        }
        wanted += found
      }
    }
    for (id, isNamed) in wanted {
      guard let job = try await inHand(id) else { continue }
      if let result = try await act(job, isNamed) {
        reply.files.append(result)
      } else if isNamed {
        reply.files.append(result(job, ok: false, "It is \(job.state.rawValue): there is nothing to decide."))
      }
    }
    pump()
    return reply
  }

  private func jobIDs(
    below root: RootID, _ folder: DropPath, _ states: [StateName]
  ) async throws -> [(job: JobID, isNamed: Bool)] {
    var found: [(JobID, Bool)] = []
    for state in states {
      found += try await journal.files(root, below: folder, in: state, limit: .max).map { ($0, false) }
    }
    return found
  }

  /// The root that an absolute path is in, and the path below it. A sidecar or a picture stands for nothing here.
  func locate(_ path: [UInt8]) -> FileKey? {
    // Of roots that lie in one another, because one was watched by itself once, the outermost.
    for (root, folder) in rootPaths.sorted(by: { $0.value.count < $1.value.count }) {
      let (mine, theirs) = (DropPath(bytes: Array(folder.dropFirst())), DropPath(bytes: Array(path.dropFirst())))
      guard theirs.isBelowOrEqual(mine) else { continue }
      let rest = theirs.bytes.dropFirst(mine.bytes.count).drop { $0 == UInt8(ascii: "/") }
      return FileKey(root: root, path: DropPath(bytes: Array(rest)))
    }
    return nil
  }

  /// An absolute path, for people.
  func absolute(_ file: FileKey) -> String { places.absolute(file) }

  func result(_ job: Job, ok: Bool, _ message: String) -> CommandReply.FileResult {
    .init(file: absolute(job.file), ok: ok, state: job.state.rawValue, message: message)
  }

  // MARK: decisions

  private func resolve(
    _ job: Job, _ decision: CommandRequest.Decision, _ request: CommandRequest
  ) async throws -> CommandReply.FileResult? {
    let held = job.slots.values.filter { slot in
      guard case .held(let held) = slot.state, !held.reason.isBeforeSending else { return false }
      return request.reason.map { $0 == held.reason.rawValue } ?? true
    }.sorted { ($0.key.revision, $0.key.number) < ($1.key.revision, $1.key.number) }
    switch decision {
    case .adopt(let taskID):
      let abandoned = job.slots.values.filter { $0.state == .cancelled(.abandoned) }
      guard let slot = held.first(where: { $0.state.task == nil }) ?? held.first ?? abandoned.first else { return nil }
      guard TaskID.isPlausible(taskID) else { return result(job, ok: false, "\"\(taskID)\" is not a valid task id.") }
      if let owner = try await journal.slots(task: taskID).first, owner != slot.key {
        let whose = try await inHand(owner.job).map { absolute($0.file) } ?? "another prompt"
        return result(job, ok: false, "Task \(taskID) already belongs to \(whose).")
      }
      let isDone = try await decide([slot.key], .bound(taskID: taskID, attemptID: nil))
      return try await after(
        job, isDone, "Task \(taskID) is now its task. The picture is fetched when \(runs ?? "the task is finished").")
    case .resubmit:
      guard !held.isEmpty else { return nil }
      // Nobody asked for what a second task made: it is fetched or given up, never paid for once more.
      let held = held.filter { !$0.key.isSurplus }
      guard !held.isEmpty else {
        return result(
          job, ok: false,
          "Only a second task of this prompt is held, and nobody pays for that again. To fetch its picture, run "
            + "`promptdrop retry \(places.argument(job.file))`. To give it up, run "
            + "`promptdrop resolve \(places.argument(job.file)) --abandon`.")
      }
      let isDone = try await decide(held.map(\.key), .resubmit)
      return try await after(job, isDone, "It is submitted again\(orLater).")
    case .abandon:
      guard !held.isEmpty else { return nil }
      let isDone = try await decide(held.map(\.key), .abandon)
      return try await after(job, isDone, "It is given up.")
    }
  }

  private func approve(_ job: Job, isNamed: Bool) async throws -> CommandReply.FileResult? {
    if let reason = job.note?.approvable { return try await approve(job, reason, isNamed: isNamed) }
    let waiting = job.slots.values.filter { slot in
      if case .held(let held) = slot.state { held.reason.isBeforeSending } else { false }
    }
    guard !waiting.isEmpty else { return nil }
    overrides.letGo.insert(job.id)
    let isDone = try await decide(waiting.map(\.key), .approved)
    return try await after(job, isDone, "It goes on\(orLater).")
  }

  // A file that is not taken yet. Which of two copies is meant is said for each by itself: "all" never pays for both.
  private func approve(
    _ job: Job, _ reason: HeldReason, isNamed: Bool
  ) async throws -> CommandReply.FileResult? {
    guard let note = job.note, isNamed || reason != .conflictCopy else { return nil }
    guard case .file(let stamp, _) = await files.look(job.file) else {
      return result(job, ok: false, "It cannot be read at present, so it is not approved.")
    }
    if let held = try await journal.known([job.file])[0]?.stamp, held.prompt != stamp {
      lookAt(job.file)
      return result(job, ok: false, "It has changed since it was held. Look at it, and approve it again\(orLater).")
    }
    let approved = note.approved(reason, prompt: stamp)
    try await record([.note(job: job.id, file: job.file, approved, stamp: nil, at: wallClock)])
    jobs[job.id]?.job.note = approved
    jobs.forget(job.id)
    lookAt(job.file)
    return try await after(job, true, "It is taken as it stands\(orLater).")
  }

  private func retry(_ job: Job, _ request: CommandRequest) async throws -> CommandReply.FileResult? {
    if let note = job.note {
      guard note.state == .failed || job.isKeptRefusal else { return nil }
      // What was wrong with the file may be over without the file having changed.
      try await record([.note(job: job.id, file: job.file, note.withPresentRules, stamp: nil, at: wallClock)])
      jobs[job.id]?.job.note = note.withPresentRules
      lookAt(job.file)
      return result(job, ok: true, "It is looked at again\(orLater).")
    }
    if job.state == .done, job.inputsChanged, !request.paths.isEmpty { return try await makeAnew(job) }
    let refused = job.currentSlots.filter { $0.state.blame != nil }.map(\.key)
    if !refused.isEmpty, !request.paths.isEmpty {
      return try await after(job, try await decide(refused, .triedAgain), "It is submitted again\(orLater).")
    }
    let failed = job.currentSlots.filter { $0.state.name == .failed && !$0.key.isSurplus }
    let outOfReach = job.slots.values.filter { if case .held(let held) = $0.state { held.task != nil } else { false } }
    if request.paths.isEmpty ? failed.isEmpty : failed.isEmpty && outOfReach.isEmpty {
      let isInDoubt = job.slots.values.contains { slot in
        if case .held(let held) = slot.state { held.reason == .submissionOutcomeUnknown } else { false }
      }
      guard isInDoubt, !request.paths.isEmpty else { return nil }
      return result(
        job, ok: false,
        "It may be paid for already, so it is not submitted again. Decide with `promptdrop resolve "
          + "\(places.argument(job.file))` and one of --adopt TASK_ID, --resubmit and --abandon.")
    }
    let wanted = failed + (request.paths.isEmpty ? [] : outOfReach)
    let isDone = try await decide(wanted.map(\.key), .retry)
    return try await after(
      job, isDone,
      failed.isEmpty ? "Its task is asked for again\(orLater); that costs nothing." : "It is submitted again\(orLater)."
    )
  }

  // Finished, and its reference images or defaults are others now: the same text once more, as a new revision.
  private func makeAnew(_ job: Job) async throws -> CommandReply.FileResult {
    overrides.wantedAnew.insert(job.file)
    try await record([.note(job: job.id, file: job.file, nil, stamp: nil, at: wallClock)])
    lookAt(job.file)
    guard !isStopping else {
      overrides.wantedAnew.remove(job.file)
      return result(
        job, ok: false,
        "Its inputs have changed. Making it again with them needs a running agent: start promptdrop first.")
    }
    return result(job, ok: true, "It is made again with its present inputs.")
  }

  // MARK: carrying out

  // What is decided where no agent runs is written down at once, and done by the next one.
  private var runs: String? { isStopping ? "promptdrop runs" : nil }
  private var orLater: String { runs.map { " when \($0)" } ?? "" }

  /// Gives slots an event that nothing under way caused. Whether it came to be: one can have moved on meanwhile.
  func decide(_ keys: [SlotKey], _ event: SlotEvent) async throws -> Bool {
    var isDone = !keys.isEmpty
    for key in keys {
      takeFromQueue(key)
      guard try await jobs.reserve(key) else {
        isDone = false
        continue
      }
      guard let slot = jobs.slot(key),
        slot.on(event, now: wallClock, policy: settings.policy, jitter: 0) != nil
      else {
        letBe(key)
        isDone = false
        continue
      }
      await advance(key, event)
    }
    return isDone
  }

  private func after(_ job: Job, _ isDone: Bool, _ message: String) async throws -> CommandReply.FileResult {
    let fresh = try await inHand(job.id) ?? job
    guard isDone else {
      return result(
        fresh, ok: false,
        "Its state has changed meanwhile, or it is being worked on. Check its state, and decide again.")
    }
    // A sidecar that is written without waiting for the disk may be due only later; a person looks now.
    await show(fresh.id)
    return result(fresh, ok: true, message)
  }
}

/// Ids of tasks, as the service makes them.
enum TaskID {
  /// Whether it can be one: visible ASCII, and not too long.
  static func isPlausible(_ text: String) -> Bool {
    (1...200).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
  }
}
