/// What the file system says of a file: enough to know that it is *unchanged since it was read*, never that its content
/// has changed.
public struct FileStamp: Hashable, Codable, Sendable {
  /// Device, inode, size in bytes, modification and change time in nanoseconds since the epoch.
  public var device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64

  /// Makes a stamp.
  public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
  }

  /// Whether it is of the same file, whatever was done to it: its inode. Another file can get the number of one that is gone.
  public func isSameFile(as other: FileStamp) -> Bool { device == other.device && inode == other.inode }
}

/// How sure a hint is that the writer is finished.
public enum Hint: Hashable, Sendable {
  /// Found by looking: nothing is known of its writer. Looked at once; its age decides.
  case found
  /// Created or written to: more may come.
  case touched
  /// Closed after writing, or renamed into place: as finished as a file system can say.
  case closed
}

/// Waits until files have come to rest. Each hint re-arms a file's wait; at its end the file's stamp decides.
///
/// Time is monotonic and passed in, as a duration since some fixed start. Inlinable for the same reason as `DueHeap`.
public struct Settling<Key: Hashable & Sendable>: Sendable {
  /// How long a file has to be still.
  public struct Windows: Hashable, Sendable {
    /// For a file that is not known yet.
    public var firstTake: Duration
    /// For a change to a file that was taken before: editors save while one types.
    public var revision: Duration
    /// With a window of zero, the wait for a close that ought to follow a creation or a write (a hard link or a mapped
    /// write has none).
    public var missingClose: Duration
    /// Makes windows.
    public init(firstTake: Duration, revision: Duration, missingClose: Duration = .milliseconds(250)) {
      self.firstTake = firstTake
      self.revision = revision
      self.missingClose = missingClose
    }
  }

  /// What an observation means.
  public enum Verdict: Hashable, Sendable {
    /// It has been still for long enough: read it.
    case settled
    /// Look again at this time.
    case wait(until: Duration)
  }

  // A hundred thousand of these may wait after a copy of a folder: what follows from the windows is not stored.
  @usableFromInline
  struct Entry: Sendable {
    @usableFromInline var lastChange: Duration
    @usableFromInline var turn: UInt64 = 0
    // The stamp that was seen, as a hash: only whether it is the same matters.
    @usableFromInline var seen: Int?
    @usableFromInline var isRevision = false
    @usableFromInline var isClosed: Bool
    // Whether anything happened to it since it was given out.
    @usableFromInline var isNoticed = true
    // When it was first noticed, and whether that was by looking.
    @usableFromInline var firstNoticed: Duration
    @usableFromInline var wasFound = false

    @inlinable
    init(lastChange: Duration, isRevision: Bool = false, isClosed: Bool) {
      (self.lastChange, self.isRevision, self.isClosed) = (lastChange, isRevision, isClosed)
      firstNoticed = lastChange
    }
  }

  @inlinable
  func window(_ entry: Entry) -> Duration {
    entry.isRevision ? max(windows.firstTake, windows.revision) : windows.firstTake
  }

  // How long it has to have been still: the window, or, with a window of zero, the wait for a close that did not come.
  @inlinable
  func stillness(_ entry: Entry) -> Duration {
    entry.isClosed ? window(entry) : max(window(entry), windows.missingClose)
  }

  @usableFromInline let windows: Windows
  @usableFromInline var entries: [Key: Entry] = [:]
  @usableFromInline var queue = DueHeap<Key>()
  @usableFromInline var turn: UInt64 = 0

  /// Makes an empty table.
  @inlinable
  public init(windows: Windows) { self.windows = windows }

  /// How many files are waiting.
  @inlinable public var count: Int { entries.count }

  /// The earliest moment at which a file is due; nil when none waits.
  @inlinable public var nextDue: Duration? { queue.firstDue }

  /// When the file was first noticed in this wait; nil where that was by looking, which says nothing about when it came, or
  /// where it does not wait here.
  @inlinable
  public func arrival(of key: Key) -> Duration? {
    guard let entry = entries[key], !entry.wasFound else { return nil }
    return entry.firstNoticed
  }

  /// Whether the file waits here.
  @inlinable
  public func contains(_ key: Key) -> Bool { entries[key] != nil }

  /// Something happened to the file: its wait starts anew.
  @inlinable
  public mutating func noticed(_ key: Key, _ hint: Hint, at now: Duration) {
    let before = entries[key]
    var entry = Entry(lastChange: now, isRevision: before?.isRevision ?? false, isClosed: hint == .closed)
    if let before {
      (entry.firstNoticed, entry.wasFound) = (before.firstNoticed, before.wasFound)
    } else {
      entry.wasFound = hint == .found
    }
    arm(key, entry, due: hint == .found ? now : now + stillness(entry))
  }

  /// The file has to be looked at again at the time given, whatever happens to it; its wait is not lengthened.
  @inlinable
  public mutating func lookAgain(_ key: Key, at due: Duration, now: Duration) {
    // One that is new here waits for nobody's close.
    arm(key, entries[key] ?? Entry(lastChange: now, isClosed: true), due: due)
  }

  /// The file turned out to be a change to one that was taken before: it waits for the longer window, counted from its
  /// last change. Whether there is anything left to wait for.
  @inlinable
  public mutating func isRevision(_ key: Key, age: Duration?, at now: Duration) -> Verdict {
    guard var entry = entries[key] else { return .settled }
    entry.isRevision = true
    let rest = window(entry) - max(now - entry.lastChange, age ?? .zero)
    guard rest > .zero else { return .settled }
    arm(key, entry, due: now + rest)
    return .wait(until: now + rest)
  }

  /// Takes the files whose wait has ended, at most `limit`. They stay in the table until `finished`.
  @inlinable
  public mutating func takeDue(at now: Duration, limit: Int) -> [Key] {
    var due: [Key] = []
    while due.count < limit, let first = queue.first, first.due <= now {
      queue.removeFirst()
      // An entry that was re-armed since has a newer place in the queue.
      if let place = entries.index(forKey: first.key), entries.values[place].turn == first.turn {
        entries.values[place].isNoticed = false
        due.append(first.key)
      }
    }
    return due
  }

  /// What the stamp means. `age` is how long ago the file's change time was by the wall clock, nil or negative when
  /// that says nothing (a server's clock). A file that has visibly been still for its window needs no second look.
  @inlinable
  public mutating func observed(_ key: Key, _ stamp: FileStamp, age: Duration?, at now: Duration) -> Verdict {
    guard var entry = entries[key] else { return .settled }
    if let age, age >= .zero, age >= stillness(entry) { return .settled }
    if entry.seen == stamp.hashValue {
      // An early second look proves nothing yet.
      let end = entry.lastChange + stillness(entry)
      if now >= end { return .settled }
      arm(key, entry, due: end)
      return .wait(until: end)
    }
    // Seen for the first time, or changed without a hint: another whole look.
    entry.seen = stamp.hashValue
    entry.lastChange = now
    let due = now + max(stillness(entry), .milliseconds(5))
    arm(key, entry, due: due)
    return .wait(until: due)
  }

  /// The file is done with: taken, refused or gone.
  @inlinable
  public mutating func finished(_ key: Key) {
    entries[key] = nil
    removeStaleHead()
  }

  // A stale place at the head would be a needless wake-up.
  @inlinable
  mutating func removeStaleHead() {
    while let first = queue.first, entries[first.key]?.turn != first.turn { queue.removeFirst() }
  }

  /// Done with, unless something happened to it after `takeDue` gave it out.
  @inlinable
  public mutating func finishedUnlessNoticed(_ key: Key) {
    guard let place = entries.index(forKey: key), !entries.values[place].isNoticed else { return }
    entries.remove(at: place)
    removeStaleHead()
  }

  @inlinable
  mutating func arm(_ key: Key, _ entry: Entry, due: Duration) {
    turn &+= 1
    var entry = entry
    entry.turn = turn
    entries[key] = entry
    queue.insert(due: due, turn: turn, key: key)
    // A busy writer re-arms a file thousands of times: drop the stale places before they outnumber the live ones.
    if queue.count > 64, queue.count > entries.count * 4 {
      queue.removeAll { entries[$0.key]?.turn != $0.turn }
    }
  }
}
