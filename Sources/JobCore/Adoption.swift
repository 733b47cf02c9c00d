/// What a sidecar says of a prompt that the journal does not know: the folder was copied or moved here, or the journal
/// was lost. Believed, as untrusted input: it can keep a prompt from being paid for again, and can make nothing be paid
/// for.
public struct Adoption {
  private var sidecar: StatusSidecar
  /// How many pictures the revision has.
  public let count: Int
  private let now: Timestamp

  /// Nil where the sidecar is about another text, or nothing was ever sent.
  public init?(_ sidecar: StatusSidecar, _ identity: Identity, count: Int, now: Timestamp) {
    guard let before = sidecar.identity, !identity.asksForMore(than: before),
      !sidecar.attempts.isEmpty || sidecar.state == .failed
        || sidecar.outputs.contains(where: { $0.revision == sidecar.revision })
    else { return nil }
    guard sidecar.jobID.utf8.count == 36, sidecar.revision > 0, sidecar.revision < 1_000_000 else { return nil }
    self.sidecar = sidecar
    self.sidecar.error = sidecar.error?.withoutPath
    self.now = now
    // A count that was lowered takes nothing back.
    self.count = max(count, Self.paidSlots(sidecar).filter { $0 <= SlotKey.surplusBase }.max() ?? 0)
  }

  /// Whether it reports anything that may have been paid for.
  public var isPaid: Bool {
    !Self.paidSlots(sidecar).isEmpty || sidecar.outputs.contains { $0.revision == sidecar.revision }
  }

  /// The slots as the sidecar tells them.
  public func slots(job: JobID, revision: Int) -> [Slot] {
    let surplus = Self.paidSlots(sidecar).filter { $0 > SlotKey.surplusBase }
    return (Array(1...count) + surplus.sorted()).map { number in
      let attempts = sidecar.attempts.filter { $0.revision == sidecar.revision && $0.slot == number }.map { entry in
        // Nobody is left who could hear its answer.
        var attempt = entry.attempt
        if attempt.outcome == .begun { attempt.outcome = .unknown }
        return attempt
      }
      var slot = Slot(
        key: SlotKey(job: job, revision: revision, number: number), attempts: attempts,
        serviceStatus: sidecar.serviceStatus, consumed: count == 1 ? sidecar.consumed : nil)
      slot.state = state(number, attempts)
      return slot
    }
  }

  /// Submissions of other texts that were still open: what is paid for is fetched, what is in doubt is held. The texts
  /// themselves are not known.
  public func earlier(job: JobID) -> [(revision: Revision, slots: [Slot])] {
    let open = sidecar.attempts.filter { entry in
      entry.revision != sidecar.revision && (1..<1_000_000).contains(entry.revision) && entry.attempt.outcome.mayBePaid
        && !sidecar.outputs.contains { $0.revision == entry.revision && $0.slot == entry.slot }
    }
    return Set(open.map(\.revision)).sorted().map { number in
      let entries = Dictionary(grouping: open.filter { $0.revision == number }, by: \.slot).sorted { $0.key < $1.key }
      let slots = entries.map { slot, entries in
        var attempts = entries.map(\.attempt)
        for index in attempts.indices where attempts[index].outcome == .begun { attempts[index].outcome = .unknown }
        var found = Slot(key: SlotKey(job: job, revision: number, number: slot), state: held, attempts: attempts)
        if let last = attempts.last, let taskID = last.taskID, last.outcome == .accepted {
          found.state = .submitted(TaskRef(taskID: taskID, acceptedAt: last.endedAt ?? last.startedAt))
        }
        return found
      }
      // Like no text's.
      let identity = Identity(prompt: "", source: "told \(job.text) \(number)", list: nil, request: "")
      let revision = Revision(
        number: number, identity: identity, snapshot: Snapshot(prompt: "", model: sidecar.snapshot?.model ?? ""),
        count: max(1, slots.map(\.key.number).filter { $0 <= SlotKey.surplusBase }.max() ?? 1),
        takenAt: sidecar.createdAt)
      return (revision, slots)
    }
  }

  // Nobody asked for a second task's picture: where it was not paid for, it is not made.
  private static func paidSlots(_ sidecar: StatusSidecar) -> Set<Int> {
    Set(sidecar.attempts.filter { $0.revision == sidecar.revision && $0.attempt.outcome.mayBePaid }.map(\.slot))
  }

  private func state(_ number: Int, _ attempts: [Attempt]) -> SlotState {
    // The state is the whole job's: of several pictures it says nothing about one that stands in its place.
    if sidecar.state == .done || count > 1,
      sidecar.outputs.contains(where: { $0.revision == sidecar.revision && $0.slot == number })
    {
      return .done
    }
    guard let last = attempts.last else {
      return sidecar.state == .failed ? .failed(sidecar.error ?? unexplained) : .queued(Queued())
    }
    if sidecar.state == .cancelled, sidecar.reason == CancelReason.abandoned.rawValue { return .cancelled(.abandoned) }
    switch last.outcome {
    case .accepted:
      guard let taskID = last.taskID else { return held }
      let task = TaskRef(taskID: taskID, acceptedAt: last.endedAt ?? last.startedAt)
      if sidecar.state == .failed, count == 1 { return .failed(sidecar.error ?? unexplained) }
      // One that was still tried is tried on: that costs nothing.
      if sidecar.state == .held, count == 1, let reason = sidecar.reason.flatMap(HeldReason.init),
        reason != .paidNotFetched || sidecar.nextAttemptAt == nil
      {
        return .held(Held(reason: reason, error: sidecar.error ?? unexplained, task: task))
      }
      return .submitted(task)
    case .begun, .unknown: return held
    case .refused, .refusedForAccount, .notSent:
      return sidecar.state == .failed ? .failed(sidecar.error ?? unexplained) : .queued(Queued())
    }
  }

  private var held: SlotState {
    // An answer with the task of another submission leaves its own outcome open, and there is more to say of it.
    if sidecar.state == .held, sidecar.reason == HeldReason.taskOfAnother.rawValue, let error = sidecar.error {
      return .held(Held(reason: .taskOfAnother, error: error))
    }
    return .held(
      Held(
        reason: .submissionOutcomeUnknown,
        error: JobError(
          code: .held(.submissionOutcomeUnknown),
          message: "The sidecar has a submission without an outcome. The service may have accepted it.",
          hint: Slot.decideHint)))
  }

  private var unexplained: JobError {
    JobError(code: .reportedBySidecar, message: "The sidecar gives no reason.")
  }

  /// The pictures as the sidecar tells them. Plain names only: a path in a sidecar is somebody's trick.
  public func outputs(job: JobID, revision: Int) -> [Output] {
    var parts: [SlotKey: Int] = [:]
    return sidecar.outputs.compactMap { entry in
      guard !entry.file.isEmpty, !entry.file.utf8.contains(UInt8(ascii: "/")), entry.file != "..", entry.file != ".",
        entry.sha256.utf8.count == 64, entry.slot > 0, entry.revision > 0,
        let format = ImageInfo.Format.allCases.first(where: { $0.mediaType == entry.mediaType })
      else { return nil }
      // The journal may have given the number to another text meanwhile.
      let number = entry.revision == sidecar.revision ? revision : entry.revision
      let key = SlotKey(job: job, revision: number, number: entry.slot)
      let part = (parts[key] ?? 0) + 1
      parts[key] = part
      return Output(
        slot: key, part: part, number: part == 1 ? entry.slot : entry.slot + part - 1, file: Array(entry.file.utf8),
        sha256: entry.sha256, bytes: entry.bytes,
        image: ImageInfo(format: format, width: entry.width, height: entry.height), temporary: nil,
        warning: entry.warning)
    }
  }
}
