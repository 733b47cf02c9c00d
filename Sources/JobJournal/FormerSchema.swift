/// The tables of versions 1 to 6, as they were made: a file of one of these is brought to version 6 before its rows are read,
/// and only for that (see `Migration`).
enum FormerSchema {
  private static let states = "'queued','submitting','submitted','fetching','done','failed','held','cancelled'"

  /// The last of these versions.
  static let last = 6

  /// The fingerprint of what version 6 has.
  static let made: UInt64 = 0x7621_9221_473D_7DB1

  /// Brings a file that has these versions to the last one, up to `upTo`.
  static func complete(_ connection: Connection, from versions: [String], upTo: Int = last) throws {
    for (index, sql) in steps.prefix(upTo).enumerated() where !versions.contains("\(index + 1)") {
      try connection.execute(sql: sql)
      try connection.run("INSERT INTO grdb_migrations VALUES (?)", .text("\(index + 1)"))
    }
  }

  // One for each version, in their order.
  private static let steps = [
    """
    CREATE TABLE root (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);

    -- A file. `state` is what the user sees: the note's, else folded from the current revision's slots.
    -- `stamp` says that the file is unchanged since it was read; NULL: read it again.
    CREATE TABLE job (
      id TEXT PRIMARY KEY, root INTEGER NOT NULL, path BLOB NOT NULL, current INTEGER NOT NULL, state TEXT NOT NULL,
      note TEXT, note_code TEXT, stamp BLOB, inputs_changed INTEGER NOT NULL DEFAULT 0,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, UNIQUE (root, path)) WITHOUT ROWID;
    CREATE INDEX job_note ON job (note_code) WHERE note_code IS NOT NULL;
    CREATE INDEX job_state ON job (state) WHERE state != 'done';

    CREATE TABLE revision (
      job TEXT NOT NULL, number INTEGER NOT NULL, prompt_sha TEXT NOT NULL, source_sha TEXT NOT NULL, list_sha TEXT,
      request_sha TEXT NOT NULL, snapshot TEXT NOT NULL, count INTEGER NOT NULL, taken_at INTEGER NOT NULL,
      PRIMARY KEY (job, number)) WITHOUT ROWID;
    CREATE INDEX revision_source ON revision (source_sha);

    -- A paid picture. `due_at`: not before, `changed_at`: the last attempt's end, milliseconds since 1970.
    -- `detail` and `attempts` are JSON.
    CREATE TABLE slot (
      job TEXT NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL, root INTEGER NOT NULL,
      state TEXT NOT NULL, due_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, failures INTEGER NOT NULL, service_status TEXT, consumed TEXT,
      detail TEXT NOT NULL, attempts TEXT NOT NULL, PRIMARY KEY (job, revision, number)) WITHOUT ROWID;
    CREATE INDEX slot_queue ON slot (due_at) WHERE state = 'queued';
    CREATE INDEX slot_open ON slot (state) WHERE state IN ('submitting', 'submitted', 'fetching');

    -- A picture in the folder; `temporary` until it has its final name.
    CREATE TABLE output (
      job TEXT NOT NULL, revision INTEGER NOT NULL, slot INTEGER NOT NULL, part INTEGER NOT NULL,
      number INTEGER NOT NULL, file BLOB NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
      format TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, temporary BLOB,
      PRIMARY KEY (job, revision, slot, part)) WITHOUT ROWID;
    """,
    // The checks are what finds a word that went bad on the disk: a slot in no known state would be looked for by
    // nobody. The columns are as before, and `task_id`: the task that the slot follows, or followed last.
    """
    CREATE TABLE slot_2 (
      job TEXT NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL, root INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN (\(states))), due_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
      failures INTEGER NOT NULL, service_status TEXT, consumed TEXT, detail TEXT NOT NULL CHECK (json_valid(detail)),
      attempts TEXT NOT NULL CHECK (json_valid(attempts)), task_id TEXT,
      PRIMARY KEY (job, revision, number)) WITHOUT ROWID;
    INSERT INTO slot_2 SELECT *, json_extract(attempts, '$[#-1].task_id') FROM slot;
    DROP TABLE slot;
    ALTER TABLE slot_2 RENAME TO slot;
    CREATE INDEX slot_queue ON slot (due_at) WHERE state = 'queued';
    CREATE INDEX slot_open ON slot (state) WHERE state IN ('submitting', 'submitted', 'fetching');
    CREATE INDEX slot_task ON slot (task_id) WHERE task_id IS NOT NULL;

    -- The bill: a submission from its intent on; gone when it was not accepted. Amounts are decimal texts.
    CREATE TABLE charge (
      attempt_id TEXT PRIMARY KEY, root INTEGER NOT NULL, folder BLOB NOT NULL, model TEXT NOT NULL, size TEXT,
      day INTEGER NOT NULL, reserved TEXT, consumed TEXT) WITHOUT ROWID;
    CREATE INDEX charge_day ON charge (day);
    -- The highest that a kind of picture ever cost; size '' where none was asked for.
    CREATE TABLE price (
      model TEXT NOT NULL, size TEXT NOT NULL, highest TEXT NOT NULL, PRIMARY KEY (model, size)) WITHOUT ROWID;

    -- Callback URLs that were given out, by the hash of their secret, and what came to them.
    CREATE TABLE callback (
      secret_sha TEXT PRIMARY KEY, job TEXT NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL,
      attempt_id TEXT NOT NULL, made_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE evidence (
      secret_sha TEXT NOT NULL, task_id TEXT NOT NULL, received_at INTEGER NOT NULL, weighed INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (secret_sha, task_id)) WITHOUT ROWID;
    CREATE INDEX evidence_open ON evidence (received_at) WHERE weighed = 0;
    """,
    // `kept`: the picture's name in the state folder while its prompt's folder is not there. `shared`: whose sidecars
    // besides this machine's were seen in the root. `former_…`: where a renamed job's pictures still may be.
    """
    ALTER TABLE output ADD COLUMN kept BLOB;
    CREATE INDEX output_kept ON output (job) WHERE kept IS NOT NULL;
    ALTER TABLE root ADD COLUMN shared TEXT;
    ALTER TABLE job ADD COLUMN former_root INTEGER;
    ALTER TABLE job ADD COLUMN former_path BLOB;
    CREATE INDEX job_moving ON job (former_root) WHERE former_path IS NOT NULL;
    """,
    // `seen_at`: when the file was first seen, milliseconds since 1970; what waits for the same moment goes in that order.
    """
    ALTER TABLE slot ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
    UPDATE slot SET seen_at = coalesce((SELECT created_at FROM job WHERE id = slot.job), 0) WHERE state = 'queued';
    DROP INDEX slot_queue;
    CREATE INDEX slot_queue ON slot (due_at, seen_at) WHERE state = 'queued';
    """,
    // Which rules of exclude patterns held when the root was first watched: 1 for the shell's, 2 for gitignore's.
    "ALTER TABLE root ADD COLUMN exclude_rules INTEGER NOT NULL DEFAULT 1",
    // `warning`: what is wrong with a picture that was published all the same. The index finds the slots whose
    // pictures are late, among those that are held with a task.
    """
    ALTER TABLE output ADD COLUMN warning TEXT;
    CREATE INDEX slot_held ON slot (root) WHERE state = 'held' AND task_id IS NOT NULL;
    """,
  ]
}
