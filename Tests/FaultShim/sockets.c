// The calls that move bytes over sockets, and the end of a socket. None of them is ever made to fail.
#define _GNU_SOURCE
#include "plan.h"

#include <sys/socket.h>
#include <unistd.h>

#define NEXT(name) \
  static __typeof__(&name) next; \
  if (!next) next = (__typeof__(&name))shim_next(#name)

#define COUNTED(kind, bytes, ...) \
  if (shim_sort_of(descriptor) != SHIM_SOCKET) return __VA_ARGS__; \
  struct shim_call call = shim_begin(kind, __func__, descriptor, NULL, bytes); \
  return shim_end(call, __VA_ARGS__)

static struct iovec part(const void *bytes, size_t count) {
  struct iovec made = {(void *)bytes, count};
  return made;
}

static size_t total(const struct msghdr *message) {
  size_t bytes = 0;
  for (size_t i = 0; i < message->msg_iovlen; i++) bytes += message->msg_iov[i].iov_len;
  return bytes;
}

// In glibc's headers under _GNU_SOURCE the address is a transparent union; the plain type has the same calling convention.
int connect(int descriptor, __CONST_SOCKADDR_ARG address, socklen_t length) {
  NEXT(connect);
  COUNTED(SHIM_CONNECT, 0, next(descriptor, address, length));
}

// What is sent, its first bytes shown to the log.
#define SENDING(first, bytes, ...) \
  if (shim_sort_of(descriptor) != SHIM_SOCKET) return __VA_ARGS__; \
  shim_note_sent(first); \
  struct shim_call call = shim_begin(SHIM_SEND, __func__, descriptor, NULL, bytes); \
  return shim_end(call, __VA_ARGS__)

ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
  NEXT(send);
  SENDING(part(bytes, count), count, next(descriptor, bytes, count, flags));
}
ssize_t sendto(
    int descriptor, const void *bytes, size_t count, int flags, __CONST_SOCKADDR_ARG address, socklen_t length) {
  NEXT(sendto);
  SENDING(part(bytes, count), count, next(descriptor, bytes, count, flags, address, length));
}
ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  NEXT(sendmsg);
  SENDING(message->msg_iovlen ? *message->msg_iov : part("", 0), total(message), next(descriptor, message, flags));
}
int sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags) {
  NEXT(sendmmsg);
  SENDING(part("", 0), 0, next(descriptor, messages, count, flags));
}

// What is received; after a cut the connection has ended for the program, whatever the other side still says.
#define RECEIVING(bytes, ...) \
  if (shim_sort_of(descriptor) != SHIM_SOCKET) return __VA_ARGS__; \
  struct shim_call call = shim_begin(SHIM_RECV, __func__, descriptor, NULL, bytes); \
  return shim_end(call, shim_is_severed(descriptor) ? 0 : shim_received(descriptor, __VA_ARGS__))

ssize_t read(int descriptor, void *bytes, size_t count) {
  NEXT(read);
  RECEIVING(count, next(descriptor, bytes, count));
}
ssize_t recv(int descriptor, void *bytes, size_t count, int flags) {
  NEXT(recv);
  RECEIVING(count, next(descriptor, bytes, count, flags));
}
ssize_t recvmsg(int descriptor, struct msghdr *message, int flags) {
  NEXT(recvmsg);
  RECEIVING(0, next(descriptor, message, flags));
}

int close(int descriptor) {
  NEXT(close);
  shim_closed(descriptor);
  COUNTED(SHIM_CLOSE, 0, next(descriptor));
}
