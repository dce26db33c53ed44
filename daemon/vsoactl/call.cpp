// vsoactl call: one RPC.

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "command.hpp"
#include "config/diagnostic.hpp"
#include "exit_code.hpp"
#include "session.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace call {

namespace po = boost::program_options;

constexpr std::string_view help =
    R"(Usage: vsoactl call URL [PARAM] [--set] [--data FILE] [--output FILE]

Calls the command PATH of a server, and prints the param that it answers.

  PARAM          JSON text; "-": standard input; default: none
  --set          a SET; without, a GET
  --data FILE    send the bytes of FILE as data, too; "-": standard input
  --output FILE  write the answer's data to FILE; "-": standard output, and nothing else there

Examples:
  vsoactl call vsoa://cabin/echo '{"hello":"world"}'
  vsoactl call 127.0.0.1:3005/speed 42 --set
  vsoactl call cabin/snapshot --output picture.jpg
  vsoactl call cabin/status --json | jq .param
)";

void add_options(po::options_description& o) {
  o.add_options()("set", po::bool_switch())("data", po::value<std::string>())(
      "output", po::value<std::string>());
}

void save(const invocation& use, const vsoa::reply& answer) {
  const std::string path = use.text("output");
  const std::string_view bytes(reinterpret_cast<const char*>(answer.data.data()),
                               answer.data.size());
  if (path == "-") {
    use.out.raw(bytes);
    return;
  }
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  if (!out)
    throw std::runtime_error("can't write " + config::in_quotes(path) + ": " +
                             std::generic_category().message(errno));
}

void print(const invocation& use, const vsoa::reply& answer) {
  // An answer that is an error leaves the file as it is.
  const bool saved = use.given.count("output") != 0 && answer.status == vsoa::status::success;
  if (saved) save(use, answer);
  if (saved && use.text("output") == "-") return;
  if (use.out.is_json()) {
    const auto status = static_cast<unsigned>(answer.status);
    use.out.line("{\"status\":" + std::to_string(status) + ",\"status_text\":\"" +
                 std::string(vsoa::to_string(answer.status)) + "\",\"tunid\":" +
                 std::to_string(answer.tunid) + ',' + payload_members(answer.payload()) + '}');
    return;
  }
  vsoa::payload_view shown = answer.payload();
  if (saved) shown.data = {};
  if (!shown.empty()) use.out.line(payload_text(shown));
  if (answer.tunid != 0) use.out.line("stream " + std::to_string(answer.tunid));
}

int run(const invocation& use) {
  const vsoa::server_url url = only_url(use, 2);
  const given_payload payload(use);
  session s(use);
  if (const auto error = s.connect(url)) return report(url.to_string(), error);
  vsoa::reply answer;
  const vsoa::request request{
      .url = url.path,
      .payload = payload.view(),
      .method = use.has("set") ? vsoa::method::set : vsoa::method::get,
      .timeout = use.timeout,
  };
  if (const auto error = s.client().fetch(request, answer)) return report(url.to_string(), error);
  print(use, answer);
  if (answer.status == vsoa::status::success) return exit_ok;
  return report(url.to_string(), answer.status);
}

}  // namespace call

const command call_command{"call", "call a command of a server", call::help, call::add_options,
                           call::run};

}  // namespace vsoad::ctl
