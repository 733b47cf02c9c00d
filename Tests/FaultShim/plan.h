// What is to happen at which call: read once from the environment, asked before and after each intercepted call.
#ifndef FAULTSHIM_PLAN_H
#define FAULTSHIM_PLAN_H

#include <stddef.h>
#include <sys/uio.h>

enum shim_kind {
  SHIM_OPEN,
  SHIM_WRITE,
  SHIM_FSYNC,
  SHIM_RENAME,
  SHIM_UNLINK,
  SHIM_TRUNCATE,
  SHIM_ALLOCATE,
  SHIM_MKDIR,
  SHIM_LINK,
  SHIM_CONNECT,
  SHIM_SEND,
  SHIM_RECV,
  SHIM_CLOSE,
  SHIM_KINDS
};

// One call between its beginning and its end. `number` is 0 where the call does not count.
struct shim_call {
  long number;
  int error; // Above 0: the call is not made and fails with this.
  int dies;  // The process dies when the call has been made.
};

// What a descriptor is: decided anew at each call, because numbers are used again.
enum shim_sort { SHIM_EXEMPT, SHIM_FILE, SHIM_SOCKET };
enum shim_sort shim_sort_of(int descriptor);

// `path` may be NULL: then it is that of `descriptor`. Does not return where the process is to die here.
struct shim_call shim_begin(enum shim_kind kind, const char *call, int descriptor, const char *path, size_t bytes);
// Returns `result`, with errno as the call left it. Does not return where the process is to die here.
long shim_end(struct shim_call call, long result);

// Told before the call that is to send these bytes: the log shows their first word, where it is in capitals.
void shim_note_sent(struct iovec first);

// Whether a sync is to be taken for done without being made.
int shim_skips_syncs(void);

// What of `count` received bytes the program is given; a connection that is severed has reached its end.
long shim_received(int descriptor, long count);
int shim_is_severed(int descriptor);
void shim_closed(int descriptor);

// The function that a wrapper stands before.
void *shim_next(const char *name);

#endif
