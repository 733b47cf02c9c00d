// The reference of promptdrop-bench for what a disk costs: the writes and syncs of one drop, in their order, and nothing else.
//
//   replay FOLDER STATE URL PLAN
//
// For each *.prompt that is renamed into FOLDER it does what PLAN says, one step after the other in one thread:
//
//   write PATH SIZE OFFSET   bytes; OFFSET -1: after the last ones, from the start again behind 4 MB (a write-ahead log)
//   fsync PATH, datasync PATH
//   rename FROM TO, link FROM TO, unlink PATH
//   post                     submits the prompt on a connection that stays open
//
// A path begins with @D/ (FOLDER) or @S/ (STATE); a % in it is the prompt's name. What starts with @S/ stays open.
// Build: cc -O2 replay.c -o replay -lcurl.
#define _GNU_SOURCE
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_STEPS = 256, MOST_FILES = 64, MOST_BYTES = 1 << 20, LOG_SIZE = 4 << 20 };

struct step {
  char verb;
  char path[256], target[256];
  long size, offset;
};
struct file {
  char path[512];
  int number, stays;
  long next;
};

static struct step steps[MOST_STEPS];
static struct file files[MOST_FILES];
static int step_count;
static const char *folder, *state;
static char bytes[MOST_BYTES], answer[1 << 16];

static void give_up(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static void read_plan(const char *path) {
  FILE *plan = fopen(path, "r");
  char line[1024], verb[16];
  if (!plan) give_up(path);
  while (fgets(line, sizeof line, plan) && step_count < MOST_STEPS) {
    struct step *step = &steps[step_count++];
    int count = sscanf(line, "%15s %255s %255s %ld", verb, step->path, step->target, &step->offset);
    step->verb = verb[0];
    if (step->verb == 'w') step->size = atol(step->target);
    int needed = verb[0] == 'p' ? 1 : strchr("fdu", verb[0]) ? 2 : verb[0] == 'w' ? 4 : 3;
    if (count < needed || !strchr("wfdrlup", verb[0]) || step->size > MOST_BYTES) give_up(line);
  }
  fclose(plan);
}

static void resolve(char *to, const char *path, const char *name) {
  to += sprintf(to, "%s", strncmp(path, "@D", 2) ? state : folder);
  for (path += 2; *path; path++) {
    if (*path == '%') to = stpcpy(to, name);
    else *to++ = *path;
  }
  *to = 0;
}

// The open file of a path; it is made where it is not there.
static struct file *file_at(const char *path, int stays) {
  struct file *empty = NULL;
  for (int i = 0; i < MOST_FILES; i++) {
    if (!files[i].path[0]) empty = &files[i];
    else if (!strcmp(files[i].path, path)) return &files[i];
  }
  if (!empty) give_up("too many files");
  struct stat status;
  int is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
  empty->number = open(path, (is_folder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT) | O_CLOEXEC, 0600);
  if (empty->number < 0) give_up(path);
  strcpy(empty->path, path);
  empty->stays = stays || is_folder;
  empty->next = 0;
  return empty;
}

static void do_step(const struct step *step, const char *name) {
  char path[512], target[512];
  resolve(path, step->path, name);
  if (step->verb == 'w') {
    struct file *file = file_at(path, !strncmp(step->path, "@S", 2));
    long at = step->offset;
    if (at < 0) {
      if (file->next + step->size > LOG_SIZE) file->next = 0;
      at = file->next;
      file->next += step->size;
    }
    if (pwrite(file->number, bytes, step->size, at) != step->size) give_up(path);
  } else if (step->verb == 'f' || step->verb == 'd') {
    struct file *file = file_at(path, !strncmp(step->path, "@S", 2));
    if ((step->verb == 'f' ? fsync : fdatasync)(file->number) < 0) give_up(path);
  } else if (step->verb == 'r') {
    resolve(target, step->target, name);
    if (rename(path, target) < 0) give_up(path);
    for (int i = 0; i < MOST_FILES; i++) {
      if (!strcmp(files[i].path, path)) strcpy(files[i].path, target);
    }
  } else if (step->verb == 'l') {
    resolve(target, step->target, name);
    if (link(path, target) < 0 && errno != EEXIST) give_up(path);
  } else if (unlink(path) < 0 && errno != ENOENT) give_up(path);
}

static size_t receive(char *from, size_t size, size_t count, void *context) {
  size_t *length = context, more = size * count;
  if (*length + more >= sizeof answer) return 0;
  memcpy(answer + *length, from, more);
  *length += more;
  return more;
}

int main(int argc, char **argv) {
  if (argc != 5) return fprintf(stderr, "usage: replay FOLDER STATE URL PLAN\n"), 2;
  folder = argv[1], state = argv[2];
  read_plan(argv[4]);
  memset(bytes, 'x', sizeof bytes);
  char url[512];
  snprintf(url, sizeof url, "%s/api/image/gen", argv[3]);
  curl_global_init(CURL_GLOBAL_NOTHING);
  CURL *easy = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, "Authorization: Bearer dk-bench");
  headers = curl_slist_append(headers, "Content-Type: application/json");
  size_t received = 0;
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);
  int notifier = inotify_init1(IN_CLOEXEC);
  if (inotify_add_watch(notifier, folder, IN_MOVED_TO) < 0) give_up(folder);
  static char events[1 << 16] __attribute__((aligned(__alignof__(struct inotify_event))));
  for (;;) {
    ssize_t count = read(notifier, events, sizeof events);
    if (count < 0) give_up("read");
    for (char *at = events; at < events + count;) {
      struct inotify_event *event = (struct inotify_event *)at;
      at += sizeof *event + event->len;
      size_t length = event->len ? strlen(event->name) : 0;
      if (length < 8 || strcmp(event->name + length - 7, ".prompt")) continue;
      char path[512], text[4096], request[8192], name[256];
      snprintf(path, sizeof path, "%s/%s", folder, event->name);
      snprintf(name, sizeof name, "%.*s", (int)length - 7, event->name);
      int prompt = open(path, O_RDONLY | O_CLOEXEC);
      ssize_t size = prompt < 0 ? -1 : read(prompt, text, sizeof text);
      if (size < 0) give_up(path);
      close(prompt);
      snprintf(request, sizeof request, "{\"model\":\"google/gempix2\",\"prompt\":\"%.*s\"}", (int)size, text);
      for (int i = 0; i < step_count; i++) {
        if (steps[i].verb != 'p') {
          do_step(&steps[i], name);
          continue;
        }
        received = 0;
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request);
        if (curl_easy_perform(easy) != CURLE_OK) give_up("the submission failed");
      }
      for (int i = 0; i < MOST_FILES; i++) {
        if (!files[i].path[0] || files[i].stays) continue;
        close(files[i].number);
        files[i].path[0] = 0;
      }
    }
  }
}
