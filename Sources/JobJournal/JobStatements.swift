/// The statements on the way of every job. Each runs several times a job, so it is kept where it is used from: nothing is
/// looked up, and nothing is put into a box or an array for it.
struct JobStatements {
  let known, hasSource: Statement
  let hasFile, hasJob: Statement
  let findJob: Statement
  let insert: Statement
  let update, updateState, updateLoose: Statement
  let open, close: Statement
  let addTask, findTask: Statement
  let addCharge, setConsumed: Statement
  let begin, commit: Statement

  init(_ connection: Connection) throws {
    known = try connection.prepare("SELECT uuid, state, current, stamp, note FROM job WHERE root = ? AND path = ?")
    hasSource = try connection.prepare("SELECT 1 FROM job WHERE source = ?")
    hasFile = try connection.prepare("SELECT 1 FROM job WHERE root = ? AND path = ?")
    hasJob = try connection.prepare("SELECT 1 FROM job WHERE uuid = ?")
    findJob = try connection.prepare(
      """
      SELECT id, uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body FROM job WHERE uuid = ?
      """)
    insert = try connection.prepare(
      """
      INSERT INTO job (uuid, root, path, state, current, source, loose, stamp, inputs_changed, note, body)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    update = try connection.prepare("UPDATE job SET body = ?2 WHERE id = ?1")
    updateState = try connection.prepare("UPDATE job SET state = ?1, body = ?3 WHERE id = ?2")
    updateLoose = try connection.prepare("UPDATE job SET state = ?1, loose = ?2, body = ?4 WHERE id = ?3")
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
