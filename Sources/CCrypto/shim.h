// OpenSSL 3 prefers EVP, which reads a configuration, allocates and takes a lock for each message. What follows is as good for
// one algorithm that never changes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
