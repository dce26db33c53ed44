#include "vectors.hpp"

#include <openssl/sha.h>
#include <simdjson.h>

#include <stdexcept>

namespace vsoa_test {
namespace {

using simdjson::dom::element;

std::string text(const element& object, const char* key) {
  return std::string(std::string_view(object[key]));
}

template <class Integer>
Integer number(const element& object, const char* key) {
  return static_cast<Integer>(std::uint64_t(object[key]));
}

bool has(const element& object, const char* key) {
  return object[key].error() == simdjson::SUCCESS;
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return to_hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

void expect_digest(const vector& v, std::string_view bytes, const std::string& digest) {
  if (sha256(bytes) != digest) throw std::runtime_error(v.name + ": digest does not match");
}

packet read_decoded(const element& from) {
  packet p;
  p.type = number<std::uint8_t>(from, "type");
  p.flags = number<std::uint8_t>(from, "flags");
  p.status = number<std::uint8_t>(from, "status");
  p.seqno = number<std::uint32_t>(from, "seqno");
  p.tunid = number<std::uint16_t>(from, "tunid");
  p.url = text(from, "url");
  p.param = text(from, "param");
  // Large data is zeros throughout.
  p.data = has(from, "data_hex") ? from_hex(text(from, "data_hex"))
                                 : std::string(number<std::size_t>(from, "data_len"), '\0');
  return p;
}

vector read_vector(const element& from) {
  vector v;
  v.name = text(from, "name");
  v.quick = text(from, "channel") == "udp";
  v.decoded = read_decoded(from["decoded"]);
  v.pad = number<std::size_t>(from["decoded"], "pad");
  if (has(from, "hex")) {
    v.bytes = from_hex(text(from, "hex"));
    return v;
  }
  v.bytes = from_hex(text(from, "head_hex"));
  v.bytes.resize(number<std::size_t>(from, "length"), '\0');
  expect_digest(v, v.bytes, text(from, "sha256"));
  expect_digest(v, v.decoded.data, text(from["decoded"], "data_sha256"));
  return v;
}

std::string path_of(const std::string& file) {
  return std::string(VSOA_TEST_SOURCE_DIR) + "/vectors/" + file;
}

}  // namespace

std::vector<vector> load_vectors(const std::string& file) {
  simdjson::dom::parser parser;
  simdjson::dom::array all;
  if (parser.load(path_of(file)).get(all)) throw std::runtime_error("cannot read " + file);
  std::vector<vector> result;
  for (const element each : all)
    result.push_back(read_vector(each));
  return result;
}

std::vector<vector> load_all_vectors() {
  std::vector<vector> result;
  for (const vector_file& file : vector_files) {
    for (vector& v : load_vectors(file.name))
      result.push_back(std::move(v));
  }
  return result;
}

std::vector<std::string> load_exchange_answers() {
  simdjson::dom::parser parser;
  simdjson::dom::array all;
  if (parser.load(path_of("exchanges.json")).get(all)) throw std::runtime_error("exchanges.json");
  std::vector<std::string> result;
  for (const element exchange : all) {
    for (const element answer : simdjson::dom::array(exchange["recv"]))
      result.push_back(from_hex(std::string_view(answer)));
  }
  return result;
}

}  // namespace vsoa_test
