#include "net/tls_files.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "net/socket.hpp"

namespace vsoa::net {
namespace {

using option = tls_problem::option;

constexpr std::size_t max_file_bytes = std::size_t{4} << 20U;  // a system's CAs are 200 KiB

struct free_bio {
  void operator()(BIO* b) const noexcept { BIO_free(b); }
};
using bio_ptr = std::unique_ptr<BIO, free_bio>;

std::string quoted(const std::string& path) {
  return '"' + path + '"';
}

// Read at once, so that what is checked is what is used. Wiped afterwards: it may be a key.
class file_text {
 public:
  file_text(const std::string& path, option where, tls_findings& findings) {
    const std::string problem = read(path);
    if (!problem.empty()) findings.error(where, "can't read " + quoted(path) + ": " + problem);
    ok_ = problem.empty();
  }
  file_text(const file_text&) = delete;
  file_text& operator=(const file_text&) = delete;
  ~file_text() { OPENSSL_cleanse(text_.data(), text_.size()); }

  bool ok() const noexcept { return ok_; }
  bio_ptr open() const {
    return bio_ptr(BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size())));
  }

 private:
  std::string read(const std::string& path) {
    // Not waiting for the other end of a pipe.
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return std::generic_category().message(errno);
    struct stat about {};
    if (::fstat(file.get(), &about) != 0) return std::generic_category().message(errno);
    if (!S_ISREG(about.st_mode)) return "it is no file";
    if (about.st_size > static_cast<off_t>(max_file_bytes)) return "it is over 4 MiB large";
    text_.resize(static_cast<std::size_t>(about.st_size));
    std::size_t filled = 0;
    while (filled < text_.size()) {
      const ssize_t count = ::read(file.get(), text_.data() + filled, text_.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::generic_category().message(errno);
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    text_.resize(filled);
    return {};
  }

  std::string text_;
  bool ok_ = false;
};

struct password_request {
  const std::string& password;
  bool asked = false;
};

// Without it OpenSSL asks at the terminal.
int give_password(char* into, int size, int, void* context) {
  auto& request = *static_cast<password_request*>(context);
  request.asked = true;
  if (request.password.empty() || request.password.size() > static_cast<std::size_t>(size)) {
    return -1;
  }
  std::memcpy(into, request.password.data(), request.password.size());
  return static_cast<int>(request.password.size());
}

key_ptr read_key(const std::string& path, const std::string& password, tls_findings& findings) {
  const file_text file(path, option::key, findings);
  if (!file.ok()) return {};
  password_request request{password};
  const bio_ptr bio = file.open();
  key_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_password, &request));
  if (!key) {
    if (!request.asked) {
      findings.error(option::key, quoted(path) + " holds no private key in PEM");
    } else if (password.empty()) {
      findings.error(option::key_password,
                     "the key in " + quoted(path) + " is encrypted; give its password");
    } else {
      findings.error(option::key_password, "the password does not open the key in " + quoted(path));
    }
  } else if (!request.asked && !password.empty()) {
    findings.warning(option::key_password, "the key in " + quoted(path) +
                                               " is not encrypted; its password is not needed");
  }
  ERR_clear_error();
  return key;
}

std::string date_of(const ASN1_TIME* time) {
  const bio_ptr text(BIO_new(BIO_s_mem()));
  if (!text || ASN1_TIME_print(text.get(), time) != 1) return "?";
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<std::size_t>(length)};
}

void check_dates(const X509& cert, const std::string& path, tls_findings& findings) {
  if (X509_cmp_current_time(X509_get0_notAfter(&cert)) < 0) {
    findings.warning(option::cert, "the certificate in " + quoted(path) + " has expired on " +
                                       date_of(X509_get0_notAfter(&cert)));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(&cert)) > 0) {
    findings.warning(option::cert, "the certificate in " + quoted(path) + " is not valid before " +
                                       date_of(X509_get0_notBefore(&cert)));
  }
}

}  // namespace

std::vector<x509_ptr> read_certificates(const std::string& path, option where,
                                        tls_findings& findings) {
  std::vector<x509_ptr> all;
  const file_text file(path, where, findings);
  if (!file.ok()) return all;
  const bio_ptr bio = file.open();
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr))
    all.emplace_back(next);
  // The end of the file is an error like any other to OpenSSL.
  const unsigned long error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    findings.error(where, "certificate " + std::to_string(all.size() + 1) + " in " + quoted(path) +
                              " is damaged");
    all.clear();
  } else if (all.empty()) {
    findings.error(where, quoted(path) + " holds no certificate in PEM");
  }
  return all;
}

loaded_identity read_identity(const tls_identity& files, tls_findings& findings) {
  loaded_identity id;
  std::vector<x509_ptr> certs = read_certificates(files.cert, option::cert, findings);
  id.key = read_key(files.key.empty() ? files.cert : files.key, files.key_password, findings);
  if (certs.empty() || !id.key) return {};
  if (X509_check_private_key(certs[0].get(), id.key.get()) != 1) {
    ERR_clear_error();
    findings.error(option::key, "the key in " + quoted(files.key.empty() ? files.cert : files.key) +
                                    " does not belong to the certificate in " + quoted(files.cert) +
                                    ", the first one there");
    return {};
  }
  check_dates(*certs[0], files.cert, findings);
  id.cert = std::move(certs[0]);
  for (std::size_t i = 1; i < certs.size(); ++i)
    id.chain.push_back(std::move(certs[i]));
  return id;
}

}  // namespace vsoa::net
