import JobCore

/// The journal's side of one path, as far as decisions on files change it: guarded like the real one.
struct FileJournal {
  /// The path's job with every revision and slot that it ever had.
  var job: Job?

  var known: KnownFile? {
    job.map { KnownFile(job: $0.id, state: $0.state, current: $0.current, stamp: $0.stamp, note: $0.note) }
  }

  /// The newest revision with this text and list, and its slots.
  func earlier(like identity: Identity) -> Knowledge.EarlierRevision? {
    guard let job else { return nil }
    let alike = job.revisions.values.filter {
      $0.identity.source == identity.source && $0.identity.list == identity.list
    }
    return alike.max { $0.number < $1.number }.map { revision in
      .init(revision: revision, slots: slots(of: revision.number))
    }
  }

  func slots(of revision: Int) -> [Slot] {
    (job?.slots.values.filter { $0.key.revision == revision } ?? []).sorted { $0.key.number < $1.key.number }
  }

  /// Applies the changes of an outcome, and what it withdraws. False: one of them was stale.
  mutating func apply(_ outcome: FileOutcome, now: Timestamp) -> Bool {
    for change in outcome.changes where !apply(change) { return false }
    for case .withdraw(let keys, let reason) in outcome.effects {
      for key in keys {
        guard let slot = job?.slots[key] else { continue }
        job?.slots[key] = slot.on(.withdrawn(reason), now: now, policy: RetryPolicy(), jitter: 0)?.slot ?? slot
      }
    }
    return true
  }

  private mutating func apply(_ change: JournalChange) -> Bool {
    switch change {
    case .take(let take): return apply(take)
    case .makeCurrent(_, let revision, let expected, let count, let new, let stamp):
      guard job?.current == expected, job?.revisions[revision] != nil else { return false }
      job?.current = revision
      job?.revisions[revision]?.count = count
      for slot in new { job?.slots[slot.key] = slot }
      job?.stamp = stamp
      job?.note = nil
      job?.inputsChanged = false
    case .note(let id, let file, let note, let stamp, let at):
      if let note, job == nil {
        job = Job(
          id: id, file: file, current: 0, latest: 0, stamp: nil, revisions: [:], slots: [:], outputs: [],
          createdAt: at)
        job?.note = note
      }
      guard job?.id == id else { return false }
      job?.note = note
      job?.stamp = stamp
    case .seen(_, let stamp, let inputsChanged):
      job?.stamp = stamp
      job?.inputsChanged = inputsChanged
    case .forget:
      guard job?.current == 0 else { return false }
      job = nil
    case .refresh(_, let revision): job?.revisions[revision.number]?.snapshot = revision.snapshot
    case .move(let slot, let from, _):
      guard job?.slots[slot.key]?.state.name == from else { return false }
      job?.slots[slot.key] = slot
    default: break  // The bill, which a decision only adds to.
    }
    return true
  }

  private mutating func apply(_ take: JournalChange.Take) -> Bool {
    guard job?.current == take.expected, job == nil || job?.id == take.job else { return false }
    if job == nil {
      job = Job(
        id: take.job, file: take.file, current: 0, latest: 0, stamp: nil, revisions: [:], slots: [:], outputs: [],
        createdAt: take.revision.takenAt)
    }
    job?.current = take.revision.number
    let latest = max(job?.latest ?? 0, take.revision.number)
    job?.latest = latest
    job?.revisions[take.revision.number] = take.revision
    for slot in take.slots { job?.slots[slot.key] = slot }
    job?.outputs += take.outputs
    job?.stamp = take.stamp
    job?.note = nil
    job?.inputsChanged = false
    return true
  }
}
