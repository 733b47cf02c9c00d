// The reference of promptdrop-bench: the least that a program in C does with a dropped prompt.
//
//   loop FOLDER URL
//
// It submits each *.prompt that is renamed into FOLDER, queries its task once, fetches the picture, and writes NAME.png under
// a temporary name that it renames. It has no journal, no sidecar, no settling, no limits, no retries, and syncs nothing: what
// fails is counted and forgotten. One thread waits with epoll for inotify and for the sockets of libcurl's multi interface;
// at most 64 jobs are on their way, each with one request at a time, so there are at most 64 connections.
//
// Build: cc -O2 loop.c -o loop -lcurl. SIGTERM ends it; it then prints "jobs N failed N connections N".
#define _GNU_SOURCE
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 64, MOST_DESCRIPTORS = 1024, MOST_TEXT = 1 << 16 };

struct buffer {
  char *bytes;
  size_t count, room;
};

struct slot {
  CURL *easy;
  enum { SUBMIT, QUERY, FETCH } step;
  char *name;  // without ".prompt"
  char *request;
  struct buffer answer;
  struct slot *next;
};

struct waiting {
  struct waiting *next;
  char name[];
};

static struct slot slots[SLOTS], *idle;
static struct waiting *first, **last = &first;
static CURLM *multi;
static struct curl_slist *headers;
static const char *base;
static int folder, poller;
static unsigned registered[MOST_DESCRIPTORS];  // the events that epoll waits for
static double due = -1;                        // when libcurl wants its time-outs looked at; below 0: never
static long jobs, failed, connections;
static volatile sig_atomic_t ended;

static void end(int signal) { (void)signal, ended = 1; }

static void give_up(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
  struct buffer *buffer = context;
  size_t more = size * count;
  if (buffer->count + more + 1 > buffer->room) {
    buffer->room = (buffer->count + more + 1) * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->room);
    if (!buffer->bytes) return 0;
  }
  memcpy(buffer->bytes + buffer->count, bytes, more);
  buffer->count += more;
  buffer->bytes[buffer->count] = 0;
  return more;
}

// A socket stays with epoll while no request is on it: the next one is only a moment away.
static int watch_socket(CURL *easy, curl_socket_t number, int what, void *context, void *of_socket) {
  (void)easy, (void)context, (void)of_socket;
  if (number >= MOST_DESCRIPTORS) return 0;
  if (what == CURL_POLL_REMOVE) {
    if (registered[number]) epoll_ctl(poller, EPOLL_CTL_DEL, number, NULL);
    registered[number] = 0;
    return 0;
  }
  unsigned events = (what & CURL_POLL_IN ? EPOLLIN | EPOLLRDHUP : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
  if (registered[number] == events) return 0;
  struct epoll_event event = {.events = events, .data.fd = number};
  epoll_ctl(poller, registered[number] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, number, &event);
  registered[number] = events;
  return 0;
}

static int watch_time(CURLM *of, long milliseconds, void *context) {
  (void)of, (void)context;
  due = milliseconds < 0 ? -1 : milliseconds == 0 ? 0 : now() + milliseconds;
  return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context, (void)purpose;
  connections++;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int close_socket(void *context, curl_socket_t number) {
  (void)context;
  if (number < MOST_DESCRIPTORS) registered[number] = 0;
  return close(number);
}

// The string that follows `key` in an answer, with JSON's "\/" as "/"; ends in place.
static char *value(char *answer, const char *key) {
  char *start = answer ? strstr(answer, key) : NULL;
  if (!start) return NULL;
  start += strlen(key);
  char *to = start;
  for (char *from = start; *from && *from != '"'; from++) {
    if (*from == '\\' && from[1]) from++;
    *to++ = *from;
  }
  *to = 0;
  return start;
}

static void send_request(struct slot *slot) {
  slot->answer.count = 0;
  curl_multi_add_handle(multi, slot->easy);
}

static void finish(struct slot *slot, int is_done) {
  if (is_done) jobs++;
  else failed++;
  free(slot->name);
  slot->name = NULL;
  slot->next = idle;
  idle = slot;
}

static void submit(struct slot *slot, const char *file) {
  static char text[MOST_TEXT];
  slot->name = strndup(file, strlen(file) - strlen(".prompt"));
  int prompt = openat(folder, file, O_RDONLY | O_CLOEXEC);
  ssize_t count = prompt < 0 ? -1 : read(prompt, text, sizeof text);
  if (prompt >= 0) close(prompt);
  free(slot->request);
  slot->request = count < 0 ? NULL : malloc(6 * count + 64);
  if (!slot->request) return finish(slot, 0);
  char *to = stpcpy(slot->request, "{\"model\":\"google/gempix2\",\"prompt\":\"");
  for (ssize_t i = 0; i < count; i++) {
    unsigned char byte = text[i];
    if (byte < 0x20) to += sprintf(to, "\\u%04x", byte);
    else {
      if (byte == '"' || byte == '\\') *to++ = '\\';
      *to++ = byte;
    }
  }
  strcpy(to, "\"}");
  char url[512];
  snprintf(url, sizeof url, "%s/api/image/gen", base);
  curl_easy_setopt(slot->easy, CURLOPT_URL, url);
  curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->request);
  slot->step = SUBMIT;
  send_request(slot);
}

static void query(struct slot *slot) {
  char *task = value(slot->answer.bytes, "\"task_id\":\"");
  if (!task) return finish(slot, 0);
  char url[512];
  snprintf(url, sizeof url, "%s/api/task/query?task_id=%s", base, task);
  curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
  curl_easy_setopt(slot->easy, CURLOPT_URL, url);
  slot->step = QUERY;
  send_request(slot);
}

static void fetch(struct slot *slot) {
  char *image = value(slot->answer.bytes, "\"image\":\"");
  if (!image) return finish(slot, 0);
  curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, NULL);
  curl_easy_setopt(slot->easy, CURLOPT_URL, image);
  slot->step = FETCH;
  send_request(slot);
}

static void place(struct slot *slot) {
  char temporary[300], name[300];
  snprintf(temporary, sizeof temporary, ".%s.tmp", slot->name);
  snprintf(name, sizeof name, "%s.png", slot->name);
  int file = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ssize_t count = file < 0 ? -1 : write(file, slot->answer.bytes, slot->answer.count);
  if (file >= 0) close(file);
  finish(slot, count == (ssize_t)slot->answer.count && renameat(folder, temporary, folder, name) == 0);
}

// Goes on with every job whose answer is complete.
static void go_on(void) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(multi, &left))) {
    struct slot *slot;
    long status = 0;
    CURLcode result = message->data.result;
    CURL *easy = message->easy_handle;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, easy);
    if (result != CURLE_OK || status != 200) finish(slot, 0);
    else if (slot->step == SUBMIT) query(slot);
    else if (slot->step == QUERY) fetch(slot);
    else place(slot);
  }
  while (first && idle) {
    struct slot *slot = idle;
    struct waiting *next = first;
    idle = slot->next;
    first = next->next;
    if (!first) last = &first;
    submit(slot, next->name);
    free(next);
  }
}

static void hear(int notifier) {
  static char bytes[1 << 16] __attribute__((aligned(__alignof__(struct inotify_event))));
  ssize_t count = read(notifier, bytes, sizeof bytes);
  for (char *at = bytes; at < bytes + count;) {
    struct inotify_event *event = (struct inotify_event *)at;
    at += sizeof *event + event->len;
    size_t length = event->len ? strlen(event->name) : 0;
    if (length < 8 || strcmp(event->name + length - 7, ".prompt")) continue;
    struct waiting *more = malloc(sizeof *more + length + 1);
    if (!more) give_up("malloc");
    more->next = NULL;
    strcpy(more->name, event->name);
    *last = more;
    last = &more->next;
  }
}

static void set_up(const char *path) {
  folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) give_up(path);
  curl_global_init(CURL_GLOBAL_NOTHING);
  multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, watch_time);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)SLOTS);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)SLOTS);
  headers = curl_slist_append(NULL, "Authorization: Bearer dk-bench");
  headers = curl_slist_append(headers, "Content-Type: application/json");
  for (int i = 0; i < SLOTS; i++) {
    struct slot *slot = &slots[i];
    slot->easy = curl_easy_init();
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, &slot->answer);
    curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
    slot->next = idle;
    idle = slot;
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: loop FOLDER URL\n"), 2;
  base = argv[2];
  struct sigaction action = {.sa_handler = end};
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  sigaction(SIGTERM, &action, NULL);
  set_up(argv[1]);
  poller = epoll_create1(EPOLL_CLOEXEC);
  int notifier = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = notifier};
  epoll_ctl(poller, EPOLL_CTL_ADD, notifier, &event);
  if (inotify_add_watch(notifier, argv[1], IN_MOVED_TO) < 0) give_up("inotify_add_watch");
  while (!ended) {
    struct epoll_event events[SLOTS + 1];
    int running, left = due < 0 ? -1 : due == 0 ? 0 : (int)(due - now()) + 1;
    if (left <= 0 && due >= 0) {
      due = -1;
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
      go_on();
      continue;
    }
    int count = epoll_pwait(poller, events, SLOTS + 1, left, &before);
    for (int i = 0; i < count; i++) {
      int number = events[i].data.fd;
      unsigned seen = events[i].events;
      if (number == notifier) {
        hear(notifier);
        continue;
      }
      int bits = (seen & EPOLLIN ? CURL_CSELECT_IN : 0) | (seen & EPOLLOUT ? CURL_CSELECT_OUT : 0)
                 | (seen & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi, number, bits, &running);
      if (seen & (EPOLLHUP | EPOLLRDHUP) && registered[number]) {
        // Closed by the service while no request was on it.
        epoll_ctl(poller, EPOLL_CTL_DEL, number, NULL);
        registered[number] = 0;
      }
    }
    go_on();
  }
  printf("jobs %ld failed %ld connections %ld\n", jobs, failed, connections);
  return 0;
}
