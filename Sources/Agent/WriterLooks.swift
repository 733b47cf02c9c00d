import JobCore

/// Files that a program has open for writing, and when each is looked at next, monotonic; and where nobody can tell.
struct WriterLooks {
  private var due: [FileKey: Duration] = [:]
  private var reported: Set<BlindSpot> = []

  /// Whether nothing is waited for.
  var isIdle: Bool { due.isEmpty }

  /// A file is to be looked at then. Whether it is to be scheduled: one look for each file is, however often it is examined.
  mutating func look(at file: FileKey, _ moment: Duration, now: Duration) -> Bool {
    if let next = due[file], next > now, next <= moment { return false }
    due[file] = moment
    return true
  }

  /// Whether the look that was scheduled for this time still is the file's.
  mutating func take(_ file: FileKey, due moment: Duration) -> Bool {
    guard due[file] == moment else { return false }
    due[file] = nil
    return true
  }

  /// Nothing has it open, or nothing waits for that.
  mutating func forget(_ file: FileKey) { due[file] = nil }

  /// Those of the places, where it cannot be seen whether a file is open, that were not reported.
  mutating func unreported(_ found: [BlindSpot]) -> [BlindSpot] {
    guard found.count > reported.count else { return [] }
    return found.filter { reported.insert($0).inserted }
  }
}

/// What people have said of files and jobs, and only memory knows.
struct Overrides {
  /// Files that a person wants made once more though their text is the same.
  var wantedAnew: Set<FileKey> = []
  /// Jobs that a person let go although they say `hold: true`.
  var letGo: Set<JobID> = []
  /// Jobs whose files a person lets go although a program has them open for writing, as they stood then.
  var takenThoughOpen: [JobID: FileStamp] = [:]
}
