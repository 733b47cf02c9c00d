import JobCore

// Files and folders that have other names now. Paths are bytes: what is below a folder begins with its path and a slash, and
// `0` comes next after the slash.
extension Store {
  private func occupant(_ file: FileKey) throws -> (row: Int64, job: JobID, current: Int)? {
    try connection.first(
      "SELECT id, uuid, current FROM job WHERE root = ? AND path = ?", .integer(file.root.number),
      .bytes(file.path.bytes)
    ) { (row: $0.integer(0), job: $0.job(1), current: $0.int(2)) }
  }

  func rename(_ job: JobID, from: FileKey, to: FileKey, _ displaced: FileKey?) throws -> ChangeResult {
    guard let own = try record(at: from), own.id == job else { return .stale }
    if let before = try occupant(to) {
      guard let displaced, before.job != job, try occupant(displaced) == nil else { return .stale }
      if before.current == 0 {
        held.forget(before.job)
        try connection.run("DELETE FROM job WHERE id = ?", .integer(before.row))
      } else {
        try name(try record(row: before.row), displaced)
      }
    }
    try connection.run("UPDATE job SET former_root = root, former_path = path WHERE id = ?", .integer(own.row))
    try name(own, to)
    return .applied
  }

  // The row says of its pictures' names what the prompt's does not, so both change together.
  private func name(_ old: JobRecord, _ file: FileKey) throws {
    var record = old
    record.file = file
    try connection.run(
      "UPDATE job SET root = ?, path = ? WHERE id = ?", .integer(file.root.number), .bytes(file.path.bytes),
      .integer(record.row))
    try update(record, from: old)
  }

  func renameFolder(_ from: FileKey, to: FileKey) throws -> ChangeResult {
    guard from != to else { return .stale }
    held.forgetAll()
    let (old, new) = (from.path.bytes + [0x2F], to.path.bytes + [0x2F])
    return done(
      try connection.changed(
        """
        UPDATE OR IGNORE job SET root = ?, path = CAST(? || substr(path, ?) AS BLOB)
        WHERE root = ? AND path >= ? AND path < ?
        """, .integer(to.root.number), .bytes(new), .number(old.count + 1), .integer(from.root.number), .bytes(old),
        .bytes(from.path.bytes + [0x30])))
  }
}
