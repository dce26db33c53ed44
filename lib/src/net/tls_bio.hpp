// How OpenSSL gets at the bytes of a tls_session: what has been received, and the socket.
#pragma once

#include <openssl/types.h>

#include <cstddef>

struct bio_method_st;  // BIO_METHOD: openssl/types.h lacks it

namespace vsoa::net {

class tls_session;

struct tls_bio {
  /// For one session, which outlives it. Throws std::bad_alloc.
  static BIO* make(tls_session& session);

 private:
  static int read(BIO* bio, char* into, std::size_t size, std::size_t* count);
  static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count);
  static long control(BIO* bio, int command, long number, void* pointer);
  static bio_method_st* make_method();
};

}  // namespace vsoa::net
