// Certificates taken apart.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "net/tls_context.hpp"

namespace vsoa {
namespace {

struct free_openssl {
  void operator()(GENERAL_NAMES* n) const noexcept { GENERAL_NAMES_free(n); }
  void operator()(BIGNUM* n) const noexcept { BN_free(n); }
};

std::string text_of(const ASN1_STRING* s) {
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, s);
  if (length < 0) return {};
  std::string out(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length));
  OPENSSL_free(utf8);
  return out;
}

std::string name_of(const ASN1_OBJECT* object) {
  const int nid = OBJ_obj2nid(object);
  if (nid != NID_undef) return OBJ_nid2sn(nid);
  std::array<char, 128> dotted{};
  OBJ_obj2txt(dotted.data(), dotted.size(), object, 1);
  return dotted.data();
}

std::vector<certificate_name> parts_of(const X509_NAME* name) {
  std::vector<certificate_name> out;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    out.push_back(
        {name_of(X509_NAME_ENTRY_get_object(entry)), text_of(X509_NAME_ENTRY_get_data(entry))});
  }
  return out;
}

std::string hex(std::span<const unsigned char> bytes) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char b : bytes) {
    out += digits[b >> 4U];
    out += digits[b & 15U];
  }
  return out;
}

std::string serial_of(const X509* cert) {
  const std::unique_ptr<BIGNUM, free_openssl> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), nullptr));
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  const std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return out;
}

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string ip_text(const ASN1_OCTET_STRING* bytes) {
  const int length = ASN1_STRING_length(bytes);
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = length == 4 ? AF_INET : AF_INET6;
  if (length != 4 && length != 16) return {};
  ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size());
  return text.data();
}

std::vector<certificate_name> alternative_names_of(const X509* cert) {
  std::vector<certificate_name> out;
  const std::unique_ptr<GENERAL_NAMES, free_openssl> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    switch (name->type) {
      case GEN_DNS:
        out.push_back({"DNS", text_of(name->d.dNSName)});
        break;
      case GEN_URI:
        out.push_back({"URI", text_of(name->d.uniformResourceIdentifier)});
        break;
      case GEN_EMAIL:
        out.push_back({"email", text_of(name->d.rfc822Name)});
        break;
      case GEN_IPADD:
        out.push_back({"IP", ip_text(name->d.iPAddress)});
        break;
      default:
        break;
    }
  }
  return out;
}

void describe_key(const X509* cert, certificate_info& out) {
  const EVP_PKEY* key = X509_get0_pubkey(cert);
  if (key == nullptr) return;
  const char* name = EVP_PKEY_get0_type_name(key);
  if (name != nullptr) out.key_algorithm = name;
  out.key_bits = EVP_PKEY_get_bits(key);
}

// RFC 2253: what would end the value, and what begins or ends it in a way that is lost, is escaped.
void append_escaped(std::string_view value, std::string& out) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool at_end = i == 0 || i + 1 == value.size();
    const bool special = std::string_view(",+\"\\<>;").find(c) != std::string_view::npos;
    if (special || (c == ' ' && at_end) || (c == '#' && i == 0)) out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += '\\' + hex({reinterpret_cast<const unsigned char*>(&value[i]), 1});
    } else {
      out += c;
    }
  }
}

std::string in_one_line(const std::vector<certificate_name>& parts) {
  std::string out;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!out.empty()) out += ',';
    out += part->type + '=';
    append_escaped(part->value, out);
  }
  return out;
}

}  // namespace

std::string certificate_info::subject_text() const {
  return in_one_line(subject);
}

std::string certificate_info::issuer_text() const {
  return in_one_line(issuer);
}

std::optional<certificate_info> parse_certificate(std::span<const std::byte> der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const net::x509_ptr cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  const bool all = at == reinterpret_cast<const unsigned char*>(der.data() + der.size());
  ERR_clear_error();
  if (!cert || !all) return {};
  certificate_info out;
  out.version = static_cast<int>(X509_get_version(cert.get())) + 1;
  out.serial_number = serial_of(cert.get());
  out.subject = parts_of(X509_get_subject_name(cert.get()));
  out.issuer = parts_of(X509_get_issuer_name(cert.get()));
  out.not_before = time_of(X509_get0_notBefore(cert.get()));
  out.not_after = time_of(X509_get0_notAfter(cert.get()));
  out.alternative_names = alternative_names_of(cert.get());
  describe_key(cert.get(), out);
  const char* signature = OBJ_nid2sn(X509_get_signature_nid(cert.get()));
  if (signature != nullptr) out.signature_algorithm = signature;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (X509_digest(cert.get(), EVP_sha256(), digest.data(), &length) == 1) {
    out.sha256 = hex({digest.data(), length});
  }
  out.der.assign(der.begin(), der.end());
  ERR_clear_error();
  return out;
}

}  // namespace vsoa
