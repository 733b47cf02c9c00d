/// The tables, and which version's a file has.
///
/// Versions are counted in the table `grdb_migrations`, which earlier programs look at too: one that does not know a version
/// that stands there does not open the file. Versions 1 to 6 are in `FormerSchema`; 7 is `tables`. A schema, once released,
/// is never changed; the next one is a new version.
enum Schema {
  static let version = 7

  /// The fingerprint of what is made; a test says what it has to be.
  static let made: UInt64 = 0x0829_5FFC_5B39_6E4F

  /// A fingerprint (FNV-1a, 64 bits) of the tables and indexes as they were written down.
  static func fingerprint(_ connection: Connection) throws -> UInt64 {
    let written = try connection.all(
      "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    ) { $0.text(0) }
    return written.joined(separator: ";").utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// The versions that a file has been brought to; none for one without tables.
  static func versions(_ connection: Connection) throws -> [String] {
    let hasTable = try connection.first("SELECT 1 FROM sqlite_schema WHERE name = 'grdb_migrations'") { _ in true }
    guard hasTable == true else { return [] }
    return try connection.all("SELECT identifier FROM grdb_migrations") { $0.text(0) }
  }

  /// Makes the tables in a file that has none.
  static func make(_ connection: Connection) throws {
    try connection.execute(sql: tables)
    for version in 1...version {
      try connection.run("INSERT INTO grdb_migrations VALUES (?)", .text("\(version)"))
    }
  }

  /// The rules of exclude patterns that new roots begin with.
  static let presentExcludeRules = 2

  // What a program writes, it writes whole: a CHECK that fails means that the file went bad.
  private static let tables = """
    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);

    -- `shared`: whose sidecars besides this machine's were seen in it. `exclude_rules`: which rules of exclude patterns held
    -- when it was first watched, 1 for the shell's, 2 for gitignore's.
    CREATE TABLE root (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, shared TEXT, exclude_rules INTEGER NOT NULL);

    -- What rows have in common; see `Words`.
    CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL, checksum INTEGER NOT NULL);

    -- A file with its revisions, slots, attempts and pictures: one row, so that a step of a job writes one page. Its columns
    -- are what is looked for, and what is read for every file at a start; `body` is all else (see `RecordCoding`). `uuid` is
    -- the job's id, 16 bytes. `state`: `StateName.number`. `source`: 48 bits of the current revision's source hash.
    -- `loose`: it has kept pictures, or temporary ones and no open slot. `former_…`: where a renamed job's pictures still
    -- may be. `note` is JSON.
    CREATE TABLE job (
      id INTEGER PRIMARY KEY, uuid BLOB NOT NULL, root INTEGER NOT NULL, path BLOB NOT NULL,
      state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7), current INTEGER NOT NULL, source INTEGER,
      loose INTEGER NOT NULL, stamp BLOB, inputs_changed INTEGER NOT NULL, note TEXT CHECK (note IS NULL OR json_valid(note)),
      former_root INTEGER, former_path BLOB, body BLOB NOT NULL CHECK (typeof(body) = 'blob'));
    CREATE UNIQUE INDEX job_uuid ON job (uuid);
    CREATE UNIQUE INDEX job_path ON job (root, path);
    CREATE INDEX job_source ON job (source) WHERE source IS NOT NULL;
    -- What needs somebody: failed, held, cancelled; and what has a note.
    CREATE INDEX job_settled ON job (state) WHERE state > 4;
    CREATE INDEX job_noted ON job (id) WHERE note IS NOT NULL;
    CREATE INDEX job_loose ON job (id) WHERE loose = 1;
    CREATE INDEX job_moving ON job (id) WHERE former_path IS NOT NULL;
    -- When it had last changed, for jobs with details that are forgotten some time after.
    CREATE TABLE forgettable (job INTEGER PRIMARY KEY, changed_at INTEGER NOT NULL);

    -- The slots of which something may still become: what the queue is read from. It follows from the jobs' bodies. `state`:
    -- 0 queued, 1 under way, 6 held: one that is under way keeps its row, whose times are 0, until that is over. `blame`:
    -- 1 where the slot waits with an unclear refusal; `code`: of the error that it waits with.
    CREATE TABLE open_slot (
      state INTEGER NOT NULL CHECK (state = 0 OR state = 1 OR state = 6), due_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
      job INTEGER NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL, blame INTEGER NOT NULL, code TEXT,
      PRIMARY KEY (state, due_at, seen_at, job, revision, number)) WITHOUT ROWID;

    -- Which job has a slot with this task, by 48 bits of its id. It follows from the jobs' bodies.
    CREATE TABLE task (key INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (key, job)) WITHOUT ROWID;

    -- Long prompts, each once: `key` is of the text's hash; `uses` says how many revisions have it.
    CREATE TABLE prompt (
      id INTEGER PRIMARY KEY, key INTEGER NOT NULL, hash BLOB NOT NULL, text TEXT NOT NULL, uses INTEGER NOT NULL);
    CREATE INDEX prompt_key ON prompt (key);

    -- The bill: a submission from its intent on, for good; gone when it was not accepted. Amounts: `Decimals`, else text.
    -- `job` with revision and number: what was paid for.
    CREATE TABLE charge (
      day INTEGER NOT NULL, attempt BLOB NOT NULL, place INTEGER NOT NULL, reserved, consumed, job INTEGER,
      revision INTEGER, number INTEGER, PRIMARY KEY (day, attempt)) WITHOUT ROWID;
    -- Where and what a charge is for.
    CREATE TABLE place (
      id INTEGER PRIMARY KEY, root INTEGER NOT NULL, folder BLOB NOT NULL, model TEXT NOT NULL, size TEXT);
    CREATE INDEX place_folder ON place (root, folder);
    -- The highest that a kind of picture ever cost; size '' where none was asked for.
    CREATE TABLE price (
      model TEXT NOT NULL, size TEXT NOT NULL, highest TEXT NOT NULL, PRIMARY KEY (model, size)) WITHOUT ROWID;

    -- Callback URLs that were given out, by the hash of their secret, and what came to them.
    CREATE TABLE callback (
      secret_sha BLOB PRIMARY KEY NOT NULL, job BLOB NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL,
      attempt BLOB NOT NULL, made_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE evidence (
      secret_sha BLOB NOT NULL, task_id TEXT NOT NULL, received_at INTEGER NOT NULL, weighed INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (secret_sha, task_id)) WITHOUT ROWID;
    CREATE INDEX evidence_open ON evidence (received_at) WHERE weighed = 0;

    -- Events that others are to hear of at least once: written with the change that they tell of, gone when delivered. No id
    -- is given out twice.
    CREATE TABLE event (
      id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, job BLOB NOT NULL, revision INTEGER, number INTEGER,
      at INTEGER NOT NULL, detail BLOB NOT NULL);
    """
}
