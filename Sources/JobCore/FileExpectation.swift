extension FileOutcome {
  /// What a file's job is going to submit once an outcome has been carried out.
  public struct Expectation: Hashable, Sendable {
    /// Pictures that are submitted when their turn comes.
    public var queued: Int
    /// Pictures that wait for a person because too many new prompts came at once.
    public var beyondBurst: Int
    /// Why pictures that were not sent wait for a person; nil where none does.
    public var held: JobError?
    /// What is sent; nil where nothing is known of it.
    public var snapshot: Snapshot?
  }

  /// What the file's job is going to submit. `job`: as it was before.
  public func expected(of job: Job?) -> Expectation {
    var slots = job?.slots ?? [:]
    var revisions = job?.revisions ?? [:]
    var current = job?.current
    var isNew: Set<SlotKey> = []
    func add(_ slot: Slot) {
      slots[slot.key] = slot
      isNew.insert(slot.key)
    }
    for change in changes {
      switch change {
      case .take(let take):
        revisions[take.revision.number] = take.revision
        current = take.revision.number
        take.slots.forEach(add)
      case .makeCurrent(_, let revision, _, _, let new, _):
        current = revision
        new.forEach(add)
      case .refresh(_, let revision): revisions[revision.number] = revision
      case .move(let slot, _, _): add(slot)
      default: continue
      }
    }
    for case .withdraw(let keys, _) in effects { for key in keys { slots[key] = nil } }
    var expected = Expectation(queued: 0, beyondBurst: 0)
    for slot in slots.values {
      switch slot.state {
      case .queued: expected.queued += 1
      case .held(let held) where held.reason == .burst && isNew.contains(slot.key): expected.beyondBurst += 1
      case .held(let held) where held.reason.isBeforeSending && slot.key.revision == current: expected.held = held.error
      default: continue
      }
    }
    let sent = slots.values.first { $0.state.name == .queued }?.key.revision ?? current
    expected.snapshot = sent.flatMap { revisions[$0]?.snapshot }
    return expected
  }

  /// The job that follows its file to this name; nil where none does.
  public var followed: JobID? {
    for case .follow(let job, _, _) in effects { return job }
    return nil
  }
}
