import GRDB

/// The journal's tables. A migration, once released, is never changed; a new one is added below it.
enum Migrations {
  static var all: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
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
          """)
    }
    return migrator
  }
}
