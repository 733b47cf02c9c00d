import FoundationEssentials
import GRDB
import JobCore

// What the agent asks the journal.
extension SQLiteJournal {
  /// The number of a root, made where it is new.
  public func root(path: [UInt8]) async throws -> RootID {
    try await run { db in
      try db.execute(
        sql: "INSERT OR IGNORE INTO root (path, exclude_rules) VALUES (?, ?)",
        arguments: [Data(path), Migrations.presentExcludeRules])
      let id = try Int64.fetchOne(db, sql: "SELECT id FROM root WHERE path = ?", arguments: [Data(path)])
      guard let id else { throw Unreadable(what: "root") }
      return RootID(id)
    }
  }

  /// Every root that the journal knows, with its absolute path.
  public func roots() async throws -> [RootID: [UInt8]] {
    try await run { db in
      var roots: [RootID: [UInt8]] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT id, path FROM root") {
        let path: Data = row["path"]
        roots[RootID(row["id"])] = Array(path)
      }
      return roots
    }
  }

  /// The roots that were watched by a version whose exclude patterns had other rules.
  public func rootsOfFormerExcludes() async throws -> Set<RootID> {
    try await run { db in
      let ids = try Int64.fetchAll(
        db, sql: "SELECT id FROM root WHERE exclude_rules < ?", arguments: [Migrations.presentExcludeRules])
      return Set(ids.map(RootID.init))
    }
  }

  /// What is known of each path.
  public func known(_ files: [FileKey]) async throws -> [KnownFile?] {
    let find = { @Sendable (db: Database) throws -> [KnownFile?] in
      let statement = try db.cachedStatement(
        sql: "SELECT id, state, current, stamp, note FROM job WHERE root = ? AND path = ?")
      return try files.map { file in
        guard let row = try Row.fetchOne(statement, arguments: [file.root.number, Data(file.path.bytes)]) else {
          return nil
        }
        let state: String = row["state"]
        guard let word = StateName(rawValue: state) else { throw Unreadable(what: "job state \(state)") }
        let note: String? = row["note"]
        return KnownFile(
          job: JobID(row["id"]), state: word, current: row["current"], stamp: TakenStamp(blob: row["stamp"]),
          note: try note.map { try decode($0) })
      }
    }
    return try await files.count > Self.few ? run(find) : lookUp(find)
  }

  // So many files are looked up while others wait.
  private static let few = 4

  /// Jobs, each with its current revision, all open slots with their revisions, and its outputs.
  public func jobs(_ ids: [JobID]) async throws -> [Job?] {
    let find = { @Sendable (db: Database) throws -> [Job?] in try ids.map { try db.job($0) } }
    return try await ids.count > Self.few ? run(find) : lookUp(find)
  }

  /// The temporary names that pictures wait under.
  public func plannedTemporaries(roots: [RootID]) async throws -> Set<[UInt8]> {
    try await run { db in
      Set(
        try Data.fetchAll(
          db,
          sql: """
            SELECT o.temporary FROM output o JOIN job j ON j.id = o.job
            WHERE o.temporary IS NOT NULL AND j.root IN (\(roots.sql))
            """
        ).map { Array($0) })
    }
  }

  /// The job's newest revision with this source and list.
  public func revision(of job: JobID, like identity: Identity) async throws -> Revision? {
    try await lookUp { db in
      try db.revision(
        job, "source_sha = ? AND list_sha IS ? ORDER BY number DESC LIMIT 1", [identity.source, identity.list])
    }
  }

  /// A revision's slots.
  public func slots(of job: JobID, revision: Int) async throws -> [Slot] {
    try await lookUp { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM slot WHERE job = ? AND revision = ? ORDER BY number", arguments: [job.text, revision]
      ).map { try Slot(row: $0) }
    }
  }

  /// Queued slots that may begin, those first that wait longest: by the moment from which they may, then by when their
  /// file was first seen, then by its path.
  public func startable(
    roots: [RootID], at now: Timestamp, limit: Int, except: Set<SlotKey>
  ) async throws -> [SlotKey] {
    try await run { db in
      let rows = try Row.fetchCursor(
        db.cachedStatement(
          sql: """
            SELECT slot.root, slot.job, slot.revision, slot.number FROM slot CROSS JOIN job ON job.id = slot.job
            WHERE slot.state = 'queued' AND slot.due_at <= ?
            ORDER BY slot.due_at, slot.seen_at, job.path, slot.number
            """),
        arguments: [now.milliseconds])
      var found: [SlotKey] = []
      while found.count < limit, let row = try rows.next() {
        let key = SlotKey(job: JobID(row["job"]), revision: row["revision"], number: row["number"])
        if roots.contains(RootID(row["root"])), !except.contains(key) { found.append(key) }
      }
      return found
    }
  }

  /// When the next queued slot may begin.
  public func nextStart(roots: [RootID], except: Set<SlotKey>) async throws -> Timestamp? {
    try await run { db in
      let rows = try Row.fetchCursor(
        db.cachedStatement(
          sql: "SELECT root, job, revision, number, due_at FROM slot WHERE state = 'queued' ORDER BY due_at"))
      while let row = try rows.next() {
        let key = SlotKey(job: JobID(row["job"]), revision: row["revision"], number: row["number"])
        if roots.contains(RootID(row["root"])), !except.contains(key) { return Timestamp(milliseconds: row["due_at"]) }
      }
      return nil
    }
  }

  /// Queued slots that wait with an unclear refusal, each with the hash of its prompt's text.
  public func blamed(roots: [RootID]) async throws -> [(slot: Slot, prompt: String)] {
    try await run { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT s.*, r.prompt_sha FROM slot s JOIN revision r ON r.job = s.job AND r.number = s.revision
          WHERE s.state = 'queued' AND json_extract(s.detail, '$.blame') IS NOT NULL AND s.root IN (\(roots.sql))
          ORDER BY s.due_at
          """
      ).map { (try Slot(row: $0), $0["prompt_sha"]) }
    }
  }

  /// Slots that are neither queued nor final.
  public func underWay(roots: [RootID]) async throws -> [SlotKey] {
    try await run { db in
      try Row.fetchAll(
        db,
        sql: "SELECT root, job, revision, number FROM slot WHERE state IN ('submitting', 'submitted', 'fetching')"
      ).compactMap { row in
        roots.contains(RootID(row["root"]))
          ? SlotKey(job: JobID(row["job"]), revision: row["revision"], number: row["number"]) : nil
      }
    }
  }

  /// The files whose note has this code.
  public func noted(roots: [RootID], code: ErrorCode) async throws -> [FileKey] {
    try await run { db in
      try Row.fetchAll(db, sql: "SELECT root, path FROM job WHERE note_code = ?", arguments: [code.rawValue])
        .map { row in
          let path: Data = row["path"]
          return FileKey(root: RootID(row["root"]), path: DropPath(bytes: Array(path)))
        }
        .filter { roots.contains($0.root) }
    }
  }

  /// Jobs whose current revision has this source.
  public func jobs(roots: [RootID], source: String) async throws -> [(JobID, FileKey)] {
    try await lookUp { db in
      try Row.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT j.id, j.root, j.path FROM revision r JOIN job j ON j.id = r.job AND j.current = r.number
            WHERE r.source_sha = ? AND j.root IN (\(roots.sql)) ORDER BY j.created_at LIMIT 100
            """), arguments: [source]
      ).map { row in
        let path: Data = row["path"]
        return (JobID(row["id"]), FileKey(root: RootID(row["root"]), path: DropPath(bytes: Array(path))))
      }
    }
  }

  /// How many files are in each state.
  public func census(roots: [RootID]) async throws -> [StateName: Int] {
    try await run { db in
      var census: [StateName: Int] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT root, state, count(*) AS n FROM job GROUP BY root, state") {
        let word: String = row["state"]
        guard roots.contains(RootID(row["root"])), let state = StateName(rawValue: word) else { continue }
        census[state, default: 0] += row["n"]
      }
      return census
    }
  }

  /// Files in this state: their jobs.
  public func files(roots: [RootID], in state: StateName, limit: Int) async throws -> [JobID] {
    try await run { db in
      try String.fetchAll(
        db, sql: "SELECT id FROM job WHERE state = ? AND root IN (\(roots.sql)) ORDER BY root, path LIMIT ?",
        arguments: [state.rawValue, limit]
      ).map(JobID.init)
    }
  }

  /// Jobs of the files in this folder and below it that are in this state, in the order of their paths.
  public func files(
    _ root: RootID, below folder: DropPath, in state: StateName, limit: Int
  ) async throws -> [JobID] {
    try await run { db in
      // A path is below a folder when it begins with the folder's and a slash; `0` comes next after the slash.
      let (first, end) =
        folder.bytes.isEmpty ? (Data(), nil) : (Data(folder.bytes + [0x2F]), Data(folder.bytes + [0x30]))
      return try String.fetchAll(
        db,
        sql: """
          SELECT id FROM job WHERE root = ? AND state = ? AND path >= ? AND (? IS NULL OR path < ?) ORDER BY path LIMIT ?
          """, arguments: [root.number, state.rawValue, first, end, end, limit]
      ).map(JobID.init)
    }
  }

  private static let callbackGrace: Duration = .seconds(60 * 86_400)

  // What stands in the place of a snapshot that was forgotten.
  static let forgottenSnapshot = #"{"prompt":"","model":"","images":[],"extra":{}}"#

  /// Forgets the details of what has been final since `before`.
  public func prune(finalSince before: Timestamp) async throws {
    try await run { db in
      try db.inTransaction {
        // Texts of earlier revisions go, the hashes stay: the file is still known for what it is, and so are its
        // pictures. What was withdrawn unsent keeps its text, because it can be wanted again.
        try db.execute(
          sql: """
            UPDATE revision SET snapshot = ? WHERE snapshot != ? AND number != (SELECT current FROM job WHERE id = revision.job)
              AND NOT EXISTS (SELECT 1 FROM slot s WHERE s.job = revision.job AND s.revision = revision.number
                AND (s.state NOT IN ('done', 'failed') OR s.changed_at >= ?))
            """, arguments: [Self.forgottenSnapshot, Self.forgottenSnapshot, before.milliseconds])
        try db.execute(
          sql: "UPDATE slot SET attempts = '[]' WHERE state = 'done' AND attempts != '[]' AND changed_at < ?",
          arguments: [before.milliseconds])
        // A callback may come a month late; after twice that nobody waits for it.
        let forgotten = (before + (.zero - Self.callbackGrace)).milliseconds
        try db.execute(sql: "DELETE FROM callback WHERE made_at < ?", arguments: [forgotten])
        try db.execute(sql: "DELETE FROM evidence WHERE weighed = 1 AND received_at < ?", arguments: [forgotten])
        return .commit
      }
      try db.execute(sql: "PRAGMA optimize")
    }
  }
}

extension Database {
  fileprivate func job(_ id: JobID) throws -> Job? {
    guard let row = try Row.fetchOne(cachedStatement(sql: "SELECT * FROM job WHERE id = ?"), arguments: [id.text])
    else { return nil }
    let current: Int = row["current"]
    let slots = try Row.fetchAll(
      cachedStatement(
        sql: "SELECT * FROM slot WHERE job = ? AND (revision = ? OR state NOT IN ('done', 'failed', 'cancelled'))"),
      arguments: [id.text, current]
    ).map { try Slot(row: $0) }
    var revisions: [Int: Revision] = [:]
    for number in Set(slots.map(\.key.revision) + [current]) {
      revisions[number] = try revision(id, "number = ?", [number])
    }
    let latest = try Int.fetchOne(
      cachedStatement(sql: "SELECT max(number) FROM revision WHERE job = ?"), arguments: [id.text])
    let outputs = try Row.fetchAll(
      cachedStatement(sql: "SELECT * FROM output WHERE job = ? ORDER BY revision, number"), arguments: [id.text]
    ).map { try Output(row: $0) }
    let note: String? = row["note"]
    let path: Data = row["path"]
    return Job(
      id: id, file: FileKey(root: RootID(row["root"]), path: DropPath(bytes: Array(path))), current: current,
      latest: latest ?? 0, stamp: TakenStamp(blob: row["stamp"]), revisions: revisions,
      slots: Dictionary(slots.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }), outputs: outputs,
      note: try note.map { try decode($0) as FileNote }, createdAt: Timestamp(milliseconds: row["created_at"]),
      inputsChanged: row["inputs_changed"])
  }

  fileprivate func revision(_ job: JobID, _ condition: String, _ arguments: StatementArguments) throws -> Revision? {
    guard
      let row = try Row.fetchOne(
        cachedStatement(sql: "SELECT * FROM revision WHERE job = ? AND \(condition)"), arguments: [job.text] + arguments
      )
    else { return nil }
    return Revision(
      number: row["number"],
      identity: Identity(
        prompt: row["prompt_sha"], source: row["source_sha"], list: row["list_sha"], request: row["request_sha"]),
      snapshot: try decode(row["snapshot"]), count: row["count"], takenAt: Timestamp(milliseconds: row["taken_at"]))
  }
}

extension Output {
  fileprivate init(row: Row) throws {
    let format: String = row["format"]
    guard let known = ImageInfo.Format(rawValue: format) else { throw Unreadable(what: "output format \(format)") }
    let file: Data = row["file"]
    let temporary: Data? = row["temporary"]
    let kept: Data? = row["kept"]
    self.init(
      slot: SlotKey(job: JobID(row["job"]), revision: row["revision"], number: row["slot"]), part: row["part"],
      number: row["number"], file: Array(file), sha256: row["sha256"], bytes: row["bytes"],
      image: ImageInfo(format: known, width: row["width"], height: row["height"]),
      temporary: temporary.map { Array($0) }, kept: kept.map { Array($0) }, warning: row["warning"])
  }
}

extension [RootID] {
  // Numbers of the journal's own making, so that they can stand in a statement.
  var sql: String { map { "\($0.number)" }.joined(separator: ", ") }
}
