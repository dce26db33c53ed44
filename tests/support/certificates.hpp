// A certificate authority for one test: its files are made when it is, and go when it does.
#pragma once

#include <openssl/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace vsoa_test {

struct certificate_wishes {
  std::string name = "server";       ///< CN
  std::vector<std::string> hosts{};  ///< alternative names: "DNS:a.example", "IP:127.0.0.1"
  std::string organization{};        ///< O
  std::string key_password{};        ///< encrypts the key
  int begins_in_days = 0;
  int ends_in_days = 1;
};

/// Paths of two PEM files.
struct certificate_files {
  std::string cert;
  std::string key;

  /// For the section `tls` of vsoad's configuration: "cert: ..., key: ...".
  std::string yaml() const { return "cert: " + cert + ", key: " + key; }
};

class certificate_authority {
 public:
  explicit certificate_authority(const std::string& name = "Test CA");
  ~certificate_authority();
  certificate_authority(const certificate_authority&) = delete;
  certificate_authority& operator=(const certificate_authority&) = delete;

  /// PEM file of the authority's own certificate.
  std::string cert() const { return (directory_ / "ca.crt").string(); }
  /// For 127.0.0.1, ::1 and localhost unless the wishes name others.
  certificate_files issue(const certificate_wishes& wishes = {});
  /// A path in the same directory, with this text in the file.
  std::string write(const std::string& name, const std::string& text) const;
  const std::filesystem::path& directory() const noexcept { return directory_; }

 private:
  struct parts;

  std::filesystem::path directory_;
  std::unique_ptr<parts> parts_;
  int count_ = 0;
};

}  // namespace vsoa_test
