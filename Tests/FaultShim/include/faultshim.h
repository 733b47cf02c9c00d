// A library for LD_PRELOAD. It counts the calls with which a program's state leaves the process, and on demand kills the
// process at one of them or lets them fail. Nothing in it is called by name: it stands before the C library's functions.
//
// Controlled by the environment; it does nothing in a program of another name than PROMPTDROP_TEST_SHIM_PROGRAM.
//
//   PROMPTDROP_TEST_SHIM    kill=N               SIGKILL just before the N-th call
//                           killafter=N          SIGKILL just after it
//                           killrandom=SEED:MEAN SIGKILL before or after one call of about MEAN
//                           fail=N:ERRNO[:TIMES] the N-th call and the TIMES-1 that follow return -1 with this errno (a name
//                                                or a number); what concerns sockets never fails, nor does closing
//                           cut=BYTES            the connection ends for the program once it has received so many bytes in
//                                                all, on whichever that is; later connections are sound
//                           nosync               fsync and fdatasync say that all is well and do nothing
//                           count                only counts
//   PROMPTDROP_TEST_SHIM_ONLY    kinds, separated by commas; all unless given
//   PROMPTDROP_TEST_SHIM_PREFIX  only paths that begin so
//   PROMPTDROP_TEST_SHIM_SUFFIX  only paths that end so
//   PROMPTDROP_TEST_SHIM_LOG     a file that is appended to, one line for the beginning of a call and one for its end:
//                                "+ N KIND CALL BYTES PATH [WORD]" (the first word sent) and "- N RESULT ERRNO", separated by tabs
//
// Kinds: open (with O_CREAT), write, fsync, rename, unlink, truncate, allocate, mkdir, link, connect, send, recv, close (of
// sockets). Not counted: standard output and error, pipes, devices and what has no place in a file system (eventfd and
// its kin).
#ifndef FAULTSHIM_H
#define FAULTSHIM_H

#endif
