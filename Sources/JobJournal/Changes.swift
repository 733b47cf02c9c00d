import JobCore

// Guarded changes, each in whole or not at all: every guard is checked before the first write of its change.
extension Store {
  func apply(_ change: JournalChange) throws -> ChangeResult {
    switch change {
    case .take(let take): try self.take(take)
    case .move(let slot, let from, let outputs): try move(slot, from: from, outputs)
    case .makeCurrent(let job, let revision, let expected, let count, let slots, let stamp):
      try makeCurrent(job, revision, expected: expected, count: count, slots, stamp)
    case .note(let job, let file, let note, let stamp, let at): try self.note(job, file, note, stamp, at)
    case .seen(let job, let stamp, let inputsChanged): try seen(job, stamp, inputsChanged)
    case .refresh(let job, let revision): try refresh(job, revision)
    case .forget(let job): try forget(job)
    case .outputs(let outputs): try write(outputs)
    case .renamed(let job, let from, let to, let displaced): try rename(job, from: from, to: to, displaced)
    case .arrived(let job):
      try done(
        connection.changed("UPDATE job SET former_root = NULL, former_path = NULL WHERE uuid = ?", .id(job)))
    case .renamedFolder(let from, let to): try renameFolder(from, to: to)
    case .shared(let root, let owner):
      try done(connection.changed("UPDATE root SET shared = ? WHERE id = ?", .text(owner), .integer(root.number)))
    case .surplus(let slot): try surplus(slot)
    case .charge(let charge): try enter(charge, isReported: false)
    case .chargeReported(let charge): try enter(charge, isReported: true)
    case .release(let attemptID): try release(charge: attemptID)
    case .expectCallback(let target): try expect(target)
    case .evidence(let evidence): try enter(evidence)
    case .weighed(let evidence):
      try done(
        connection.changed(
          "UPDATE evidence SET weighed = 1 WHERE secret_sha = ? AND task_id = ?", .hash(evidence.secretSHA),
          .text(evidence.taskID)))
    case .clockSet(let jump, let moment):
      try reschedule(
        try connection.all(
          "SELECT DISTINCT job FROM open_slot WHERE state = 0 AND due_at > ?", .integer(moment.milliseconds)
        ) {
          $0.integer(0)
        }
      ) { slot in
        guard slot.due > moment.milliseconds else { return false }
        slot.due = slot.due &+ jump.milliseconds
        return true
      }
    case .undelay(let code, let moment, let now):
      try reschedule(
        try connection.all(
          "SELECT DISTINCT job FROM open_slot WHERE state = 0 AND (due_at > ? OR code = ?)",
          .integer(moment.milliseconds), .text(code.rawValue)
        ) { $0.integer(0) }
      ) { slot in
        guard slot.due > moment.milliseconds || slot.slot.state.error?.code == code else { return false }
        slot.due = min(slot.due, slot.changed, now.milliseconds)
        return true
      }
    case .announced(let change, let events): try announce(change, events)
    case .delivered(let events): try deliver(events)
    }
  }

  func done(_ isDone: Bool) -> ChangeResult { isDone ? .applied : .stale }

  private func take(_ take: JournalChange.Take) throws -> ChangeResult {
    guard let expected = take.expected else { return try takeNew(take) }
    guard let known = try record(at: take.file), known.id == take.job, known.current == expected,
      known.revision(take.revision.number) == nil
    else { return .stale }
    var record = known
    try put(take, into: &record)
    try rewrite(record, from: known)
    for slot in take.slots { wrote(slot) }
    // Where its slot begins at once, that is in the same transaction.
    held.hold(record)
    held.letGoAtEnd(record.id)
    return .applied
  }

  // A file that has no job yet. Most have a short text: that neither the file nor the job is known is then found out by the
  // insertion itself.
  private func takeNew(_ take: JournalChange.Take) throws -> ChangeResult {
    if take.revision.isLong { guard try !has(take.file), try !has(take.job) else { return .stale } }
    var record = JobRecord(id: take.job, file: take.file, createdAt: take.revision.takenAt)
    try put(take, into: &record)
    guard let traces = try insert(&record) else { return .stale }
    for slot in take.slots { wrote(slot) }
    if record.state == .queued { held.holdTaken(record, traces) }
    return .applied
  }

  private func put(_ take: JournalChange.Take, into record: inout JobRecord) throws {
    var slots = take.slots.map { SlotRecord($0, seen: take.seenAt.milliseconds) }
    if slots.count > 1 { slots.sort { $0.slot.key.number < $1.slot.key.number } }
    record.revisions.append(try kept(take.revision, slots: slots))
    if record.revisions.count > 1 { record.revisions.sort { $0.number < $1.number } }
    record.current = take.revision.number
    record.stamp = take.stamp
    (record.note, record.inputsChanged) = (nil, false)
    for output in take.outputs where output.slot.job == take.job { record.put(output) }
  }

  private func move(_ slot: Slot, from: StateName, _ outputs: [Output]) throws -> ChangeResult {
    guard let held = try hold(slot.key.job), let place = held.record.place(of: slot.key),
      held.record.revisions[place.revision].slots[place.slot].slot.state.name == from
    else { return .stale }
    // From one step to the next other tables have the same of it, unless its task is new.
    let before = held.record.revisions[place.revision].slots[place.slot].slot
    let isStep = before.state.name.isUnderWay && slot.state.name.isUnderWay && before.taskID == slot.taskID
    try change(held, keepsTraces: isStep) { record in
      record.revisions[place.revision].slots[place.slot].move(to: slot)
      for output in outputs where output.slot.job == record.id { record.put(output) }
    }
    wrote(slot)
    return .applied
  }

  private func seen(_ job: JobID, _ stamp: TakenStamp, _ inputsChanged: Bool) throws -> ChangeResult {
    held.forget(job)
    return done(
      try connection.changed(
        "UPDATE job SET stamp = ?, inputs_changed = ? WHERE uuid = ?", .bytes(stamp.packed),
        .number(inputsChanged ? 1 : 0), .id(job)))
  }

  private func forget(_ job: JobID) throws -> ChangeResult {
    held.forget(job)
    return done(try connection.changed("DELETE FROM job WHERE uuid = ? AND current = 0", .id(job)))
  }

  private func makeCurrent(
    _ job: JobID, _ number: Int, expected: Int, count: Int, _ slots: [Slot], _ stamp: TakenStamp?
  ) throws -> ChangeResult {
    guard let old = try record(job), old.current == expected,
      let place = old.revisions.firstIndex(where: { $0.number == number })
    else { return .stale }
    // A slot that the journal has is not made anew.
    guard slots.allSatisfy({ $0.key.job == job && old.slot($0.key) == nil }) else { return .stale }
    var record = old
    record.current = number
    record.stamp = stamp
    (record.note, record.inputsChanged) = (nil, false)
    record.revisions[place].revision.count = max(record.revisions[place].revision.count, count)
    let taken = record.revisions[place].takenAt.milliseconds
    for slot in slots {
      record.add(SlotRecord(slot, seen: taken))
      wrote(slot)
    }
    try rewrite(record, from: old)
    return .applied
  }

  /// One rule says what may be frozen anew, here and in the core: `Slot.isUnsent`.
  private func refresh(_ job: JobID, _ revision: Revision) throws -> ChangeResult {
    guard let old = try record(job), let place = old.revisions.firstIndex(where: { $0.number == revision.number })
    else { return .stale }
    let known = old.revisions[place]
    guard known.hasNoText || known.slots.allSatisfy(\.slot.isUnsent) else { return .stale }
    var fresh = revision
    // Only what is sent is another.
    fresh.identity = known.identity
    fresh.identity.request = revision.identity.request
    let kept = try self.kept(fresh, slots: known.slots)
    try release(known.text)
    var record = old
    record.revisions[place].revision.identity = kept.identity
    record.revisions[place].revision.snapshot = kept.revision.snapshot
    record.revisions[place].text = kept.text
    try update(record, from: old)
    return .applied
  }

  private func note(
    _ job: JobID, _ file: FileKey, _ note: FileNote?, _ stamp: TakenStamp?, _ at: Timestamp
  ) throws -> ChangeResult {
    guard let old = try record(job) else {
      guard note != nil else { return .stale }
      var record = JobRecord(id: job, file: file, createdAt: at)
      (record.note, record.stamp) = (note, stamp)
      return done(try insert(&record) != nil)
    }
    var record = old
    (record.note, record.stamp) = (note, stamp)
    try rewrite(record, from: old)
    return .applied
  }

  private func write(_ outputs: [Output]) throws -> ChangeResult {
    var jobs: [JobID] = []
    for output in outputs where !jobs.contains(output.slot.job) { jobs.append(output.slot.job) }
    for job in jobs {
      guard let held = try hold(job) else { continue }
      try change(held, keepsTraces: true) { record in
        for output in outputs where output.slot.job == job { record.put(output) }
      }
    }
    return .applied
  }

  private func surplus(_ slot: Slot) throws -> ChangeResult {
    if let task = slot.taskID, try !slots(task: task).isEmpty { return .stale }
    guard let old = try record(slot.key.job), old.revision(slot.key.revision) != nil, old.slot(slot.key) == nil else {
      return .stale
    }
    var record = old
    record.add(SlotRecord(slot, seen: slot.changedAt ?? 0))
    wrote(slot)
    try update(record, from: old)
    return .applied
  }

  // Other times for queued slots of these jobs; `change` says whether it is a slot that is meant.
  private func reschedule(_ rows: [Int64], _ change: (inout SlotRecord) -> Bool) throws -> ChangeResult {
    var result = ChangeResult.stale
    for row in rows {
      let old = try record(row: row)
      var record = old
      var isMeant = false
      for slot in old.slots where slot.slot.state.name == .queued {
        record.change(slot.slot.key) { if change(&$0) { isMeant = true } }
      }
      guard isMeant else { continue }
      try update(record, from: old)
      result = .applied
    }
    return result
  }
}
