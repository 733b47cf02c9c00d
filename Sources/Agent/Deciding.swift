import JobCore

/// For what a decision on a file is made.
enum DecisionPurpose {
  /// It is carried out.
  case run
  /// It is only reported. Nothing is remembered, and whatever has to last for a while has lasted.
  case plan(PlanContext)

  var isRun: Bool { if case .run = self { true } else { false } }
}

/// What a plan knows besides what an agent remembers.
struct PlanContext {
  /// How many new prompts go without asking.
  var burst: SubmissionPace
  /// Temporary forms of prompts' lists, as a look at the folders found them.
  var listsOnTheirWay: [FileKey: Set<[UInt8]>]
}

/// A file that is being decided on: what was read of it, seen and known so far.
struct FileLook {
  let file: FileKey
  var reading: SourceReading
  var seen: Observation
  var knowledge: Knowledge
  /// The number of its batch.
  var batch = 0
}

// The decision on a file is `FileDecision`'s; here are the facts that it asks for. Looking them up suspends, deciding does
// not.
extension Pipeline {
  var moment: Moment { Moment(monotonic: now, wall: wallClock) }

  /// Decides on a file that was just read. The job: the file's, where the decision asked for it.
  func decide(
    _ file: FileKey, _ known: KnownFile?, _ reading: SourceReading, _ sidecar: Result<StatusSidecar?, JobError>,
    isFull: Bool, batch: Int = 0, ahead: KnownAhead? = nil, for purpose: DecisionPurpose = .run
  ) async throws -> (outcome: FileOutcome, job: Job?) {
    let seen = await observe(file, reading, sidecar, isFull: isFull, for: purpose)
    var look = FileLook(file: file, reading: reading, seen: seen, knowledge: Knowledge(known), batch: batch)
    if purpose.isRun { noteSight(of: look) }
    if let ahead { await supply(ahead, to: &look) }
    let outcome = try await answering(&look, for: purpose) { [settings] look, now throws(FileNeed) in
      try FileDecision.decide(look.seen, look.knowledge, rules: settings.fileRules, now: now)
    } then: { [self] outcome in
      // At once: another decision may begin as soon as anything is waited for.
      if purpose.isRun { remember(outcome, file) }
    }
    if case .known(let job) = look.knowledge.job { return (outcome, job) }
    return (outcome, nil)
  }

  /// Asks for a decision until every fact that it needs is there.
  func answering<Outcome>(
    _ look: inout FileLook, for purpose: DecisionPurpose = .run,
    _ decide: (FileLook, Moment) throws(FileNeed) -> Outcome, then: (Outcome) -> Void = { _ in }
  ) async throws -> Outcome {
    while true {
      refresh(&look, for: purpose)
      let need: FileNeed
      do throws(FileNeed) {
        let outcome = try decide(look, moment)
        then(outcome)
        return outcome
      } catch {
        need = error
      }
      try await answer(need, &look, for: purpose)
    }
  }

  // What is in memory may have changed while a fact was looked up.
  private func refresh(_ look: inout FileLook, for purpose: DecisionPurpose) {
    let known = look.knowledge.file
    var pace = arrivals.burst
    if case .plan(let plan) = purpose { pace = plan.burst }
    look.knowledge.memory = Knowledge.Memory(
      isSidecarUnread: sidecars.isProtected(look.file), isWantedAnew: overrides.wantedAnew.contains(look.file),
      isLetGo: known.map { overrides.letGo.contains($0.job) } ?? false,
      takenThoughOpen: known.flatMap { overrides.takenThoughOpen[$0.job] },
      isRootOfFormerExcludes: arrivals.formerExcludes.contains(look.file.root),
      hasKeptPictures: known.map { keptPictures.contains($0.job) } ?? false,
      wasRenamed: origins.former(of: look.file) != nil, burst: pace)
    guard case .known(let job?) = look.knowledge.job else { return }
    let fresh = jobs[job.id]?.job ?? job
    let underWay = jobs.isIdle ? [] : Set(fresh.slots.keys.filter(jobs.isRunning))
    guard underWay != look.knowledge.running || fresh != job else { return }
    // What was looked up for the job as it was is looked up anew.
    (look.knowledge.job, look.knowledge.running) = (.known(fresh), underWay)
    (look.knowledge.earlier, look.seen.origin) = (.notAsked, .notAsked)
  }

  private func answer(_ need: FileNeed, _ look: inout FileLook, for purpose: DecisionPurpose) async throws {
    let file = look.file
    switch need {
    case .text:
      look.reading = await read(file)
      let sidecar = try sidecar(in: look.reading)
      await noteWriter(of: sidecar, file.root)
      look.seen = await observe(file, look.reading, sidecar, isFull: true, for: purpose)
    case .settled:
      look.seen.isSettled = .known(!purpose.isRun || arrivals.isSettled(look.seen, at: now))
    case .revisionSettled:
      look.seen.isRevisionSettled = .known(!purpose.isRun || arrivals.isRevisionSettled(look.seen, at: now))
    case .plainName(let name):
      look.seen.isPlainNameThere = .known(await files.look(file.sibling(name)).stamp != nil)
    case .original(let stem): look.seen.isOriginalThere = .known(try await isThere(stem, beside: file))
    case .understanding: look.seen.understood = .known(understand(file, look.reading))
    case .exactUnderstanding: look.seen.understoodExactly = .known(understandExactly(file, look.reading))
    case .references:
      guard case .known(.success(let request)) = look.seen.understood else { return }
      look.seen.references = .known(await references(of: request, look, for: purpose))
    case .referenceInputs:
      guard case .known(let job?) = look.knowledge.job else { return }
      look.seen.referenceInputs = .known(await referenceInputs(of: job, look.seen))
    case .origin(let identity, let grace):
      if purpose.isRun, !origins.turns.begin(file, text: identity.source, batch: look.batch) { throw WaitsForItsTurn() }
      look.seen.origin = .known(try await origin(of: look, identity, grace: grace, for: purpose))
    default: try await answerFromJournal(need, &look)
    }
  }

  private func answerFromJournal(_ need: FileNeed, _ look: inout FileLook) async throws {
    switch need {
    case .newID: look.knowledge.newID = .known(JobID(surroundings.newID()))
    case .job(let id): look.knowledge.job = .known(try await inHand(id))
    case .sidecarsJob(let id): look.knowledge.isSidecarsJobKnown = .known(try await journal.jobs([id])[0] != nil)
    case .earlier(let id, let identity):
      let revision = try await journal.revision(of: id, like: identity)
      var earlier: Knowledge.EarlierRevision?
      if let revision {
        let slots = try await journal.slots(of: id, revision: revision.number)
        earlier = Knowledge.EarlierRevision(revision: revision, slots: slots)
      }
      look.knowledge.earlier = .known(earlier)
    case .recentRevisions(let id, let since):
      look.knowledge.recentRevisions = .known(try await journal.revisions(of: id, since: since))
    case .slots(let id, let revisions):
      var slots: [Int: [Slot]] = [:]
      for revision in revisions { slots[revision] = try await journal.slots(of: id, revision: revision) }
      look.knowledge.slots = .known(slots)
    case .text, .settled, .revisionSettled, .plainName, .original, .understanding, .exactUnderstanding, .references,
      .referenceInputs, .origin:
      break  // Answered by who calls this.
    }
  }

  /// Reads a prompt in full.
  private func read(_ file: FileKey) async -> SourceReading {
    await files.readSources(
      [SourceQuery(prompt: file, list: DropNames.list(of: file))], limit: settings.files.maxPromptBytes)[
        0]
  }
}
