// SHA-256, by OpenSSL.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

struct evp_md_ctx_st;

namespace files {

class hasher {
 public:
  hasher();  ///< throws std::runtime_error
  ~hasher();
  hasher(const hasher&) = delete;
  hasher& operator=(const hasher&) = delete;

  void add(const void* bytes, std::size_t count);
  /// Lower-case hexadecimal digits, 64 of them. Once.
  std::string hex();

 private:
  evp_md_ctx_st* context_;
};

}  // namespace files
