// The calls that change files. `write` and `writev` on a socket count as sending.
#define _GNU_SOURCE
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// Calls through the function behind the wrapper `name`, found once.
#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))shim_next(#name)

// The body of a wrapper: begins the call, makes it unless it is to fail, ends it.
#define COUNTED(kind, descriptor, path, bytes, ...) \
  struct shim_call call = shim_begin(kind, __func__, descriptor, path, bytes); \
  if (call.error) { \
    errno = call.error; \
    return shim_end(call, -1); \
  } \
  return shim_end(call, __VA_ARGS__)

#define MODE_OF(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

#define OPENING(name) \
  int name(const char *path, int flags, ...) { \
    NEXT(name); \
    MODE_OF(flags); \
    if (!(flags & O_CREAT)) return next(path, flags, mode); \
    COUNTED(SHIM_OPEN, -1, path, 0, next(path, flags, mode)); \
  }
OPENING(open)
OPENING(open64)

#define OPENING_AT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    NEXT(name); \
    MODE_OF(flags); \
    if (!(flags & O_CREAT)) return next(folder, path, flags, mode); \
    COUNTED(SHIM_OPEN, folder, path, 0, next(folder, path, flags, mode)); \
  }
OPENING_AT(openat)
OPENING_AT(openat64)

#define CREATING(name) \
  int name(const char *path, mode_t mode) { \
    NEXT(name); \
    COUNTED(SHIM_OPEN, -1, path, 0, next(path, mode)); \
  }
CREATING(creat)
CREATING(creat64)

// openat2 has no function of its own in the C library.
long syscall(long number, ...) {
  NEXT(syscall);
  va_list rest;
  va_start(rest, number);
  long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
  long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
  va_end(rest);
  if (number != SYS_openat2 || !(((const struct open_how *)c)->flags & O_CREAT)) return next(number, a, b, c, d, e, f);
  struct shim_call call = shim_begin(SHIM_OPEN, "openat2", (int)a, (const char *)b, 0);
  if (call.error) {
    errno = call.error;
    return shim_end(call, -1);
  }
  return shim_end(call, next(number, a, b, c, d, e, f));
}

static size_t total(const struct iovec *parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
  return bytes;
}

static struct iovec part(const void *bytes, size_t count) {
  struct iovec made = {(void *)bytes, count};
  return made;
}
static struct iovec first_of(const struct iovec *parts, int count) { return count > 0 ? *parts : part("", 0); }

// The same for a descriptor that may be anything.
#define WRITING(first, bytes, ...) \
  enum shim_sort sort = shim_sort_of(descriptor); \
  if (sort == SHIM_EXEMPT) return __VA_ARGS__; \
  if (sort == SHIM_SOCKET) shim_note_sent(first); \
  COUNTED(sort == SHIM_SOCKET ? SHIM_SEND : SHIM_WRITE, descriptor, NULL, bytes, __VA_ARGS__)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  NEXT(write);
  WRITING(part(bytes, count), count, next(descriptor, bytes, count));
}
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  NEXT(pwrite);
  WRITING(part(bytes, count), count, next(descriptor, bytes, count, offset));
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  NEXT(pwrite64);
  WRITING(part(bytes, count), count, next(descriptor, bytes, count, offset));
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  NEXT(writev);
  WRITING(first_of(parts, count), total(parts, count), next(descriptor, parts, count));
}
ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) {
  NEXT(pwritev);
  WRITING(first_of(parts, count), total(parts, count), next(descriptor, parts, count, offset));
}
ssize_t pwritev2(int descriptor, const struct iovec *parts, int count, off_t offset, int flags) {
  NEXT(pwritev2);
  WRITING(first_of(parts, count), total(parts, count), next(descriptor, parts, count, offset, flags));
}

#define SYNCING(name) \
  int name(int descriptor) { \
    NEXT(name); \
    COUNTED(SHIM_FSYNC, descriptor, NULL, 0, shim_skips_syncs() ? 0 : next(descriptor)); \
  }
SYNCING(fsync)
SYNCING(fdatasync)
int sync_file_range(int descriptor, off64_t from, off64_t count, unsigned flags) {
  NEXT(sync_file_range);
  COUNTED(SHIM_FSYNC, descriptor, NULL, 0, next(descriptor, from, count, flags));
}

int rename(const char *from, const char *to) {
  NEXT(rename);
  COUNTED(SHIM_RENAME, -1, to, 0, next(from, to));
}
int renameat(int old, const char *from, int new, const char *to) {
  NEXT(renameat);
  COUNTED(SHIM_RENAME, new, to, 0, next(old, from, new, to));
}
int renameat2(int old, const char *from, int new, const char *to, unsigned flags) {
  NEXT(renameat2);
  COUNTED(SHIM_RENAME, new, to, 0, next(old, from, new, to, flags));
}
int unlink(const char *path) {
  NEXT(unlink);
  COUNTED(SHIM_UNLINK, -1, path, 0, next(path));
}
int unlinkat(int folder, const char *path, int flags) {
  NEXT(unlinkat);
  COUNTED(SHIM_UNLINK, folder, path, 0, next(folder, path, flags));
}
int link(const char *from, const char *to) {
  NEXT(link);
  COUNTED(SHIM_LINK, -1, to, 0, next(from, to));
}
int linkat(int old, const char *from, int new, const char *to, int flags) {
  NEXT(linkat);
  COUNTED(SHIM_LINK, new, to, 0, next(old, from, new, to, flags));
}
int mkdir(const char *path, mode_t mode) {
  NEXT(mkdir);
  COUNTED(SHIM_MKDIR, -1, path, 0, next(path, mode));
}
int mkdirat(int folder, const char *path, mode_t mode) {
  NEXT(mkdirat);
  COUNTED(SHIM_MKDIR, folder, path, 0, next(folder, path, mode));
}

#define TRUNCATING(name, offset) \
  int name(int descriptor, offset length) { \
    NEXT(name); \
    COUNTED(SHIM_TRUNCATE, descriptor, NULL, (size_t)length, next(descriptor, length)); \
  }
TRUNCATING(ftruncate, off_t)
TRUNCATING(ftruncate64, off64_t)

#define ALLOCATING(name, offset) \
  int name(int descriptor, int mode, offset from, offset length) { \
    NEXT(name); \
    COUNTED(SHIM_ALLOCATE, descriptor, NULL, (size_t)length, next(descriptor, mode, from, length)); \
  }
ALLOCATING(fallocate, off_t)
ALLOCATING(fallocate64, off64_t)

// These return the error instead of setting errno.
#define ALLOCATING_POSIX(name, offset) \
  int name(int descriptor, offset from, offset length) { \
    NEXT(name); \
    struct shim_call call = shim_begin(SHIM_ALLOCATE, __func__, descriptor, NULL, (size_t)length); \
    int error = call.error ? call.error : next(descriptor, from, length); \
    shim_end(call, error ? -1 : 0); \
    return error; \
  }
ALLOCATING_POSIX(posix_fallocate, off_t)
ALLOCATING_POSIX(posix_fallocate64, off64_t)
