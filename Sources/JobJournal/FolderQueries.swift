import FoundationEssentials
import GRDB
import JobCore

// What the agent asks the journal about folders.
extension SQLiteJournal {
  /// The files of jobs in this folder, and below it.
  public func prompts(
    in folder: FileKey, deep: Bool, after last: DropPath?, limit: Int
  ) async throws -> [FileKey] {
    try await run { db in
      let prefix = folder.path.bytes.isEmpty ? [] : folder.path.bytes + [0x2F]
      // The byte after the slash ends what is below; nothing ends the root.
      let end = folder.path.bytes.isEmpty ? nil : Data(folder.path.bytes + [0x30])
      return try Data.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT path FROM job WHERE root = ? AND path >= ? AND (? IS NULL OR path < ?) AND path > ?
              AND (? OR instr(substr(path, ?), x'2F') = 0) ORDER BY path LIMIT ?
            """),
        arguments: [
          folder.root.number, Data(prefix), end, end, Data(last?.bytes ?? []), deep, prefix.count + 1, limit,
        ]
      ).map { FileKey(root: folder.root, path: DropPath(bytes: Array($0))) }
    }
  }

  /// Hands out every file with a stamp.
  public func eachStamp(_ body: @escaping @Sendable (FileKey, TakenStamp) -> Void) async throws {
    try await run { db in
      let rows = try Row.fetchCursor(db, sql: "SELECT root, path, stamp FROM job WHERE stamp IS NOT NULL")
      while let row = try rows.next() {
        guard let stamp = TakenStamp(blob: row[2]) else { continue }
        let path: Data = row[1]
        body(FileKey(root: RootID(row[0]), path: DropPath(bytes: Array(path))), stamp)
      }
    }
    try await run { db in
      // All of the journal went through the cache, for this once: 2 MB of an idle agent's memory.
      db.releaseMemory()
    }
  }

  /// Whether the root has no job at all.
  public func isEmpty(_ root: RootID) async throws -> Bool {
    try await run { db in
      try Row.fetchOne(db, sql: "SELECT 1 FROM job WHERE root = ? LIMIT 1", arguments: [root.number]) == nil
    }
  }

  /// How many revisions of a job were taken since then.
  public func revisions(of job: JobID, since moment: Timestamp) async throws -> Int {
    try await run { db in
      try Int.fetchOne(
        db.cachedStatement(sql: "SELECT count(*) FROM revision WHERE job = ? AND taken_at > ?"),
        arguments: [job.text, moment.milliseconds]) ?? 0
    }
  }

  /// Jobs whose pictures and sidecars are still on their way.
  public func moving() async throws -> [(JobID, from: FileKey)] {
    try await run { db in
      try Row.fetchAll(db, sql: "SELECT id, former_root, former_path FROM job WHERE former_path IS NOT NULL").map {
        row in
        let path: Data = row["former_path"]
        let former = FileKey(root: RootID(row["former_root"]), path: DropPath(bytes: Array(path)))
        return (JobID(row["id"]), from: former)
      }
    }
  }

  /// Jobs with pictures in the state folder.
  public func withKeptPictures() async throws -> [JobID] {
    try await run { db in
      try String.fetchAll(db, sql: "SELECT DISTINCT job FROM output WHERE kept IS NOT NULL").map(JobID.init)
    }
  }

  /// The roots where another machine's sidecars were seen.
  public func sharedRoots() async throws -> [RootID: String] {
    try await run { db in
      var shared: [RootID: String] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT id, shared FROM root WHERE shared IS NOT NULL") {
        shared[RootID(row["id"])] = row["shared"]
      }
      return shared
    }
  }

  /// The words after the `@` of the owners that prompts were taken by: earlier versions' words for this agent's machine.
  /// What was only believed of a sidecar has no text, and may be another agent's.
  public func ownerWords() async throws -> Set<String> {
    try await run { db in
      let owners = try String.fetchAll(
        db,
        sql: """
          SELECT DISTINCT json_extract(snapshot, '$.owner') FROM revision
          WHERE json_extract(snapshot, '$.owner') LIKE '%@%' AND json_extract(snapshot, '$.prompt') != ''
          """)
      return Set(owners.compactMap { owner in owner.wholeMatch(of: /.*@([0-9a-f]{16})/).map { String($0.output.1) } })
    }
  }
}
