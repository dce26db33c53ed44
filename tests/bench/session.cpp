#include "session.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::size_t client_id_bytes = 4;
constexpr std::size_t quick_port_bytes = 2;

const std::uint8_t* bytes_of(const std::string& packet) {
  return reinterpret_cast<const std::uint8_t*>(packet.data());
}

}  // namespace

std::string handshake_packet(std::uint16_t local_quick_port) {
  packet_fields fields;
  fields.type = packet_type::servinfo;
  fields.tunid = local_quick_port;
  return build_packet(fields);
}

packet_header expect(const std::string& packet, packet_type type) {
  const packet_header header = parse_header(bytes_of(packet));
  if (header.type != static_cast<std::uint8_t>(type))
    throw std::runtime_error("an answer of another type");
  if (header.status != 0)
    throw std::runtime_error("refused with status " + std::to_string(header.status));
  return header;
}

std::string subscribe_packet(std::string_view url) {
  packet_fields fields;
  fields.type = packet_type::subscribe;
  fields.seqno = 1;
  fields.url = url;
  return build_packet(fields);
}

session open_session(const address& server, std::uint16_t local_quick_port) {
  session opened;
  opened.tcp = connect_tcp(server);
  write_all(opened.tcp.get(), handshake_packet(local_quick_port));
  const std::string answer = read_packet(opened.tcp.get());
  const packet_header header = expect(answer, packet_type::servinfo);
  const std::uint8_t* data = bytes_of(answer) + header.data_offset();
  opened.quick_port = server.port;
  if (header.data_bytes >= client_id_bytes) opened.client_id = load_u32(data);
  if (header.data_bytes >= client_id_bytes + quick_port_bytes)
    opened.quick_port = load_u16(data + client_id_bytes);
  return opened;
}

void subscribe(const session& on, std::string_view url) {
  write_all(on.tcp.get(), subscribe_packet(url));
  expect(read_packet(on.tcp.get()), packet_type::subscribe);
}

std::string read_packet(int fd) {
  std::string packet(header_bytes, '\0');
  read_all(fd, packet.data(), packet.size());
  packet.resize(parse_header(bytes_of(packet)).total_bytes);
  read_all(fd, &packet[header_bytes], packet.size() - header_bytes);
  return packet;
}

std::size_t read_some(int fd, std::uint8_t* to, std::size_t bytes) {
  const ssize_t got = ::recv(fd, to, bytes, 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) throw std::runtime_error("the server closed the connection");
  if (errno == EINTR) return 0;
  // A blocking socket comes here when its 5 s are over.
  if (errno != EAGAIN) fail_errno("recv");
  return 0;
}

}  // namespace bench
