// The kernel's header comes first: without it the library's own leaves `struct inotify_event` incomplete.
#include <sys/inotify.h>
#include <inotifytools/inotify.h>
#include <inotifytools/inotifytools.h>
