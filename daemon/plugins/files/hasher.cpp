#include "hasher.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace files {

hasher::hasher() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1) {
    EVP_MD_CTX_free(context_);
    throw std::runtime_error("SHA-256 is not to be had");
  }
}

hasher::~hasher() {
  EVP_MD_CTX_free(context_);
}

void hasher::add(const void* bytes, std::size_t count) {
  EVP_DigestUpdate(context_, bytes, count);
}

std::string hasher::hex() {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_, raw.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += digits[raw[i] >> 4U];
    text += digits[raw[i] & 15U];
  }
  return text;
}

}  // namespace files
