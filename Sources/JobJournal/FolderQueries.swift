import JobCore

// What the agent asks the journal about roots and folders.
extension SQLiteJournal {
  /// The number of a root, made where it is new.
  public func root(path: [UInt8]) async throws -> RootID {
    try await run { store in
      try store.connection.run(
        "INSERT OR IGNORE INTO root (path, exclude_rules) VALUES (?, ?)", .bytes(path),
        .number(Schema.presentExcludeRules))
      let id = try store.connection.first("SELECT id FROM root WHERE path = ?", .bytes(path)) { $0.integer(0) }
      guard let id else { throw Unreadable(what: "root") }
      return RootID(id)
    }
  }

  /// Every root that the journal knows, with its absolute path.
  public func roots() async throws -> [RootID: [UInt8]] {
    try await run { store in
      var roots: [RootID: [UInt8]] = [:]
      try store.connection.each("SELECT id, path FROM root") { row in
        roots[RootID(row.integer(0))] = row.bytes(1)
        return true
      }
      return roots
    }
  }

  /// The roots that were watched by a version whose exclude patterns had other rules.
  public func rootsOfFormerExcludes() async throws -> Set<RootID> {
    try await run { store in
      let ids = try store.connection.all(
        "SELECT id FROM root WHERE exclude_rules < ?", .number(Schema.presentExcludeRules)
      ) { RootID($0.integer(0)) }
      return Set(ids)
    }
  }

  /// The roots where another machine's sidecars were seen.
  public func sharedRoots() async throws -> [RootID: String] {
    try await run { store in
      var shared: [RootID: String] = [:]
      try store.connection.each("SELECT id, shared FROM root WHERE shared IS NOT NULL") { row in
        shared[RootID(row.integer(0))] = row.text(1)
        return true
      }
      return shared
    }
  }

  /// The files of jobs in this folder, and below it.
  public func prompts(
    in folder: FileKey, deep: Bool, after last: DropPath?, limit: Int
  ) async throws -> [FileKey] {
    try await run { store in
      let prefix = folder.path.bytes.isEmpty ? [] : folder.path.bytes + [0x2F]
      // The byte after the slash ends what is below; nothing ends the root.
      let end = folder.path.bytes.isEmpty ? nil : folder.path.bytes + [0x30]
      return try store.connection.all(
        """
        SELECT path FROM job WHERE root = ?1 AND path >= ?2 AND (?3 IS NULL OR path < ?3) AND path > ?4
          AND (?5 OR instr(substr(path, ?6), x'2F') = 0) ORDER BY path LIMIT ?7
        """, .integer(folder.root.number), .bytes(prefix), .bytes(end), .bytes(last?.bytes ?? []),
        .number(deep ? 1 : 0), .number(prefix.count + 1), .number(limit)
      ) { FileKey(root: folder.root, path: DropPath(bytes: $0.bytes(0))) }
    }
  }

  /// Hands out every file with a stamp.
  public func eachStamp(_ body: @escaping @Sendable (FileKey, TakenStamp) -> Void) async throws {
    try await run { store in
      try store.connection.each("SELECT root, path, stamp FROM job WHERE stamp IS NOT NULL") { row in
        if let stamp = row.withBytes(2, { TakenStamp(packed: $0) }) {
          body(FileKey(root: RootID(row.integer(0)), path: DropPath(bytes: row.bytes(1))), stamp)
        }
        return true
      }
      // All of the journal went through the cache, for this once: memory of an idle agent.
      store.connection.releaseMemory()
    }
  }

  /// Whether the root has no job at all.
  public func isEmpty(_ root: RootID) async throws -> Bool {
    try await run { store in
      try store.connection.first("SELECT 1 FROM job WHERE root = ? LIMIT 1", .integer(root.number)) { _ in true } == nil
    }
  }

  /// The words after the `@` of the owners that prompts were taken by: earlier versions' words for this agent's machine.
  /// What was only believed of a sidecar has no text, and may be another agent's.
  public func ownerWords() async throws -> Set<String> {
    try await run { store in
      var owners: Set<String> = []
      try store.eachRecord { job in
        for revision in job.revisions where !revision.hasNoText {
          if let owner = revision.revision.snapshot.owner { owners.insert(owner) }
        }
      }
      return Set(owners.compactMap(Self.machineWord))
    }
  }

  // Sixteen hexadecimal digits after the last `@`.
  private static func machineWord(_ owner: String) -> String? {
    guard let at = owner.utf8.lastIndex(of: UInt8(ascii: "@")) else { return nil }
    let word = owner.utf8[owner.utf8.index(after: at)...]
    guard word.count == 16, word.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return nil }
    return String(Substring(word))
  }
}
