/// A reference image, as the user listed it.
public struct ImageInput: Hashable, Codable, Sendable {
  /// An http(s) URL, passed on as it is; nil for a local file.
  public var url: String?
  /// A local file's path below the root, percent-escaped where it is not UTF-8; nil for a URL.
  public var path: String?
  /// SHA-256 of a local file's bytes when it was taken, hexadecimal.
  public var sha256: String?
  /// A local file's size in bytes when it was taken.
  public var bytes: Int?

  /// A URL.
  public init(url: String) { self.url = url }
  /// A local file below the root.
  public init(path: String, sha256: String, bytes: Int) {
    self.path = path
    self.sha256 = sha256
    self.bytes = bytes
  }
}

/// Everything that a submission sends, frozen when the revision was taken: later changes of defaults, flags or
/// reference files do not alter it.
public struct Snapshot: Hashable, Codable, Sendable {
  /// The prompt's text, normalised.
  public var prompt: String
  /// The model.
  public var model: String
  /// The reference images, in the user's order; 4 at most.
  public var images: [ImageInput]
  /// `1:1`, `16:9`, …
  public var aspectRatio: String?
  /// `1k`, `2k`, `4k`
  public var imageSize: String?
  /// Further fields for the service, as they are.
  public var extra: [String: JSONValue]
  /// `owner` of the folder's defaults.
  public var owner: String?

  /// Makes a snapshot.
  public init(
    prompt: String, model: String, images: [ImageInput] = [], aspectRatio: String? = nil, imageSize: String? = nil,
    extra: [String: JSONValue] = [:], owner: String? = nil
  ) {
    self.prompt = prompt
    self.model = model
    self.images = images
    self.aspectRatio = aspectRatio
    self.imageSize = imageSize
    self.extra = extra
    self.owner = owner
  }
}

extension Snapshot {
  /// The size that is asked for, wherever it stands: what a picture costs and how long it takes depend on it.
  public var sentSize: String? {
    if let imageSize { return imageSize }
    guard case .string(let size)? = extra["image_size"] else { return nil }
    return size.lowercased()
  }
}

/// The hashes that say what a revision is. SHA-256, hexadecimal.
public struct Identity: Hashable, Sendable {
  /// Of the prompt's text alone, normalised.
  public var prompt: String
  /// Of the text and the front matter that makes a difference to the picture. With `list`, what starts a submission.
  public var source: String
  /// Of the image list; nil where there is none.
  public var list: String?
  /// Of what is sent, without callback and count, local images by their hash.
  public var request: String

  /// Makes an identity.
  public init(prompt: String, source: String, list: String?, request: String) {
    self.prompt = prompt
    self.source = source
    self.list = list
    self.request = request
  }

  /// Whether a file with this identity asks for anything that `earlier` did not: other text or front matter, a list
  /// that changed or appeared. A list that vanished asks for nothing.
  public func asksForMore(than earlier: Identity) -> Bool {
    source != earlier.source || (list != nil && list != earlier.list)
  }
}

/// One thing that the user asked for: a text with its list. A file's history is a row of them.
public struct Revision: Hashable, Sendable {
  @usableFromInline
  struct Fields: Hashable, Sendable {
    @usableFromInline var number: Int
    @usableFromInline var identity: Identity
    @usableFromInline var snapshot: Snapshot
    @usableFromInline var count: Int
    @usableFromInline var takenAt: Timestamp

    @inlinable
    init(_ number: Int, _ identity: Identity, _ snapshot: Snapshot, _ count: Int, _ takenAt: Timestamp) {
      (self.number, self.identity, self.snapshot, self.count, self.takenAt) =
        (number, identity, snapshot, count, takenAt)
    }
  }

  @usableFromInline var box: Boxed<Fields>

  /// From 1.
  @inlinable public var number: Int {
    get { box.value.number }
    set { box.value.number = newValue }
  }
  /// What it is.
  @inlinable public var identity: Identity {
    _read { yield box.value.identity }
    _modify { yield &box.value.identity }
  }
  /// What is sent.
  @inlinable public var snapshot: Snapshot {
    _read { yield box.value.snapshot }
    _modify { yield &box.value.snapshot }
  }
  /// How many pictures.
  @inlinable public var count: Int {
    get { box.value.count }
    set { box.value.count = newValue }
  }
  /// When it was taken.
  @inlinable public var takenAt: Timestamp {
    get { box.value.takenAt }
    set { box.value.takenAt = newValue }
  }

  /// Makes a revision.
  @inlinable
  public init(number: Int, identity: Identity, snapshot: Snapshot, count: Int, takenAt: Timestamp) {
    box = Boxed(Fields(number, identity, snapshot, count, takenAt))
  }
}

/// A picture that promptdrop put into the folder, is about to, or keeps for it.
public struct Output: Hashable, Sendable {
  /// The slot that paid for it.
  public var slot: SlotKey
  /// Which of the slot's pictures, from 1: a task may return several.
  public var part: Int
  /// Which picture of the file, from 1: `-2` is the second.
  public var number: Int
  /// Its name, in the prompt's folder.
  public var file: [UInt8]
  /// SHA-256 of its bytes, hexadecimal. A file is ours only while its bytes still have it.
  public var sha256: String
  /// Its size in bytes.
  public var bytes: Int
  /// What it is.
  public var image: ImageInfo
  /// The temporary name that it waits under; nil once it is in place.
  public var temporary: [UInt8]?
  /// Its name in the state folder, where it is kept while its prompt's folder is not there; nil otherwise.
  public var kept: [UInt8]?
  /// What is wrong with it, for people; nil for a whole picture.
  public var warning: String?

  /// Whether it is in the prompt's folder, under its final name.
  public var isInPlace: Bool { temporary == nil && kept == nil }

  /// Makes an output.
  public init(
    slot: SlotKey, part: Int, number: Int, file: [UInt8], sha256: String, bytes: Int, image: ImageInfo,
    temporary: [UInt8]?, kept: [UInt8]? = nil, warning: String? = nil
  ) {
    self.slot = slot
    self.part = part
    self.number = number
    self.file = file
    self.sha256 = sha256
    self.bytes = bytes
    self.image = image
    self.temporary = temporary
    self.kept = kept
    self.warning = warning
  }
}

/// A file's job with its current revision: what the agent has in hand while it works on it.
public struct Job: Hashable, Sendable {
  /// Its id.
  public var id: JobID
  /// Its prompt file.
  public var file: FileKey
  /// The revision that the file asks for now; 0 while nothing was taken.
  public var current: Int
  /// The highest revision number ever given out.
  public var latest: Int
  /// The file as it was last read; nil when it has to be read again.
  public var stamp: TakenStamp?
  /// The revisions in hand: the current one and those with a slot under way.
  public var revisions: [Int: Revision]
  /// Their slots.
  public var slots: [SlotKey: Slot]
  /// Every picture ever put in place for the file, of all revisions.
  public var outputs: [Output]
  /// Set while the file as it stands cannot be taken: it waits for something, or it is wrong.
  public var note: FileNote?
  /// When the file was first seen.
  public var createdAt: Timestamp
  /// Whether a reference file or a default has changed since the revision was taken.
  public var inputsChanged: Bool

  /// Makes a job.
  public init(
    id: JobID, file: FileKey, current: Int, latest: Int, stamp: TakenStamp?, revisions: [Int: Revision],
    slots: [SlotKey: Slot], outputs: [Output],
    note: FileNote? = nil, createdAt: Timestamp, inputsChanged: Bool = false
  ) {
    self.id = id
    self.file = file
    self.current = current
    self.latest = latest
    self.stamp = stamp
    self.revisions = revisions
    self.slots = slots
    self.outputs = outputs
    self.note = note
    self.createdAt = createdAt
    self.inputsChanged = inputsChanged
  }

  /// The slots of the current revision, in order; surplus ones come last.
  public var currentSlots: [Slot] {
    if let onlySlot { return [onlySlot] }
    guard let revision = revisions[current] else { return [] }
    let wanted = (1...max(1, revision.count)).compactMap { slots[SlotKey(job: id, revision: current, number: $0)] }
    let surplus = slots.values.filter { $0.key.revision == current && $0.key.isSurplus }
    return surplus.isEmpty ? wanted : wanted + surplus.sorted { $0.key.number < $1.key.number }
  }

  // Most files ask for one picture, once: the slot of the current revision, where that is all that there is.
  private var onlySlot: Slot? {
    guard slots.count == 1, let (key, slot) = slots.first, key.revision == current, key.number == 1,
      revisions[current] != nil
    else { return nil }
    return slot
  }

  /// Whether one picture may have cost twice: a second task turned up, or one was submitted again in doubt.
  public var mayHaveBeenPaidTwice: Bool {
    slots.values.contains { slot in
      slot.key.isSurplus || slot.attempts.count { $0.outcome == .accepted || $0.outcome == .unknown } > 1
    }
  }

  /// The file's state: its note's, else folded from its slots.
  public var state: StateName {
    if let note { return note.state }
    if let onlySlot { return onlySlot.state.name }
    return Job.fold(currentSlots.map { ($0.key.number, $0.state.name) })
  }

  /// The same for slots with their numbers: a second task that came to nothing takes nothing from the picture that was
  /// asked for.
  public static func fold(_ slots: [(number: Int, state: StateName)]) -> StateName {
    fold(slots.filter { $0.number <= SlotKey.surplusBase || ![.failed, .cancelled].contains($0.state) }.map(\.state))
  }

  /// Folds the states of a revision's slots into the file's: the one furthest under way while any is; then what needs
  /// the user.
  public static func fold(_ states: [StateName]) -> StateName {
    for state in [StateName.submitting, .fetching, .submitted, .queued, .held, .failed] where states.contains(state) {
      return state
    }
    return states.contains(.done) ? .done : .cancelled
  }

  /// Credits used by the current revision: the service's string for one picture, the exact sum for several.
  public var consumed: String? { DecimalText.sum(currentSlots.compactMap(\.consumed)) }
}
