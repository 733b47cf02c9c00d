import JobCore
import TestKit

/// One prompt with all that can happen to it, and the journal of what was decided about it.
struct FileWorld {
  var random: SplitMix64
  var journal = FileJournal()
  /// What is seen this time, and what a fact that is asked for turns out to be.
  var scene: FileScene
  var now = Moment(monotonic: .seconds(100_000), wall: start)
  var rules = FileRules()
  var burst: SubmissionPace
  var memory: (isSidecarUnread: Bool, isWantedAnew: Bool, isLetGo: Bool) = (false, false, false)
  /// For each text: how many pictures were submitted, how many of them before a person wanted it made once more, and how many
  /// were ever asked for.
  private var sent: [String: Int] = [:]
  private var sentBefore: [String: Int] = [:]
  private var asked: [String: Int] = [:]
  private var ids = 0

  init(random: SplitMix64) {
    self.random = random
    scene = FileScene(&self.random)
    rules.revisionLimit = 3
    rules.burstLimit = self.random.one(of: [0, 0, 2])
    burst = SubmissionPace(perMinute: rules.burstLimit)
    if case .success(let request) = scene.understood { allow(request) }
  }

  /// A file at rest, without limits.
  init(_ scene: FileScene) {
    random = SplitMix64(seed: 1)
    self.scene = scene
    rules.burstLimit = 0
    burst = SubmissionPace(perMinute: 0)
  }

  /// A fact was asked for twice, or the journal did not take a change.
  struct NotDecided: Error {}

  /// Decides, and carries that out.
  mutating func settle() throws -> FileOutcome {
    guard let outcome = decide(), carryOut(outcome) else { throw NotDecided() }
    return outcome
  }

  var knowledgeMemory: Knowledge.Memory {
    Knowledge.Memory(
      isSidecarUnread: memory.isSidecarUnread, isWantedAnew: memory.isWantedAnew, isLetGo: memory.isLetGo,
      isRootOfFormerExcludes: scene.isOfFormerExcludes, burst: burst)
  }

  /// The decision on what is seen now; nil where a fact is asked for twice.
  mutating func decide() -> FileOutcome? {
    var seen = scene.observation
    var knowledge = Knowledge(journal.known, memory: knowledgeMemory)
    var asked: Set<FileNeed> = []
    while true {
      do throws(FileNeed) {
        return try FileDecision.decide(seen, knowledge, rules: rules, now: now)
      } catch {
        guard asked.insert(error).inserted else { return nil }
        answer(error, &seen, &knowledge)
      }
    }
  }

  private mutating func answer(_ need: FileNeed, _ seen: inout Observation, _ knowledge: inout Knowledge) {
    switch need {
    case .text:
      scene.isFull = true
      seen = scene.observation
    case .settled: seen.isSettled = .known(scene.isSettled)
    case .revisionSettled: seen.isRevisionSettled = .known(scene.isRevisionSettled)
    case .plainName: seen.isPlainNameThere = .known(scene.isPlainNameThere)
    case .original: seen.isOriginalThere = .known(scene.isOriginalThere)
    case .understanding: seen.understood = .known(scene.understood)
    case .exactUnderstanding: seen.understoodExactly = .known(scene.understoodExactly)
    case .references: seen.references = .known(scene.references)
    case .referenceInputs: seen.referenceInputs = .known(scene.inputs)
    case .origin: seen.origin = .known(scene.isOriginUnclear ? .wait(until: now.monotonic + .seconds(5)) : .none)
    case .newID:
      ids += 1
      knowledge.newID = .known(JobID(String(repeating: "n", count: 30) + "\(100_000 + ids)"))
    case .job: knowledge.job = .known(journal.job)
    case .sidecarsJob: knowledge.isSidecarsJobKnown = .known(scene.isSidecarsJobKnown)
    case .earlier(_, let identity): knowledge.earlier = .known(journal.earlier(like: identity))
    case .recentRevisions(_, let since):
      knowledge.recentRevisions = .known(journal.job?.revisions.values.count { $0.takenAt >= since } ?? 0)
    case .slots(_, let revisions):
      knowledge.slots = .known(
        Dictionary(uniqueKeysWithValues: Set(revisions).map { ($0, journal.slots(of: $0)) }))
    }
  }

  /// What an outcome leaves behind. False: the journal did not take it.
  mutating func carryOut(_ outcome: FileOutcome) -> Bool {
    if let pace = outcome.burst { burst = pace }
    guard journal.apply(outcome, now: now.wall) else { return false }
    for effect in outcome.effects {
      switch effect {
      case .isMadeAnew: memory.isWantedAnew = false
      case .sidecarIsRead: memory.isSidecarUnread = false
      default: break
      }
    }
    return true
  }

  // MARK: what happens meanwhile

  /// Something happens to the file, to the job, or by a person.
  mutating func goOn() {
    now.monotonic += random.milliseconds(0...120_000)
    now.wall = now.wall + random.milliseconds(0...120_000)
    scene.change(&random, journal.job, now.wall)
    if random.percent(60) { workOnSlots() }
    if random.percent(10), let note = journal.job?.note, let reason = note.approvable, let stamp = scene.prompt.stamp {
      // A person lets it pass as it stands.
      journal.job?.note = note.approved(reason, prompt: stamp)
      journal.job?.stamp = nil
    }
    if random.percent(4), let job = journal.job, job.current > 0, job.state == .done {
      memory.isWantedAnew = true
      journal.job?.note = nil
      journal.job?.stamp = nil
    }
    if case .success(let request) = scene.understood { allow(request) }
  }

  private mutating func allow(_ request: PromptRequest) {
    // A list that is gone asks for nothing: it is the text that was taken with one which is made.
    for list in request.listSHA.map({ [$0, nil] }) ?? [nil, "l0", "l1"] {
      let text = Self.text(request.sourceSHA, list)
      asked[text] = max(asked[text] ?? 0, request.count)
    }
  }

  static func text(_ source: String, _ list: String?) -> String { "\(source) \(list ?? "-")" }

  // The queue as the slots' side works it off: only the current text, while its file is as it was taken.
  private mutating func workOnSlots() {
    guard let job = journal.job, job.note == nil, case .own = scene.belonging,
      scene.prompt.stamp == job.stamp?.prompt
    else { return }
    for slot in job.currentSlots where slot.state.name == .queued && random.percent(50) {
      guard let identity = job.revisions[slot.key.revision]?.identity else { continue }
      var sentSlot = slot
      var attempt = Attempt(
        n: slot.attempts.count + 1, attemptID: "attempt-\(random.next())", bootID: "boot", startedAt: now.wall)
      attempt.outcome = random.one(of: [.accepted, .accepted, .accepted, .unknown])
      attempt.taskID = attempt.outcome == .accepted ? "ta-\(random.next())" : nil
      sentSlot.attempts.append(attempt)
      sentSlot.state = state(after: attempt)
      journal.job?.slots[slot.key] = sentSlot
      let text = Self.text(identity.source, identity.list)
      sent[text, default: 0] += 1
    }
  }

  private mutating func state(after attempt: Attempt) -> SlotState {
    guard let taskID = attempt.taskID else {
      return .held(Held(reason: .submissionOutcomeUnknown, error: trouble("submission-outcome-unknown")))
    }
    return random.one(of: [
      .submitted(TaskRef(taskID: taskID, acceptedAt: now.wall)), .done, .done, .failed(trouble("task-failed")),
    ])
  }

  /// A person wanted the text made once more: that may be paid for as well.
  mutating func allowAnew(_ request: PromptRequest) {
    let text = Self.text(request.sourceSHA, request.listSHA)
    sentBefore[text] = sent[text] ?? 0
  }

  /// Texts for which more was submitted than anybody asked for.
  var overpaid: [String] {
    sent.filter { $0.value - (sentBefore[$0.key] ?? 0) > asked[$0.key] ?? 0 }.keys.sorted()
  }
}
