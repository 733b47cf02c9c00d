import JobCore

// What the agent asks the journal about jobs and their slots.
extension SQLiteJournal {
  // So many rows are read while others wait.
  private static let few = 64

  /// What is known of each path.
  public func known(_ files: [FileKey]) async throws -> [KnownFile?] {
    let find = { @Sendable (store: Store) throws -> [KnownFile?] in
      try files.map { file in
        try store.steps.known.bind(1, file.root.number)
        try store.steps.known.bind(2, bytes: file.path.bytes)
        return try store.steps.known.first { row in
          guard let state = StateName(number: row.integer(1)) else { throw Unreadable(what: "job state") }
          return KnownFile(
            job: row.job(0), state: state, current: row.int(2),
            stamp: row.isNull(3) ? nil : row.withBytes(3) { TakenStamp(packed: $0) },
            note: try row.optionalText(4).map { try FileNote(journal: $0) })
        }
      }
    }
    return try await files.count > Self.few ? run(find) : lookUp(find)
  }

  /// Jobs, each with its current revision, all open slots with their revisions, and its outputs.
  public func jobs(_ ids: [JobID]) async throws -> [Job?] {
    let find = { @Sendable (store: Store) throws -> [Job?] in
      try ids.map { id in try store.recordOfNext(id).map { try store.job($0) } }
    }
    return try await ids.count > Self.few ? run(find) : lookUp(find)
  }

  /// The job's newest revision with this source and list.
  public func revision(of job: JobID, like identity: Identity) async throws -> Revision? {
    try await lookUp { store in
      let same = try store.record(job)?.revisions.last {
        $0.identity.source == identity.source && $0.identity.list == identity.list
      }
      return try same.map { try store.revision($0) }
    }
  }

  /// A revision's slots.
  public func slots(of job: JobID, revision: Int) async throws -> [Slot] {
    try await lookUp { store in
      try store.record(job)?.revision(revision)?.slots.map(\.slot) ?? []
    }
  }

  /// How many revisions of a job were taken since then.
  public func revisions(of job: JobID, since moment: Timestamp) async throws -> Int {
    try await lookUp { store in try store.record(job)?.revisions.count { $0.takenAt > moment } ?? 0 }
  }

  /// Queued slots that may begin, those first that wait longest: by the moment from which they may, then by when their
  /// file was first seen, then by its path.
  public func startable(
    roots: [RootID], at now: Timestamp, limit: Int, except: Set<SlotKey>
  ) async throws -> [SlotKey] {
    try await lookUp { store in
      var found: [SlotKey] = []
      guard limit > 0 else { return found }
      try store.connection.each(
        """
        SELECT job.root, job.uuid, revision, number FROM open_slot CROSS JOIN job ON job.id = open_slot.job
        WHERE open_slot.state = 0 AND due_at <= ? ORDER BY due_at, seen_at, job.path, number
        """, .integer(now.milliseconds)
      ) { row in
        let key = SlotKey(job: row.job(1), revision: row.int(2), number: row.int(3))
        if roots.contains(RootID(row.integer(0))), !except.contains(key) { found.append(key) }
        return found.count < limit
      }
      return found
    }
  }

  /// When the next queued slot may begin.
  public func nextStart(roots: [RootID], except: Set<SlotKey>) async throws -> Timestamp? {
    try await lookUp { store in
      var next: Timestamp?
      try store.connection.each(
        """
        SELECT job.root, job.uuid, revision, number, due_at FROM open_slot CROSS JOIN job ON job.id = open_slot.job
        WHERE open_slot.state = 0 ORDER BY due_at
        """
      ) { row in
        let key = SlotKey(job: row.job(1), revision: row.int(2), number: row.int(3))
        guard roots.contains(RootID(row.integer(0))), !except.contains(key) else { return true }
        next = Timestamp(milliseconds: row.integer(4))
        return false
      }
      return next
    }
  }

  /// Queued slots that wait with an unclear refusal, each with the hash of its prompt's text.
  public func blamed(roots: [RootID]) async throws -> [(slot: Slot, prompt: String)] {
    try await run { store in
      let found = try store.connection.all(
        "SELECT job, revision, number FROM open_slot WHERE state = 0 AND blame = 1 ORDER BY due_at"
      ) { ($0.integer(0), $0.int(1), $0.int(2)) }
      return try found.compactMap { row, revision, number in
        let job = try store.record(row: row)
        guard roots.contains(job.file.root), let revision = job.revision(revision),
          let slot = revision.slots.first(where: { $0.slot.key.number == number })?.slot
        else { return nil }
        return (slot: slot, prompt: revision.identity.prompt)
      }
    }
  }

  /// Slots that are neither queued nor final.
  public func underWay(roots: [RootID]) async throws -> [SlotKey] {
    try await run { store in
      var found: [SlotKey] = []
      try store.connection.each(
        """
        SELECT job.root, job.uuid, revision, number FROM open_slot CROSS JOIN job ON job.id = open_slot.job
        WHERE open_slot.state = 1
        """
      ) { row in
        guard roots.contains(RootID(row.integer(0))) else { return true }
        found.append(SlotKey(job: row.job(1), revision: row.int(2), number: row.int(3)))
        return true
      }
      return found
    }
  }

  /// Jobs whose current revision has each source, the oldest first, at most a hundred of each.
  public func jobs(roots: [RootID], sources: [String]) async throws -> [[(JobID, FileKey)]] {
    let find = { @Sendable (store: Store) throws in try sources.map { try store.jobs(roots: roots, source: $0) } }
    return try await sources.count > Self.few ? run(find) : lookUp(find)
  }
}

extension Store {
  fileprivate func jobs(roots: [RootID], source: String) throws -> [(JobID, FileKey)] {
    // Of most there is none, as of one that is new.
    try steps.hasSource.bind(1, JobRecord.key(source))
    guard try steps.hasSource.first({ _ in true }) == true else { return [] }
    var rows: [Int64] = []
    try connection.each("SELECT id, root FROM job WHERE source = ? ORDER BY id", .integer(JobRecord.key(source))) {
      row in
      if roots.contains(RootID(row.integer(1))) { rows.append(row.integer(0)) }
      return rows.count < 100
    }
    return try rows.map { try record(row: $0) }
      .filter { $0.revision($0.current)?.identity.source == source }
      .map { ($0.id, $0.file) }
  }

  /// The job as the agent has it in hand.
  func job(_ record: JobRecord) throws -> Job {
    var job = Job(
      id: record.id, file: record.file, current: record.current, latest: record.latest, stamp: record.stamp,
      revisions: [:], slots: [:], outputs: record.outputs, note: record.note, createdAt: record.createdAt,
      inputsChanged: record.inputsChanged)
    if job.outputs.count > 1 {
      job.outputs.sort { a, b in
        (a.slot.revision, a.number, a.slot.number, a.part) < (b.slot.revision, b.number, b.slot.number, b.part)
      }
    }
    for revision in record.revisions {
      let isCurrent = revision.number == record.current
      let wanted = isCurrent ? revision.slots : revision.slots.filter(\.isOpen)
      guard isCurrent || !wanted.isEmpty else { continue }
      job.revisions[revision.number] = try self.revision(revision)
      for slot in wanted { job.slots[slot.slot.key] = slot.slot }
    }
    return job
  }
}
