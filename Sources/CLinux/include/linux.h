// The few Linux calls that Swift's Glibc module lacks.
#ifndef PROMPTDROP_CLINUX_H
#define PROMPTDROP_CLINUX_H

#include <sys/types.h>

// O_PATH, which the Glibc module does not import.
extern const int pd_o_path;

// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS: the path cannot leave `folder`, whatever
// is swapped in while it is walked. Returns a descriptor, or -1 with errno.
int pd_open_beneath(int folder, const char *path, int flags, mode_t mode);

// renameat2(2) with RENAME_NOREPLACE: an existing target makes it fail with EEXIST. Returns 0, or -1 with errno; EINVAL where
// the file system cannot do that.
int pd_rename_new(int from_folder, const char *from, int to_folder, const char *to);

// fcntl(2) with F_SETLEASE: takes a read lease on a file that is open for reading only, and gives it back at once. Returns 0,
// or -1 with errno; EAGAIN while anybody has the file open for writing. Whoever opens the file in between waits for these few
// microseconds, and SIGIO is sent to this process: it has to be ignored.
int pd_try_read_lease(int file);

// eventfd(2), non-blocking and close-on-exec. Returns a descriptor, or -1 with errno.
int pd_eventfd(void);

// getdents64(2): fills `buffer` with entries of an open folder. Returns the bytes used, 0 at the end, or -1 with errno.
ssize_t pd_entries(int folder, void *buffer, size_t size);

// statx(2) with STATX_MNT_ID: the mount that `name` in `folder` is on, or `folder` itself where the name is empty; links are not
// followed. Returns 0, or -1 with errno; EOPNOTSUPP before Linux 5.8.
int pd_mount_id(int folder, const char *name, unsigned long long *id);

// fstatfs(2): the file system's kind, as 32 bits without sign. Returns 0, or -1 with errno.
int pd_file_system(int file, unsigned int *kind);

// getrandom(2): fills `buffer` with random bytes; up to 256 come whole. Returns how many, or -1 with errno.
ssize_t pd_random(void *buffer, size_t size);

// mallopt(3): blocks of this many bytes and more are given back to the system when they are freed, always.
void pd_return_large_blocks(int bytes);

// Lets the calling thread's heap, which must be new, grow to this many bytes without a call of the system for each page:
// glibc asks for those of a thread's own heap one by one (mprotect(2)), once each. None takes memory before it is used.
void pd_prepare_heap(size_t bytes);

// prctl(2) with PR_SET_NAME: what ps(1) and top(1) call the calling thread, up to 15 bytes.
void pd_name_thread(const char *name);

// malloc_trim(3): gives the system back what is free between blocks in use; some milliseconds for a heap of many megabytes.
void pd_return_free_memory(void);

#endif
