#include "protocol/client_handshake.hpp"

#include "protocol/param.hpp"
#include "protocol/wire.hpp"

namespace vsoa::protocol {
namespace {

constexpr std::size_t id_bytes = 4;
constexpr std::size_t quick_port_bytes = 2;

}  // namespace

std::string write_servinfo_param(std::string_view password) {
  std::string param;
  if (password.empty()) return param;
  param = R"({"passwd":)";
  append_json_string(param, password);
  param += '}';
  return param;
}

handshake_step read_handshake(const packet_view& p, handshake_answer& answer,
                              connect_errc& error) noexcept {
  switch (p.type) {
    case packet_type::publish:
    case packet_type::datagram:
    case packet_type::qossetup:
      return handshake_step::wait;
    case packet_type::servinfo:
      break;
    default:
      if (!p.is_reply()) return handshake_step::wait;
      error = connect_errc::invalid_responding;
      return handshake_step::failed;
  }
  const auto result = static_cast<status>(p.status);
  if (!p.is_reply() || result != status::success) {
    error = result == status::password && p.is_reply() ? connect_errc::invalid_password
                                                       : connect_errc::invalid_responding;
    return handshake_step::failed;
  }
  answer.info = p.payload.param;
  const auto data = p.payload.data;
  if (data.size() >= id_bytes) answer.client_id = load<std::uint32_t>(data.data());
  if (data.size() >= id_bytes + quick_port_bytes) {
    const auto port = load<std::uint16_t>(data.data() + id_bytes);
    if (port != 0) answer.quick_port = port;
  }
  return handshake_step::done;
}

}  // namespace vsoa::protocol
