import JobCore
import TestKit

/// The contract in memory, as plainly as it can be written.
struct JournalModel {
  struct Entry {
    var file: FileKey
    var current = 0
    var stamp: TakenStamp?
    var note: FileNote?
    var inputsChanged = false
    var createdAt: Timestamp
    var revisions: [Int: Revision] = [:]
    var slots: [SlotKey: Slot] = [:]
    var times: [SlotKey: Times] = [:]
    var outputs: [OutputKey: Output] = [:]

    var currentSlots: [Slot] { slots.values.filter { $0.key.revision == current } }
    var state: StateName { note?.state ?? Job.fold(currentSlots.map { ($0.key.number, $0.state.name) }) }
  }
  /// When a slot may begin, and when its last attempt began or ended: what the order of the queue goes by.
  struct Times {
    var due: Timestamp
    var changed: Timestamp
  }
  struct OutputKey: Hashable {
    var slot: SlotKey
    var part: Int
  }
  var jobs: [JobID: Entry] = [:]
  var bill: [String: Charge] = [:]
  var prices: [PriceKey: Credits] = [:]
  var callbacks: [String: CallbackTarget] = [:]
  // Whether each has been weighed; what came twice is what came first.
  var evidence: [EvidenceKey: (evidence: Evidence, isWeighed: Bool)] = [:]
  struct EvidenceKey: Hashable {
    var secretSHA: String
    var taskID: String
  }
  // By their number; none is given twice.
  var events: [Int64: OutboxEvent] = [:]
  var lastEvent: Int64 = 0

  func job(at file: FileKey) -> JobID? { jobs.first { $0.value.file == file }?.key }

  mutating func apply(_ change: JournalChange) -> ChangeResult {
    switch change {
    case .take(let take): return self.take(take)
    case .move(let slot, let from, let outputs):
      guard jobs[slot.key.job]?.slots[slot.key]?.state.name == from else { return .stale }
      jobs[slot.key.job]?.move(slot)
      put(outputs)
    case .makeCurrent(let job, let revision, let expected, let count, let newSlots, let stamp):
      guard var entry = jobs[job], entry.current == expected, var wanted = entry.revisions[revision]
      else { return .stale }
      wanted.count = max(wanted.count, count)
      entry.revisions[revision] = wanted
      entry.current = revision
      entry.stamp = stamp
      entry.note = nil
      entry.inputsChanged = false
      for slot in newSlots { entry.add(slot, at: wanted.takenAt) }
      jobs[job] = entry
    case .note(let job, let file, let note, let stamp, let at):
      if jobs[job] == nil {
        guard self.job(at: file) == nil else { return .stale }
        jobs[job] = Entry(file: file, createdAt: at)
      }
      jobs[job]?.note = note
      jobs[job]?.stamp = stamp
    case .seen(let job, let stamp, let inputsChanged):
      guard jobs[job] != nil else { return .stale }
      jobs[job]?.stamp = stamp
      jobs[job]?.inputsChanged = inputsChanged
    case .forget(let job):
      guard let entry = jobs[job], entry.revisions.isEmpty else { return .stale }
      jobs[job] = nil
    case .refresh(let job, let revision):
      guard let entry = jobs[job], var old = entry.revisions[revision.number] else { return .stale }
      let slots = entry.slots.values.filter { $0.key.revision == revision.number }
      guard slots.allSatisfy(\.isUnsent) else { return .stale }
      old.snapshot = revision.snapshot
      old.identity.request = revision.identity.request
      jobs[job]?.revisions[revision.number] = old
    case .outputs(let outputs): put(outputs)
    case .renamed(let job, let from, let to, let displaced):
      guard let entry = jobs[job], entry.file == from else { return .stale }
      if let occupant = self.job(at: to) {
        guard let displaced, occupant != job, self.job(at: displaced) == nil else { return .stale }
        if jobs[occupant]?.current == 0 { jobs[occupant] = nil } else { jobs[occupant]?.file = displaced }
      }
      jobs[job]?.file = to
    case .arrived(let job): return jobs[job] == nil ? .stale : .applied
    case .renamedFolder(let from, let to): return renameFolder(from, to)
    case .shared: break  // What roots are like is no job's business; see `QueryTests`.
    case .surplus(let slot):
      let task = slot.followedTask
      guard let entry = jobs[slot.key.job], entry.revisions[slot.key.revision] != nil, entry.slots[slot.key] == nil,
        task.map({ slots(task: $0).isEmpty }) ?? true
      else { return .stale }
      jobs[slot.key.job]?.add(slot, at: slot.lastChange ?? Timestamp(milliseconds: 0))
    case .charge(let charge):
      bill[charge.attemptID, default: charge].consumed = charge.consumed ?? bill[charge.attemptID]?.consumed
      if let amount = charge.consumed.flatMap(Credits.init) {
        prices[charge.kind] = max(amount, prices[charge.kind] ?? .zero)
      }
    case .chargeReported(let charge): if bill[charge.attemptID] == nil { bill[charge.attemptID] = charge }
    case .release(let attemptID): return bill.removeValue(forKey: attemptID) == nil ? .stale : .applied
    case .expectCallback(let target): if callbacks[target.secretSHA] == nil { callbacks[target.secretSHA] = target }
    case .evidence(let new):
      let key = EvidenceKey(secretSHA: new.secretSHA, taskID: new.taskID)
      guard evidence[key] == nil else { return .stale }
      evidence[key] = (new, false)
    case .weighed(let old):
      let key = EvidenceKey(secretSHA: old.secretSHA, taskID: old.taskID)
      guard evidence[key] != nil else { return .stale }
      evidence[key]?.isWeighed = true
    case .clockSet(let jump, let moment):
      return reschedule({ _, times in times.due > moment }, { $0.due + jump })
    case .announced(let change, let new):
      guard apply(change) == .applied else { return .stale }
      for event in new {
        lastEvent += 1
        events[lastEvent] = event
      }
    case .delivered(let ids):
      let known = ids.filter { events.removeValue(forKey: $0) != nil }
      return known.isEmpty ? .stale : .applied
    case .undelay(let code, let moment, let now):
      return reschedule(
        { slot, times in times.due > moment || slot.state.error?.code == code }, { min($0.due, $0.changed, now) })
    }
    return .applied
  }

  private mutating func renameFolder(_ from: FileKey, _ to: FileKey) -> ChangeResult {
    guard from != to else { return .stale }
    var result = ChangeResult.stale
    for (id, entry) in jobs
    where entry.file.root == from.root && entry.file.path.isBelowOrEqual(from.path) && entry.file.path != from.path {
      let rest = entry.file.path.bytes.dropFirst(from.path.bytes.count)
      let moved = FileKey(root: to.root, path: DropPath(bytes: to.path.bytes + rest))
      guard job(at: moved) == nil else { continue }
      jobs[id]?.file = moved
      result = .applied
    }
    return result
  }

  private mutating func reschedule(_ isMeant: (Slot, Times) -> Bool, _ due: (Times) -> Timestamp) -> ChangeResult {
    var result = ChangeResult.stale
    for (id, entry) in jobs {
      for slot in entry.slots.values where slot.state.name == .queued {
        guard let times = entry.times[slot.key], isMeant(slot, times) else { continue }
        jobs[id]?.times[slot.key]?.due = due(times)
        result = .applied
      }
    }
    return result
  }

  private mutating func take(_ take: JournalChange.Take) -> ChangeResult {
    let known = job(at: take.file)
    guard known == nil || known == take.job else { return .stale }
    guard known.flatMap({ jobs[$0]?.current }) == take.expected else { return .stale }
    guard jobs[take.job]?.revisions[take.revision.number] == nil else { return .stale }
    var entry = jobs[take.job] ?? Entry(file: take.file, createdAt: take.revision.takenAt)
    entry.current = take.revision.number
    entry.stamp = take.stamp
    entry.note = nil
    entry.inputsChanged = false
    entry.revisions[take.revision.number] = take.revision
    for slot in take.slots { entry.add(slot, at: take.revision.takenAt) }
    jobs[take.job] = entry
    put(take.outputs)
    return .applied
  }

  private mutating func put(_ outputs: [Output]) {
    for output in outputs {
      jobs[output.slot.job]?.outputs[OutputKey(slot: output.slot, part: output.part)] = output
    }
  }

  // MARK: what is asked

  func known(_ file: FileKey) -> KnownFile? {
    guard let id = job(at: file), let entry = jobs[id] else { return nil }
    return KnownFile(job: id, state: entry.state, current: entry.current, stamp: entry.stamp, note: entry.note)
  }

  /// The job as the journal hands it out; outputs in the order of their slots and parts.
  func job(_ id: JobID) -> Job? {
    guard let entry = jobs[id] else { return nil }
    let slots = entry.slots.filter { $0.key.revision == entry.current || $0.value.isOpen }
    let wanted = Set(slots.keys.map(\.revision) + [entry.current])
    return Job(
      id: id, file: entry.file, current: entry.current, latest: entry.revisions.keys.max() ?? 0, stamp: entry.stamp,
      revisions: entry.revisions.filter { wanted.contains($0.key) }, slots: slots,
      outputs: entry.outputs.values.inOrder, note: entry.note, createdAt: entry.createdAt,
      inputsChanged: entry.inputsChanged)
  }

  func slots(in roots: [RootID], where isWanted: (Slot) -> Bool) -> [Slot] {
    jobs.values.filter { roots.contains($0.file.root) }.flatMap { $0.slots.values.filter(isWanted) }
  }

  /// The slots that follow this task, or did last.
  func slots(task: String) -> [SlotKey] {
    jobs.values.flatMap { $0.slots.values }.filter { $0.followedTask == task }.map(\.key)
  }

  /// Queued slots with the time that they may begin at.
  func queue(_ roots: [RootID]) -> [SlotKey: Timestamp] {
    var queue: [SlotKey: Timestamp] = [:]
    for slot in slots(in: roots, where: { $0.state.name == .queued }) {
      queue[slot.key] = jobs[slot.key.job]?.times[slot.key]?.due
    }
    return queue
  }

  func census(_ roots: [RootID]) -> [StateName: Int] {
    jobs.values.filter { roots.contains($0.file.root) }.reduce(into: [:]) { $0[$1.state, default: 0] += 1 }
  }
}

extension JournalModel.Entry {
  mutating func add(_ slot: Slot, at moment: Timestamp) {
    slots[slot.key] = slot
    times[slot.key] = JournalModel.Times(due: slot.notBefore ?? moment, changed: slot.lastChange ?? moment)
  }

  /// A slot without a time of its own keeps its place in the queue: since when it waits.
  mutating func move(_ slot: Slot) {
    guard let old = times[slot.key] else { return }
    slots[slot.key] = slot
    times[slot.key] = JournalModel.Times(
      due: slot.notBefore ?? min(old.due, old.changed),
      changed: slot.lastChange.map { max($0, old.changed) } ?? old.changed)
  }
}

extension Slot {
  var followedTask: String? { state.task?.taskID ?? attempts.last { $0.taskID != nil }?.taskID }

  var lastChange: Timestamp? { attempts.last.map { $0.endedAt ?? $0.startedAt } }

  var notBefore: Timestamp? {
    switch state {
    case .queued(let queued): queued.notBefore
    case .fetching(let fetching): fetching.notBefore
    default: nil
    }
  }

  var isUnsent: Bool {
    switch state {
    case .queued: true
    case .held(let held): held.reason.isBeforeSending
    default: false
    }
  }

  var isOpen: Bool { ![.done, .failed, .cancelled].contains(state.name) }
}

extension Collection where Element == Output {
  var inOrder: [Output] {
    sorted { a, b in
      (a.slot.revision, a.slot.number, a.part) < (b.slot.revision, b.slot.number, b.part)
    }
  }
}
