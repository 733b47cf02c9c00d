import JobCore
import TestKit
import Testing

/// Random files with random histories, each decision held against what must never happen to a file.
@Suite struct FileDecisionProperties {
  @Test(arguments: SplitMix64.seeds(4)) func holdOverRandomHistories(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var kinds: [FileReason.Kind: Int] = [:]
    var submitted = 0
    for round in 0..<80 {
      var world = FileWorld(random: random)
      for step in 0..<60 {
        let place = "seed \(seed), round \(round), step \(step)"
        let broken = try self.step(&world, &kinds, &submitted)
        try #require(broken.isEmpty, "\(place): \(broken.joined(separator: "; "))\n\(world.scene)\n\(world.journal)")
        world.goOn()
      }
      random = world.random
    }
    // The histories are worth something only if they get everywhere. A rename takes another file.
    let missed = FileReason.Kind.allCases.filter { kinds[$0] == nil && $0 != .renamed }
    #expect(missed.isEmpty && submitted > 300, "seed \(seed): \(missed), \(submitted) queued")
  }

  private func step(
    _ world: inout FileWorld, _ kinds: inout [FileReason.Kind: Int], _ submitted: inout Int
  ) throws -> [String] {
    var broken: [String] = []
    var outcome: FileOutcome?
    // One decision may have the file looked at again at once; then it comes to rest.
    for turn in 0..<4 {
      let before = world.journal
      guard let decided = world.decide() else { return ["a fact is asked for twice"] }
      kinds[decided.reason.kind, default: 0] += 1
      broken += FileRulesOfTests.reason(decided)
      if decided.effects.contains(where: { if case .isMadeAnew = $0 { true } else { false } }),
        case .success(let request) = world.scene.understood
      {
        world.allowAnew(request)
      }
      // A revision that the journal has lost was asked for once.
      if decided.reason.kind == .adopted, case .success(let request) = world.scene.understood,
        case .success(let sidecar?) = world.scene.sidecar, sidecar.jobID == before.job?.id.text
      {
        world.allowAnew(request)
      }
      let waits = FileRulesOfTests.reasonsToWait(world)
      let paid = FileRulesOfTests.paidInSidecar(world)
      let expected = decided.expected(of: before.job)
      guard world.carryOut(decided) else { return broken + ["a change was stale: \(decided)"] }
      let new = world.journal.queued.subtracting(before.queued)
      submitted += new.count
      if !new.isEmpty, !waits.isEmpty { broken.append("queued although \(waits): \(decided)") }
      if let paid, new.count > paid.open {
        broken.append("\(new.count) queued, of which \(paid) were paid for: \(decided)")
      }
      if decided.reason.kind != .notOurs, expected.queued != world.journal.queued.count {
        broken.append("\(expected.queued) expected, \(world.journal.queued.count) queued: \(decided)")
      }
      if !world.overpaid.isEmpty { broken.append("more was paid than asked for: \(world.overpaid)") }
      outcome = decided
      if decided.changes.isEmpty { break }
      if turn == 3 { broken.append("it does not come to rest: \(decided)") }
    }
    _ = outcome
    return broken
  }
}

extension FileJournal {
  /// The slots that are submitted when their turn comes.
  var queued: Set<SlotKey> { Set(job?.slots.values.filter { $0.state.name == .queued }.map(\.key) ?? []) }
}

/// The rules that decisions are held against, told without asking the decision.
enum FileRulesOfTests {
  static func reason(_ outcome: FileOutcome) -> [String] {
    if outcome.reason.message.isEmpty { return ["no reason: \(outcome)"] }
    let needsCode: Set<FileReason.Kind> = [.waits, .held, .refused, .leftOut, .notOurs]
    if needsCode.contains(outcome.reason.kind), outcome.reason.code?.rawValue.isEmpty != false {
      return ["no code: \(outcome)"]
    }
    // What keeps a file is written down for it.
    for case .note(_, _, let note?, _, _) in outcome.changes where note.error.message != outcome.reason.message {
      return ["another reason is written down: \(outcome)"]
    }
    return []
  }

  /// Why nothing may be submitted for the file as it is seen now.
  static func reasonsToWait(_ world: FileWorld) -> [String] {
    let (scene, known) = (world.scene, world.journal.known)
    guard let prompt = scene.prompt.stamp else { return ["no file"] }
    var reasons: [String] = []
    func isApproved(_ reason: HeldReason) -> Bool { known?.note?.approval?.covers(reason, prompt) == true }
    // What a sidecar tells of a folder that nobody owns is taken over; nothing of it is sent before it is this agent's.
    if case .undecided = scene.belonging { return [] }
    if case .other = scene.belonging { reasons.append("another's") }
    if !scene.isSettled { reasons.append("not settled") }
    if scene.isUnreadable { reasons.append("unreadable") }
    if scene.file.path.name.count > 240 { reasons.append("long name") }
    if DropNames.plainPrompt(scene.file.path.name) != nil, scene.isPlainNameThere { reasons.append("same stem") }
    let form = ConflictCopyName.form(of: DropNames.stemOrName(scene.file))
    let isCopy = form == .certain || (form != .none && scene.isOriginalThere)
    if known?.current ?? 0 == 0, isCopy, !isApproved(.conflictCopy) { reasons.append("conflict copy") }
    if scene.beingWritten, !isApproved(.writerOpen) { reasons.append("being written") }
    if scene.isListOnItsWay { reasons.append("list on its way") }
    if known?.current ?? 0 == 0, scene.wasExcluded, scene.isOfFormerExcludes, !isApproved(.excludeChanged) {
      reasons.append("formerly excluded")
    }
    if case .failure = scene.sidecar { reasons.append("sidecar unread") }
    switch scene.references {
    case .complete: break
    case .beingWritten where isApproved(.writerOpen): break
    default: reasons.append("references")
    }
    guard case .success(let request) = scene.understood else { return reasons + ["not understood"] }
    if request.requireImages, scene.list.stamp == nil { reasons.append("no list") }
    if request.hold, !world.memory.isLetGo { reasons.append("hold") }
    for doubt in request.doubts {
      if case .unclear(let reason, _, _) = doubt, isApproved(reason) { continue }
      reasons.append("doubt")
    }
    if !scene.unclear.isEmpty, !isApproved(.controlFileUnclear) { reasons.append("unclear control file") }
    if scene.hasEmptyList, scene.list.stamp != nil, !isApproved(.controlFileEmpty) { reasons.append("empty list") }
    return reasons
  }

  /// How many pictures of the text are open, where the sidecar tells that some were paid for and the journal knows nothing
  /// that was.
  static func paidInSidecar(_ world: FileWorld) -> (paid: Int, open: Int)? {
    guard case .success(let request) = world.scene.understood, case .success(let sidecar?) = world.scene.sidecar,
      let reported = sidecar.identity, reported.source == request.sourceSHA, reported.list == request.listSHA,
      world.journal.job?.slots.values.contains(where: \.mayBePaid) != true,
      // What another job's tells, or a later one of this: of a known revision, the slots ask before they are sent.
      sidecar.jobID != world.journal.job?.id.text || sidecar.revision > world.journal.job?.latest ?? 0,
      !world.memory.isWantedAnew
    else { return nil }
    let paid = Set(
      sidecar.attempts.filter { $0.revision == sidecar.revision && $0.attempt.outcome.mayBePaid }.map(\.slot))
    return paid.isEmpty ? nil : (paid.count, max(0, request.count - paid.count))
  }
}
