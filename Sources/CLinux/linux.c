#define _GNU_SOURCE
#include "linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

const int pd_o_path = O_PATH;

int pd_open_beneath(int folder, const char *path, int flags, mode_t mode) {
  struct open_how how;
  memset(&how, 0, sizeof how);
  how.flags = (unsigned long long)flags;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

int pd_rename_new(int from_folder, const char *from, int to_folder, const char *to) {
  return renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE);
}

ssize_t pd_entries(int folder, void *buffer, size_t size) { return getdents64(folder, buffer, size); }

int pd_mount_id(int folder, const char *name, unsigned long long *id) {
  struct statx found;
  if (statx(folder, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &found) != 0) return -1;
  if (!(found.stx_mask & STATX_MNT_ID)) {
    errno = EOPNOTSUPP;
    return -1;
  }
  *id = found.stx_mnt_id;
  return 0;
}

int pd_file_system(int file, unsigned int *kind) {
  struct statfs found;
  if (fstatfs(file, &found) != 0) return -1;
  *kind = (unsigned int)found.f_type;
  return 0;
}

int pd_try_read_lease(int file) {
  if (fcntl(file, F_SETLEASE, F_RDLCK) != 0) return -1;
  fcntl(file, F_SETLEASE, F_UNLCK);
  return 0;
}

int pd_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void pd_return_large_blocks(int bytes) {
  mallopt(M_MMAP_THRESHOLD, bytes);
  mallopt(M_TRIM_THRESHOLD, bytes);
}

void pd_prepare_heap(size_t bytes) {
  // Larger ones might have mappings of their own.
  enum { block = 65536 };
  void *last = NULL;
  for (size_t made = 0; made + block <= bytes; made += block) {
    void **next = malloc(block);
    if (!next) break;
    *next = last;
    last = next;
  }
  while (last) {
    void *next = *(void **)last;
    free(last);
    last = next;
  }
}

void pd_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

void pd_return_free_memory(void) { malloc_trim(0); }

ssize_t pd_random(void *buffer, size_t size) { return getrandom(buffer, size, 0); }
