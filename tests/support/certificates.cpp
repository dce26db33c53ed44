#include "certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace vsoa_test {
namespace {

struct free_parts {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
  void operator()(X509_EXTENSION* e) const { X509_EXTENSION_free(e); }
};
using cert_ptr = std::unique_ptr<X509, free_parts>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, free_parts>;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("test certificates: ") + what);
}

void add_name(X509_NAME* name, const char* type, const std::string& text) {
  if (text.empty()) return;
  check(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()), -1, 0) == 1,
        "name");
}

void add_extension(X509* cert, X509* issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, free_parts> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str()));
  check(extension && X509_add_ext(cert, extension.get(), -1) == 1, "extension");
}

cert_ptr begin(const certificate_wishes& wishes, EVP_PKEY* key, long serial) {
  constexpr long day = 24L * 3600;
  cert_ptr cert(X509_new());
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), wishes.begins_in_days * day - 3600);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), wishes.ends_in_days * day);
  X509_set_pubkey(cert.get(), key);
  add_name(X509_get_subject_name(cert.get()), "O", wishes.organization);
  add_name(X509_get_subject_name(cert.get()), "CN", wishes.name);
  return cert;
}

void save(const std::string& path, X509* cert) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  check(file != nullptr && PEM_write_X509(file, cert) == 1, "write certificate");
  std::fclose(file);
}

void save(const std::string& path, EVP_PKEY* key, const std::string& password) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  const EVP_CIPHER* cipher = password.empty() ? nullptr : EVP_aes_128_cbc();
  check(file != nullptr &&
            PEM_write_PKCS8PrivateKey(file, key, cipher, password.c_str(),
                                      static_cast<int>(password.size()), nullptr, nullptr) == 1,
        "write key");
  std::fclose(file);
}

}  // namespace

struct certificate_authority::parts {
  pkey_ptr key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  cert_ptr cert;
};

certificate_authority::certificate_authority(const std::string& name)
    : parts_(std::make_unique<parts>()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "vsoa-ca-XXXXXX").string();
  check(::mkdtemp(pattern.data()) != nullptr, "directory");
  directory_ = pattern;
  std::filesystem::permissions(directory_, std::filesystem::perms{0755});
  certificate_wishes own;
  own.name = name;
  parts_->cert = begin(own, parts_->key.get(), 1);
  X509* cert = parts_->cert.get();
  X509_set_issuer_name(cert, X509_get_subject_name(cert));
  add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(cert, cert, NID_subject_key_identifier, "hash");
  check(X509_sign(cert, parts_->key.get(), EVP_sha256()) != 0, "sign");
  save(this->cert(), cert);
}

certificate_authority::~certificate_authority() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

certificate_files certificate_authority::issue(const certificate_wishes& wishes) {
  const std::string stem = (directory_ / std::to_string(++count_)).string();
  const pkey_ptr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const cert_ptr cert = begin(wishes, key.get(), 1000 + count_);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(parts_->cert.get()));
  std::string names;
  for (const std::string& host : wishes.hosts)
    names += (names.empty() ? "" : ",") + host;
  if (names.empty()) names = "IP:127.0.0.1,IP:::1,DNS:localhost";
  add_extension(cert.get(), parts_->cert.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(cert.get(), parts_->cert.get(), NID_subject_alt_name, names);
  check(X509_sign(cert.get(), parts_->key.get(), EVP_sha256()) != 0, "sign");
  const certificate_files files{stem + ".crt", stem + ".key"};
  save(files.cert, cert.get());
  save(files.key, key.get(), wishes.key_password);
  return files;
}

std::string certificate_authority::write(const std::string& name, const std::string& text) const {
  const auto path = directory_ / name;
  std::ofstream(path) << text;
  return path.string();
}

}  // namespace vsoa_test
