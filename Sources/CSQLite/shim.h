#include <sqlite3.h>

// SQLite need not count what it allocates, which takes a lock each time. Before the first connection; without effect later.
static inline int promptdrop_configure(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

// SQLITE_TRANSIENT is a cast that Swift does not import: SQLite copies what is bound.
static inline int promptdrop_bind_text(sqlite3_stmt *statement, int index, const char *text, int count) {
  // No address would be NULL, and not a text without letters.
  return sqlite3_bind_text(statement, index, text ? text : "", count, SQLITE_TRANSIENT);
}
static inline int promptdrop_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
// The bytes have to stay where they are until the statement was run.
static inline int promptdrop_bind_static_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_STATIC);
}
