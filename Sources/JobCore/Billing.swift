/// What a slot's transition means for the bill: changes that are committed together with the slot's. A submission is on
/// the bill before its POST, goes from it where nothing was accepted, and has its price once the service has said it.
public enum Billing {
  /// What a picture of this slot is charged as.
  public static func kind(of slot: SlotKey, in job: Job) -> PriceKey {
    guard let revision = job.revisions[slot.revision] else { return PriceKey(model: "", size: nil) }
    return PriceKey(model: revision.snapshot.model, size: revision.snapshot.sentSize)
  }

  /// One submission, as the bill has it. `consumed`: the service's decimal string; nil while it has not named a price.
  public static func charge(
    _ attempt: Attempt, file: FileKey, kind: PriceKey, consumed: String? = nil
  ) -> Charge {
    Charge(
      attemptID: attempt.attemptID, root: file.root, folder: file.path.directory, kind: kind,
      day: SpendBook.day(of: attempt.startedAt), reserved: attempt.reserved, consumed: consumed)
  }

  /// The changes of the bill that belong to a transition.
  public static func changes(from before: Slot, to after: Slot, of job: Job) -> [JournalChange] {
    guard let attempt = after.attempts.last else { return [] }
    if attempt.outcome == .begun, before.attempts.last?.attemptID != attempt.attemptID {
      return [.charge(charge(attempt, file: job.file, kind: kind(of: after.key, in: job)))]
        + expected(attempt, after.key)
    }
    if before.attempts.last?.outcome == .begun {
      switch attempt.outcome {
      case .refused, .refusedForAccount, .notSent: return [.release(attemptID: attempt.attemptID)]
      case .begun, .accepted, .unknown: return []
      }
    }
    // A price counts once it is final: until then, what was set aside does.
    guard before.state.name == .submitted || before.state.name == .held, let task = before.state.task,
      let paid = after.attempts.last(where: { $0.taskID == task.taskID })
    else { return [] }
    // A task that failed costs nothing, unless the service says otherwise. One that succeeded does, picture or not.
    let consumed: String?
    switch after.state {
    case .fetching: consumed = after.consumed
    case .failed(let error): consumed = after.consumed ?? (error.isNoPicture ? nil : "0")
    default: return []
    }
    guard let consumed else { return [] }
    return [.charge(charge(paid, file: job.file, kind: kind(of: after.key, in: job), consumed: consumed))]
  }

  /// What a sidecar says was paid for: each attempt that may have been, with the price where that is final. It counts for
  /// its day, and late callbacks still find their attempt.
  public static func changes(reported slot: Slot, file: FileKey, kind: PriceKey) -> [JournalChange] {
    let priced = slot.state == .done ? slot.attempts.last { $0.outcome == .accepted }?.attemptID : nil
    return slot.attempts.filter(\.outcome.mayBePaid).flatMap { attempt in
      let consumed = attempt.attemptID == priced ? slot.consumed : nil
      return [.chargeReported(charge(attempt, file: file, kind: kind, consumed: consumed))]
        + expected(attempt, slot.key)
    }
  }

  private static func expected(_ attempt: Attempt, _ key: SlotKey) -> [JournalChange] {
    guard let secret = attempt.callbackSHA else { return [] }
    return [
      .expectCallback(
        CallbackTarget(secretSHA: secret, slot: key, attemptID: attempt.attemptID, madeAt: attempt.startedAt))
    ]
  }
}
