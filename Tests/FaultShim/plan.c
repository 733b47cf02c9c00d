#define _GNU_SOURCE
#include "plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

static const char *const kind_names[SHIM_KINDS] = {"open",   "write", "fsync", "rename",  "unlink", "truncate", "allocate",
                                                   "mkdir",  "link",  "connect", "send", "recv",   "close"};
static const int can_fail[SHIM_KINDS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0};

static struct {
  int is_active, skips_syncs;
  long kill_before, kill_after, fail_from, fail_to;
  int fail_error;
  uint64_t seed, mean;
  long cut;
  unsigned kinds;
  char prefix[PATH_SIZE], suffix[PATH_SIZE];
  int log;
} plan = {.log = -1};

static atomic_long calls;

void *shim_next(const char *name) { return dlsym(RTLD_NEXT, name); }

// The kernel's own calls, past every wrapper.
static long raw(long number, long a, long b, long c, long d) {
  static long (*next)(long, ...);
  if (!next) next = (long (*)(long, ...))shim_next("syscall");
  return next(number, a, b, c, d);
}

static int errno_named(const char *text) {
  static const struct {
    const char *name;
    int number;
  } known[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS},   {"ENOMEM", ENOMEM},
               {"EMFILE", EMFILE}, {"ENFILE", ENFILE}, {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"EINTR", EINTR}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].name);
    if (strncmp(text, known[i].name, length) == 0 && (text[length] == 0 || text[length] == ':')) return known[i].number;
  }
  int number = atoi(text);
  return number > 0 ? number : EIO;
}

static void read_mode(const char *mode) {
  if (strncmp(mode, "kill=", 5) == 0) {
    plan.kill_before = atol(mode + 5);
  } else if (strncmp(mode, "killafter=", 10) == 0) {
    plan.kill_after = atol(mode + 10);
  } else if (strncmp(mode, "killrandom=", 11) == 0) {
    char *rest;
    plan.seed = strtoull(mode + 11, &rest, 10);
    plan.mean = *rest == ':' ? strtoull(rest + 1, NULL, 10) : 100;
  } else if (strcmp(mode, "nosync") == 0) {
    plan.skips_syncs = 1;
  } else if (strncmp(mode, "cut=", 4) == 0) {
    plan.cut = atol(mode + 4);
  } else if (strncmp(mode, "fail=", 5) == 0) {
    char *rest;
    plan.fail_from = strtol(mode + 5, &rest, 10);
    plan.fail_error = *rest == ':' ? errno_named(rest + 1) : EIO;
    const char *times = *rest == ':' ? strchr(rest + 1, ':') : NULL;
    long count = times ? atol(times + 1) : 1;
    plan.fail_to = plan.fail_from + (count > 0 ? count : 1) - 1;
  }
}

static void read_kinds(const char *list) {
  plan.kinds = (1u << SHIM_KINDS) - 1;
  if (!list || !*list) return;
  plan.kinds = 0;
  while (*list) {
    size_t length = strcspn(list, ",");
    for (int kind = 0; kind < SHIM_KINDS; kind++) {
      if (strlen(kind_names[kind]) == length && strncmp(kind_names[kind], list, length) == 0) plan.kinds |= 1u << kind;
    }
    list += length;
    if (*list) list++;
  }
}

static void read_text(char *into, const char *name) {
  const char *value = getenv(name);
  if (value) strncpy(into, value, PATH_SIZE - 1);
}

// The shell and setpriv, through which the program is started, have the same environment: they are left in peace.
static int is_meant(void) {
  const char *wanted = getenv("PROMPTDROP_TEST_SHIM_PROGRAM");
  char own[PATH_SIZE];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (!wanted || length <= 0) return 0;
  own[length] = 0;
  const char *name = strrchr(own, '/');
  return strcmp(name ? name + 1 : own, wanted) == 0;
}

__attribute__((constructor)) static void start(void) {
  const char *mode = getenv("PROMPTDROP_TEST_SHIM");
  if (!mode || !is_meant()) return;
  read_mode(mode);
  read_kinds(getenv("PROMPTDROP_TEST_SHIM_ONLY"));
  read_text(plan.prefix, "PROMPTDROP_TEST_SHIM_PREFIX");
  read_text(plan.suffix, "PROMPTDROP_TEST_SHIM_SUFFIX");
  const char *log = getenv("PROMPTDROP_TEST_SHIM_LOG");
  if (log && *log) {
    // A high number: the lowest free one is where libinotifytools is looked for.
    int opened = (int)raw(SYS_openat, AT_FDCWD, (long)log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (opened >= 0) {
      plan.log = fcntl(opened, F_DUPFD_CLOEXEC, 900);
      raw(SYS_close, opened, 0, 0, 0);
    }
  }
  plan.is_active = 1;
}

enum shim_sort shim_sort_of(int descriptor) {
  struct stat status;
  if (!plan.is_active || descriptor <= 2 || descriptor == plan.log) return SHIM_EXEMPT;
  int saved = errno;
  int failed = fstat(descriptor, &status);
  errno = saved;
  if (failed) return SHIM_EXEMPT;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return SHIM_FILE;
  return S_ISSOCK(status.st_mode) ? SHIM_SOCKET : SHIM_EXEMPT;
}

// No snprintf: a call may come from a signal handler.
static char *add_text(char *at, const char *end, const char *text) {
  while (*text && at < end) {
    *at++ = *text == '\n' || *text == '\t' ? '?' : *text;
    text++;
  }
  return at;
}

static char *add_number(char *at, const char *end, long number) {
  char digits[24];
  int count = 0;
  unsigned long rest = number < 0 ? 0ul - (unsigned long)number : (unsigned long)number;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (number < 0 && at < end) *at++ = '-';
  while (count && at < end) *at++ = digits[--count];
  return at;
}

static char *add_tab(char *at, const char *end) {
  if (at < end) *at++ = '\t';
  return at;
}

// The first word of what is sent tells a POST from a query.
static _Thread_local char sent_word[16];

void shim_note_sent(struct iovec first) {
  const char *text = first.iov_base;
  size_t length = 0;
  while (length < first.iov_len && length < sizeof sent_word - 1 && text[length] >= 'A' && text[length] <= 'Z') length++;
  memcpy(sent_word, text, length);
  sent_word[length] = 0;
}

static void log_begin(long number, enum shim_kind kind, const char *call, size_t bytes, const char *path) {
  char line[2 * PATH_SIZE + 128], *at = line, *end = line + sizeof line - 1;
  at = add_tab(add_text(at, end, "+"), end);
  at = add_tab(add_number(at, end, number), end);
  at = add_tab(add_text(at, end, kind_names[kind]), end);
  at = add_tab(add_text(at, end, call), end);
  at = add_tab(add_number(at, end, (long)bytes), end);
  at = add_text(at, end, path);
  if (kind == SHIM_SEND) at = add_text(add_tab(at, end), end, sent_word);
  *at++ = '\n';
  raw(SYS_write, plan.log, (long)line, at - line, 0);
}

static void log_end(long number, long result, int error) {
  char line[128], *at = line, *end = line + sizeof line - 1;
  at = add_tab(add_text(at, end, "-"), end);
  at = add_tab(add_number(at, end, number), end);
  at = add_tab(add_number(at, end, result), end);
  at = add_number(at, end, error);
  *at++ = '\n';
  raw(SYS_write, plan.log, (long)line, at - line, 0);
}

static _Noreturn void die(void) {
  for (;;) raw(SYS_kill, raw(SYS_getpid, 0, 0, 0, 0), SIGKILL, 0, 0);
}

// SplitMix64 of the seed and the call's number: the same calls, the same deaths.
static uint64_t chance(long number) {
  uint64_t mixed = plan.seed + (uint64_t)number * 0x9E3779B97F4A7C15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return mixed ^ (mixed >> 31);
}

static int path_is_meant(const char *path) {
  size_t length = strlen(path), ending = strlen(plan.suffix);
  return strncmp(path, plan.prefix, strlen(plan.prefix)) == 0 &&
         (length >= ending && strcmp(path + length - ending, plan.suffix) == 0);
}

// The path of a call: of its descriptor, or as given, below the descriptor's folder where it is relative.
static void write_path(char full[2 * PATH_SIZE], int descriptor, const char *path) {
  char *at = full, *end = full + 2 * PATH_SIZE - 1;
  if (descriptor >= 0 && (!path || *path != '/')) {
    char link[40], *number = add_text(link, link + sizeof link - 1, "/proc/self/fd/");
    *add_number(number, link + sizeof link - 1, descriptor) = 0;
    ssize_t length = readlink(link, full, PATH_SIZE - 1);
    at += length > 0 ? length : 0;
    if (path) at = add_text(at, end, "/");
  }
  *add_text(at, end, path ? path : "") = 0;
}

struct shim_call shim_begin(enum shim_kind kind, const char *call, int descriptor, const char *path, size_t bytes) {
  struct shim_call begun = {0, 0, 0};
  if (!plan.is_active || !(plan.kinds & 1u << kind)) return begun;
  int saved = errno;
  char full[2 * PATH_SIZE] = "";
  if (plan.log >= 0 || *plan.prefix || *plan.suffix) write_path(full, descriptor, path);
  if (path_is_meant(full)) {
    long number = begun.number = atomic_fetch_add(&calls, 1) + 1;
    if (plan.log >= 0) log_begin(number, kind, call, bytes, full);
    uint64_t luck = plan.mean ? chance(number) : 1;
    int is_drawn = plan.mean && luck % plan.mean == 0;
    if (number == plan.kill_before || (is_drawn && luck >> 63)) die();
    begun.dies = number == plan.kill_after || is_drawn;
    if (can_fail[kind] && number >= plan.fail_from && number <= plan.fail_to) begun.error = plan.fail_error;
  }
  errno = saved;
  return begun;
}

int shim_skips_syncs(void) { return plan.skips_syncs; }

static atomic_long received;
static atomic_int severed = -1;

int shim_is_severed(int descriptor) { return atomic_load(&severed) == descriptor; }
void shim_closed(int descriptor) { atomic_compare_exchange_strong(&severed, &descriptor, -1); }

long shim_received(int descriptor, long count) {
  if (!plan.cut || count <= 0) return count;
  long before = atomic_fetch_add(&received, count);
  if (before >= plan.cut || before + count < plan.cut) return count;
  atomic_store(&severed, descriptor);
  // What waits for the descriptor has to hear of its end.
  int saved = errno;
  raw(SYS_shutdown, descriptor, SHUT_RDWR, 0, 0);
  errno = saved;
  return plan.cut - before;
}

long shim_end(struct shim_call call, long result) {
  if (!call.number) return result;
  int saved = errno;
  if (plan.log >= 0) log_end(call.number, result, result < 0 ? saved : 0);
  if (call.dies) die();
  errno = saved;
  return result;
}
