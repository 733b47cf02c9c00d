/// The statements on the way of every job. Each runs several times a job, so it is kept where it is used from: nothing is
/// looked up, and nothing is put into a box or an array for it.
struct JobStatements {
  let hasFile, hasJob: Statement
  let findJob: Statement
  let insert: Statement
  let update, updateLoose: Statement
  let open, close: Statement
  let addTask, findTask: Statement
  let addCharge, setConsumed: Statement
  let begin, commit: Statement

  init(_ connection: Connection) throws {
    hasFile = try connection.prepare("SELECT 1 FROM job WHERE root = ? AND path = ?")
    hasJob = try connection.prepare("SELECT 1 FROM job WHERE uuid = ?")
    findJob = try connection.prepare(
      """
      SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job WHERE uuid = ?
      """)
    insert = try connection.prepare(
      """
      INSERT INTO job (uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    // Without a column that does not change, its index is not looked at.
    update = try connection.prepare("UPDATE job SET state = ?, body = ? WHERE id = ?")
    updateLoose = try connection.prepare("UPDATE job SET state = ?, body = ?, loose = ? WHERE id = ?")
    open = try connection.prepare("INSERT INTO open_slot VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    close = try connection.prepare(
      """
      DELETE FROM open_slot WHERE state = ? AND due_at = ? AND seen_at = ? AND job = ? AND revision = ? AND number = ?
      """)
    addTask = try connection.prepare("INSERT OR IGNORE INTO task VALUES (?, ?)")
    findTask = try connection.prepare("SELECT job FROM task WHERE key = ?")
    addCharge = try connection.prepare("INSERT OR IGNORE INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    setConsumed = try connection.prepare("UPDATE charge SET consumed = ? WHERE day = ? AND attempt = ?")
    begin = try connection.prepare("BEGIN IMMEDIATE")
    commit = try connection.prepare("COMMIT")
  }
}
