#include "plugin_host/isolation/control.hpp"

namespace vsoad::isolation {
namespace {

constexpr std::uint64_t most_queues = 4096, most_services = 65536, most_loops = 64;
constexpr char good = 'y', bad = 'n';
// Of everything that crosses, to be raised with each change: while packages are replaced, a daemon
// may start a vsoad-plugin that is not its own.
constexpr std::uint64_t format = 2;

}  // namespace

std::string setup::write() const {
  field_writer w(to_plugin::setup);
  w.number(format).text(name).text(path).number(loops).number(memory).number(files).number(
      stall_ms);
  w.text(work_queue).number(queues.size());
  for (const queue& q : queues)
    w.text(q.name).number(q.threads).number(q.limit);
  return w.bytes();
}

bool setup::read(std::string_view bytes, setup& out) {
  field_reader r(bytes);
  if (r.kind() != to_plugin::setup || r.number() != format) return false;
  out.name = r.text();
  out.path = r.text();
  out.loops = r.number<std::uint64_t>(most_loops);
  out.memory = r.number();
  out.files = r.number();
  out.stall_ms = r.number();
  out.work_queue = r.text();
  const auto count = r.number<std::uint64_t>(most_queues);
  for (std::uint64_t i = 0; i < count && r.is_good(); ++i) {
    queue q;
    q.name = r.text();
    q.threads = r.number();
    q.limit = r.number();
    out.queues.push_back(std::move(q));
  }
  return r.is_complete() && out.loops != 0;
}

std::string write_services(char kind, const named_services& list) {
  field_writer w(kind);
  w.number(list.size());
  for (const auto& [id, name] : list)
    w.number(id).text(name);
  return w.bytes();
}

bool read_services(std::string_view bytes, named_services& out) {
  field_reader r(bytes);
  (void)r.kind();
  const auto count = r.number<std::uint64_t>(most_services);
  for (std::uint64_t i = 0; i < count && r.is_good(); ++i) {
    const auto id = r.number<vsoa_service>(0xFFFFFFFF);
    out.emplace_back(id, r.text());
  }
  return r.is_complete();
}

std::string write_hello(const descriptor_text& d) {
  field_writer w(from_plugin::hello);
  std::string text(1, good);
  w.text(text).text(d.name).text(d.version).text(d.description).number(d.flags);
  w.number(d.has_command).number(d.has_datagram).number(d.has_client).number(d.has_subscription);
  return w.bytes();
}

std::string write_refusal(std::string_view reason) {
  field_writer w(from_plugin::hello);
  w.text(std::string(1, bad)).text(reason);
  return w.bytes();
}

bool read_hello(std::string_view bytes, descriptor_text& d, std::string& reason) {
  field_reader r(bytes);
  if (r.kind() != from_plugin::hello) return false;
  const std::string_view verdict = r.text();
  if (verdict == std::string_view(&bad, 1)) {
    reason = r.text();
    if (reason.empty()) reason = "it gives no reason";
    return r.is_complete();
  }
  d.name = r.text();
  d.version = r.text();
  d.description = r.text();
  d.flags = r.number();
  d.has_command = r.number() != 0;
  d.has_datagram = r.number() != 0;
  d.has_client = r.number() != 0;
  d.has_subscription = r.number() != 0;
  return r.is_complete() && verdict == std::string_view(&good, 1);
}

}  // namespace vsoad::isolation
