import JobCore

/// Sidecars that are not simply written: one that tells more than the journal stays until it was read, one in another
/// agent's folder waits, one that somebody set back is put right.
struct SidecarStates {
  private var unread: Set<FileKey> = []
  private var withheld: Set<JobID> = []
  private var setBack: Set<JobID> = []
  // By job: a slot of it.
  private var unshown: [JobID: SlotKey] = [:]
  // More that wait are a long queue: what each waits for is in the journal, and its sidecar comes with its turn.
  private static let mostUnshown = 256

  /// The file's sidecar tells more than the journal: it stays as it is until the file was looked at.
  mutating func protect(_ file: FileKey) { unread.insert(file) }

  /// Whether it stays as it is.
  func isProtected(_ file: FileKey) -> Bool { unread.contains(file) }

  /// The file was looked at with its sidecar.
  mutating func wasRead(_ file: FileKey) { unread.remove(file) }

  /// The job's sidecar says less than is known, because its folder is not this agent's.
  mutating func withhold(_ job: JobID) { withheld.insert(job) }

  /// Folders may be this agent's now: the jobs whose sidecars waited for that.
  mutating func takeWithheld() -> Set<JobID> {
    defer { withheld = [] }
    return withheld
  }

  /// Somebody set the job's sidecar back to an older state. False: that was known.
  mutating func wasSetBack(_ job: JobID) -> Bool { setBack.insert(job).inserted }

  /// The slot's job is new and waits: its first sidecar is to be written if its turn does not come soon. False: too many
  /// wait, or that was known.
  mutating func awaitsFirst(_ key: SlotKey) -> Bool {
    guard unshown.count < Self.mostUnshown else { return false }
    return unshown.updateValue(key, forKey: key.job) == nil
  }

  /// The job's first sidecar is written, or has its turn now. False: that was known.
  @discardableResult
  mutating func showed(_ job: JobID) -> Bool { unshown.removeValue(forKey: job) != nil }

  /// Those whose first sidecar is still to be written.
  mutating func takeUnshown() -> [SlotKey] {
    defer { unshown = [:] }
    return Array(unshown.values)
  }

  /// It is put right now.
  mutating func putRight(_ job: JobID) { setBack.remove(job) }
}

/// Jobs with pictures in the state folder, which are put beside their prompts when there is a place for them.
struct KeptPictures {
  private var jobs: Set<JobID> = []
  private var isPuttingBack = false

  /// Those that earlier processes left.
  mutating func remember(_ jobs: [JobID]) { self.jobs = Set(jobs) }
  /// One has a picture there.
  mutating func insert(_ job: JobID) { jobs.insert(job) }
  /// It has none any more.
  mutating func remove(_ job: JobID) { jobs.remove(job) }
  /// Whether it has one.
  func contains(_ job: JobID) -> Bool { jobs.contains(job) }

  /// They are put back from now on. Nil: there is none, or somebody does already.
  mutating func beginPuttingBack() -> Set<JobID>? {
    guard !jobs.isEmpty, !isPuttingBack else { return nil }
    isPuttingBack = true
    return jobs
  }

  /// Nobody puts them back any more.
  mutating func endPuttingBack() { isPuttingBack = false }
}
