import JobCore

// What the agent asks the journal about files by their state.
extension SQLiteJournal {
  /// How many files are in each state.
  public func census(roots: [RootID]) async throws -> [StateName: Int] {
    try await run { store in
      var census: [StateName: Int] = [:]
      // Most files are done: these are what the others leave, so that their rows are not read.
      var done = 0
      try store.connection.each("SELECT root, count(*) FROM job GROUP BY root") { row in
        if roots.contains(RootID(row.integer(0))) { done += row.int(1) }
        return true
      }
      try store.connection.each(
        """
        SELECT root, state, count(*) FROM job WHERE id IN (
          SELECT job FROM open_slot UNION SELECT id FROM job WHERE state > 4 UNION
          SELECT id FROM job WHERE note IS NOT NULL) AND state != 4 GROUP BY root, state
        """
      ) { row in
        guard roots.contains(RootID(row.integer(0))), let state = StateName(number: row.integer(1)) else { return true }
        census[state, default: 0] += row.int(2)
        done -= row.int(2)
        return true
      }
      if done > 0 { census[.done] = done }
      return census
    }
  }

  /// Files in this state: their jobs, in the order of their roots and paths.
  public func files(roots: [RootID], in state: StateName, limit: Int) async throws -> [JobID] {
    try await run { store in
      var found: [JobID] = []
      guard limit > 0 else { return found }
      let take = { (row: Row) -> Bool in
        if roots.contains(RootID(row.integer(0))) { found.append(row.job(1)) }
        return found.count < limit
      }
      if state == .done {
        try store.connection.each("SELECT root, uuid FROM job WHERE state = 4 ORDER BY root, path", body: take)
      } else {
        try store.connection.each(
          """
          SELECT root, uuid FROM job WHERE id IN (
            SELECT job FROM open_slot UNION SELECT id FROM job WHERE state > 4 UNION
            SELECT id FROM job WHERE note IS NOT NULL) AND state = ? ORDER BY root, path
          """, .number(state.number), body: take)
      }
      return found
    }
  }

  /// Jobs of the files in this folder and below it that are in this state, in the order of their paths.
  public func files(
    _ root: RootID, below folder: DropPath, in state: StateName, limit: Int
  ) async throws -> [JobID] {
    try await run { store in
      // A path is below a folder when it begins with the folder's and a slash; `0` comes next after the slash.
      let (first, end) = folder.bytes.isEmpty ? ([], nil) : (folder.bytes + [0x2F], folder.bytes + [0x30])
      return try store.connection.all(
        """
        SELECT uuid FROM job WHERE root = ?1 AND state = ?2 AND path >= ?3 AND (?4 IS NULL OR path < ?4) ORDER BY path LIMIT ?5
        """, .integer(root.number), .number(state.number), .bytes(first), .bytes(end), .number(limit)
      ) { $0.job(0) }
    }
  }

  /// Files that something is noted of and that have no stamp.
  public func noted(in root: RootID) async throws -> [FileKey] {
    try await run { store in
      try store.connection.all(
        "SELECT path FROM job WHERE note IS NOT NULL AND stamp IS NULL AND root = ?", .integer(root.number)
      ) { FileKey(root: root, path: DropPath(bytes: $0.bytes(0))) }
    }
  }

  /// The temporary names that pictures wait under.
  public func plannedTemporaries(roots: [RootID]) async throws -> Set<[UInt8]> {
    try await run { store in
      let rows = try store.connection.all("SELECT job FROM open_slot UNION SELECT id FROM job WHERE loose = 1") {
        $0.integer(0)
      }
      var names: Set<[UInt8]> = []
      for row in rows {
        let job = try store.record(row: row)
        if roots.contains(job.file.root) { names.formUnion(job.outputs.compactMap(\.temporary)) }
      }
      return names
    }
  }

  /// Jobs with pictures in the state folder.
  public func withKeptPictures() async throws -> [JobID] {
    try await run { store in
      try store.connection.all("SELECT id FROM job WHERE loose = 1") { $0.integer(0) }
        .map { try store.record(row: $0) }
        .filter { $0.outputs.contains { $0.kept != nil } }.map(\.id)
    }
  }

  /// Jobs whose pictures and sidecars are still on their way.
  public func moving() async throws -> [(JobID, from: FileKey)] {
    try await run { store in
      try store.connection.all("SELECT uuid, former_root, former_path FROM job WHERE former_path IS NOT NULL") { row in
        (row.job(0), from: FileKey(root: RootID(row.integer(1)), path: DropPath(bytes: row.bytes(2))))
      }
    }
  }

  /// Slots that are held and whose pictures are still tried, and when next.
  public func stillTried(roots: [RootID]) async throws -> [(SlotKey, next: Timestamp)] {
    try await run { store in
      try store.slots(roots, in: [.held]).compactMap { slot in
        slot.state.nextLateTry.map { (slot.key, next: $0) }
      }
    }
  }

  /// Slots with a picture that is late, the one first whose submission was answered first, since a task was last finished
  /// with a picture.
  public func lateInARow(roots: [RootID]) async throws -> [SlotKey] {
    try await run { store in
      let late = try store.slots(roots, in: [.submitted, .fetching, .held]).filter(\.state.isLate)
      // Looked for only where it matters: finished slots are many.
      guard !late.isEmpty else { return [] }
      var lastDone = Int64.min
      try store.eachRecord { job in
        guard roots.contains(job.file.root) else { return }
        for slot in job.slots where slot.slot.state.name == .done { lastDone = max(lastDone, slot.changed) }
      }
      return late.filter { ($0.attempts.last?.endedAt?.milliseconds ?? .max) > lastDone }.map(\.key)
    }
  }
}

extension Store {
  // Slots with a task, in the order in which their last attempt began or ended.
  fileprivate func slots(_ roots: [RootID], in states: Set<StateName>) throws -> [Slot] {
    let found = try connection.all("SELECT DISTINCT job FROM open_slot WHERE state IN (1, 6)") { $0.integer(0) }
    var slots: [SlotRecord] = []
    for row in found {
      let job = try record(row: row)
      guard roots.contains(job.file.root) else { continue }
      slots += job.slots.filter { states.contains($0.slot.state.name) && $0.slot.taskID != nil }
    }
    return slots.sorted { $0.changed < $1.changed }.map(\.slot)
  }
}
