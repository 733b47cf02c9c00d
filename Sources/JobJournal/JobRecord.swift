import JobCore

/// A file with all that the journal knows of it: one row. Revisions by their number, slots by theirs.
struct JobRecord {
  /// The row's number; 0 while there is none.
  var row: Int64 = 0
  let id: JobID
  var file: FileKey
  /// The revision that the file asks for; 0 while nothing was taken.
  var current = 0
  var stamp: TakenStamp?
  var inputsChanged = false
  var note: FileNote?
  var createdAt: Timestamp
  var revisions: [RevisionRecord] = []
  var outputs: [Output] = []

  /// What the user sees: the note's state, else folded from the current revision's slots.
  var state: StateName {
    if let note { return note.state }
    guard let place = revisions.firstIndex(where: { $0.number == current }) else { return Job.fold([StateName]()) }
    // Most prompts ask for one picture.
    if revisions[place].slots.count == 1, !revisions[place].slots[0].slot.key.isSurplus {
      return revisions[place].slots[0].slot.state.name
    }
    return Job.fold(revisions[place].slots.map { ($0.slot.key.number, $0.slot.state.name) })
  }

  /// The highest revision number ever given out.
  var latest: Int { revisions.last?.number ?? 0 }

  /// Every slot of every revision.
  var slots: some Sequence<SlotRecord> { revisions.lazy.flatMap(\.slots) }

  func revision(_ number: Int) -> RevisionRecord? { revisions.first { $0.number == number } }
  func slot(_ key: SlotKey) -> SlotRecord? { revision(key.revision)?.slots.first { $0.slot.key == key } }

  /// What finds the job by its current revision's source; nil where nothing was taken.
  var source: Int64? { revision(current).map { Self.key($0.identity.source) } }

  /// Whether it has pictures that are kept elsewhere, or wait under a temporary name although no slot is open: nothing else
  /// would find these.
  var isLoose: Bool {
    if outputs.isEmpty { return false }
    return outputs.contains { $0.kept != nil } || (outputs.contains { $0.temporary != nil } && !hasOpenSlots)
  }

  private var hasOpenSlots: Bool { revisions.contains { $0.slots.contains { $0.isOpen } } }

  /// Whether a slot was begun and is not over.
  var isUnderWay: Bool { revisions.contains { $0.slots.contains { $0.isOpen && $0.slot.state.name != .queued } } }

  /// 48 bits of a text's checksum, by which a table finds it; whether it is the same is seen in the row.
  static func key(_ text: String) -> Int64 {
    var checksum = Checksum()
    checksum.add(text)
    return (checksum.key >> 16) & 0xFFFF_FFFF_FFFF
  }

  /// Where a slot of this job stands; nil where it has no such slot.
  func place(of key: SlotKey) -> (revision: Int, slot: Int)? {
    guard let revision = revisions.firstIndex(where: { $0.number == key.revision }),
      let slot = revisions[revision].slots.firstIndex(where: { $0.slot.key.number == key.number })
    else { return nil }
    return (revision, slot)
  }

  /// Changes a slot that is there.
  mutating func change(_ key: SlotKey, _ body: (inout SlotRecord) -> Void) {
    guard let place = revisions.firstIndex(where: { $0.number == key.revision }),
      let index = revisions[place].slots.firstIndex(where: { $0.slot.key == key })
    else { return }
    body(&revisions[place].slots[index])
  }

  /// Adds a slot to a revision that is there.
  mutating func add(_ slot: SlotRecord) {
    guard let place = revisions.firstIndex(where: { $0.number == slot.slot.key.revision }) else { return }
    revisions[place].slots.append(slot)
    revisions[place].slots.sort { $0.slot.key.number < $1.slot.key.number }
  }

  /// Puts a picture down, in the place of the same part of the same slot.
  mutating func put(_ output: Output) {
    if let index = outputs.firstIndex(where: { $0.slot == output.slot && $0.part == output.part }) {
      outputs[index] = output
    } else {
      outputs.append(output)
    }
  }
}

/// A revision with its slots. The revision's and the slots' boxes are those that the agent has, not copies.
struct RevisionRecord {
  /// Where its prompt's text stands.
  enum Text {
    /// In the snapshot.
    case inside
    /// In the table of long texts; the snapshot's is empty.
    case stored(Int64)
  }
  var revision: Revision
  var text: Text
  var slots: [SlotRecord]

  var number: Int { revision.number }
  var takenAt: Timestamp { revision.takenAt }
  var identity: Identity { _read { yield revision.identity } }

  /// Whether there is no text that could be sent: it was forgotten, or only believed of a sidecar.
  var hasNoText: Bool { if case .inside = text { revision.snapshot.prompt.isEmpty } else { false } }
}

/// A slot with its place in the queue.
struct SlotRecord {
  var slot: Slot
  /// It begins no earlier, in milliseconds since 1970.
  var due: Int64
  /// When its last attempt began or ended, in milliseconds since 1970.
  var changed: Int64
  /// When its file was first seen like this, in milliseconds since 1970: among equals, that goes first.
  var seen: Int64

  /// A new one, whose place in the queue is that of a file seen at `seen`.
  init(_ slot: Slot, seen: Int64) {
    self.slot = slot.asWritten
    self.seen = seen
    due = slot.dueAt ?? seen
    changed = slot.changedAt ?? seen
  }

  init(_ slot: Slot, due: Int64, changed: Int64, seen: Int64) {
    (self.slot, self.due, self.changed, self.seen) = (slot, due, changed, seen)
  }

  /// It moved on: without a time of its own it keeps its place in the queue, since when it waits.
  mutating func move(to next: Slot) {
    due = next.dueAt ?? min(due, changed)
    changed = max(changed, next.changedAt ?? 0)
    slot = next.asWritten
  }

  /// Whether its row in `open_slot` is there: while anything may still become of it by itself or by a person's word.
  var isOpen: Bool { !slot.state.name.isFinal }
}

extension StateName {
  /// Whether a slot in this state is looked for by nobody.
  var isFinal: Bool {
    switch self {
    case .done, .failed, .cancelled: true
    case .queued, .submitting, .submitted, .fetching, .held: false
    }
  }

  /// Whether a slot in this state was begun and is not over.
  var isUnderWay: Bool {
    switch self {
    case .submitting, .submitted, .fetching: true
    case .queued, .done, .failed, .held, .cancelled: false
    }
  }

  /// Its number in the tables: never changed.
  var number: UInt8 {
    switch self {
    case .queued: 0
    case .submitting: 1
    case .submitted: 2
    case .fetching: 3
    case .done: 4
    case .failed: 5
    case .held: 6
    case .cancelled: 7
    }
  }

  private static let byNumber: [StateName] = [
    .queued, .submitting, .submitted, .fetching, .done, .failed, .held, .cancelled,
  ]

  init?(number: Int64) {
    guard let index = Int(exactly: number), Self.byNumber.indices.contains(index) else { return nil }
    self = Self.byNumber[index]
  }
}

extension Slot {
  /// The slot as it is read again: an inline image can have megabytes, and is not kept.
  var asWritten: Slot {
    guard case .fetching(var fetching) = state, fetching.results.contains(where: \.isInline) else { return self }
    fetching.results = fetching.results.map { $0.isInline ? .inlineElsewhere : $0 }
    var slot = self
    slot.state = .fetching(fetching)
    return slot
  }

  /// Not before, in milliseconds since 1970; nil: whenever its turn comes.
  var dueAt: Int64? {
    switch state {
    case .queued(let queued): queued.notBefore?.milliseconds
    case .fetching(let fetching): fetching.notBefore?.milliseconds
    case .held, .submitted: state.nextLateTry?.milliseconds
    default: nil
    }
  }

  /// When the last attempt began or ended, in milliseconds since 1970.
  var changedAt: Int64? {
    guard let last = attempts.indices.last else { return nil }
    return (attempts[last].endedAt ?? attempts[last].startedAt).milliseconds
  }

  /// The task that the slot follows, or followed last.
  var taskID: String? {
    if let task = state.task { return task.taskID }
    return attempts.indices.last { attempts[$0].taskID != nil }.flatMap { attempts[$0].taskID }
  }
}

extension ResultItem {
  fileprivate var isInline: Bool { if case .inline = self { true } else { false } }
}
