#include "daemon_runner.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

extern char** environ;

namespace vsoa_test {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view ip = text.substr(0, colon);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return endpoint{std::string(ip),
                  static_cast<std::uint16_t>(std::stoi(std::string(text.substr(colon + 1))))};
}

/// The word after `mark` in `line`, as an address.
std::optional<endpoint> endpoint_after(const std::string& line, const std::string& mark) {
  const auto at = line.find(mark);
  if (at == std::string::npos) return {};
  const auto begin = at + mark.size();
  return parse_endpoint(
      std::string_view(line).substr(begin, line.find_first_of(" \t,", begin) - begin));
}

/// A datagram socket in the abstract namespace: reachable whatever user vsoad switches to.
unique_fd bind_notify_socket(std::string& name) {
  static std::atomic<int> counter{0};
  name = "vsoa-test-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
  unique_fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) fail("notify socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) fail("notify socket");
  name.insert(0, 1, '@');
  return fd;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!extra.contains(text.substr(0, text.find('=')))) out.push_back(text);
  }
  for (const auto& [key, value] : extra)
    out.push_back(key + "=" + value);
  return out;
}

}  // namespace

temporary_directory::temporary_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "vsoa-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail("mkdtemp");
  path_ = name;
  std::filesystem::permissions(path_, std::filesystem::perms{0755});
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path temporary_directory::write(const std::string& name,
                                                 std::string_view text) const {
  const auto file = path_ / name;
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("can't write " + file.string());
  return file;
}

std::string plugin_directory() {
  return VSOAD_PLUGIN_DIRECTORY;
}

std::string with_plugins(std::string_view rest) {
  std::string out{"runtime: { threads: 2 }\n"};
  if (rest.starts_with("runtime:") || rest.find("\nruntime:") != rest.npos) out.clear();
  if (!rest.starts_with("plugins:") && rest.find("\nplugins:") == rest.npos)
    out += "plugins: { directory: \"" + plugin_directory() + "\" }\n";
  return out.append(rest);
}

std::string one_service(std::string_view rest) {
  return with_plugins(R"(services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    commands:
      /echo: { plugin: echo }
      /publish: { plugin: echo, command: /publish }
)" + std::string(rest));
}

daemon_runner::daemon_runner(const std::string& config, const runner_options& options) {
  const auto file = directory_.write("vsoad.yaml", config);
  std::vector<std::string> arguments{VSOAD_PROGRAM, "--config", file.string()};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  start(arguments, options);
  reader_ = std::thread([this] { read_loop(); });
  if (options.await_ready) await_ready();
}

daemon_runner::~daemon_runner() {
  if (running()) {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_reading_.get(), &one, sizeof one);
  reader_.join();
}

void daemon_runner::start(const std::vector<std::string>& arguments,
                          const runner_options& options) {
  std::string notify_name;
  notify_ = bind_notify_socket(notify_name);
  stop_reading_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  output_.reset(ends[0]);
  const unique_fd write_end{ends[1]};

  auto extra = options.environment;
  extra["NOTIFY_SOCKET"] = notify_name;
  extra.emplace("RUNTIME_DIRECTORY", directory_.path().string());
  auto environment_texts = environment(extra);
  auto argument_texts = arguments;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), 2);
  errno = ::posix_spawn(&pid_, VSOAD_PROGRAM, &actions, nullptr, pointers(argument_texts).data(),
                        pointers(environment_texts).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (errno != 0) fail("start " VSOAD_PROGRAM);
}

void daemon_runner::read_loop() {
  char bytes[4096];
  for (;;) {
    pollfd entries[] = {
        {output_.get(), POLLIN, 0}, {notify_.get(), POLLIN, 0}, {stop_reading_.get(), POLLIN, 0}};
    if (::poll(entries, 3, -1) < 0) continue;
    if (entries[1].revents != 0) {
      const ssize_t got = ::recv(notify_.get(), bytes, sizeof bytes, 0);
      if (got > 0) take_notification({bytes, static_cast<std::size_t>(got)});
    }
    if (entries[0].revents != 0) {
      const ssize_t got = ::read(output_.get(), bytes, sizeof bytes);
      if (got > 0) {
        take_output({bytes, static_cast<std::size_t>(got)});
        continue;
      }
      const std::lock_guard lock(mutex_);
      output_ended_ = true;
      changed_.notify_all();
      return;
    }
    if (entries[2].revents != 0) return;
  }
}

void daemon_runner::take_output(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  partial_ += bytes;
  for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
    take_line(partial_.substr(0, end));
    partial_.erase(0, end + 1);
  }
  changed_.notify_all();
}

void daemon_runner::take_line(const std::string& line) {
  lines_.push_back(line);
  static const std::string service_mark = "service \"";
  const auto at = line.find(service_mark);
  if (at != std::string::npos) {
    const auto begin = at + service_mark.size();
    const auto name = line.substr(begin, line.find('"', begin) - begin);
    if (auto found = endpoint_after(line, "\" listening on ")) services_[name].push_back(*found);
  } else if (auto found = endpoint_after(line, "position listening on ")) {
    positions_.push_back(*found);
  }
}

void daemon_runner::take_notification(std::string_view text) {
  const std::lock_guard lock(mutex_);
  notifications_.emplace_back(text);
  changed_.notify_all();
}

bool daemon_runner::wait_for(const std::function<bool()>& condition, milliseconds bound) const {
  std::unique_lock lock(mutex_);
  // The condition may also have become impossible: no more output will come.
  changed_.wait_until(lock, deadline{bound}.end(), [&] { return condition() || output_ended_; });
  return condition();
}

void daemon_runner::await_ready() {
  const bool told = wait_for_notification("READY=1");
  // READY may overtake the log line, which comes by another way.
  if (told && wait_for_line("ready")) return;
  if (running()) signal(SIGKILL);
  throw std::runtime_error("vsoad did not become ready; it said:\n" + output());
}

endpoint daemon_runner::service(const std::string& name, std::size_t index) const {
  const std::lock_guard lock(mutex_);
  const auto found = services_.find(name);
  if (found == services_.end() || found->second.size() <= index)
    throw std::runtime_error("vsoad did not log the address of service " + name);
  return found->second[index];
}

endpoint daemon_runner::position(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  if (positions_.size() <= index)
    throw std::runtime_error("vsoad did not log the address of the position server");
  return positions_[index];
}

std::string daemon_runner::output() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& line : lines_)
    out += line + "\n";
  return out + partial_;
}

std::vector<std::string> daemon_runner::lines_with(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& line : lines_)
    if (line.find(part) != std::string::npos) out.push_back(line);
  return out;
}

bool daemon_runner::wait_for_line(std::string_view part, milliseconds bound) const {
  return wait_for(
      [&] {
        for (const auto& line : lines_)
          if (line.find(part) != std::string::npos) return true;
        return false;
      },
      bound);
}

bool daemon_runner::wait_for_notification(std::string_view text, milliseconds bound) const {
  return wait_for(
      [&] {
        for (const auto& sent : notifications_)
          if (sent.find(text) != std::string::npos) return true;
        return false;
      },
      bound);
}

std::size_t daemon_runner::notifications_with(std::string_view text) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(notifications_.begin(), notifications_.end(),
                    [&](const std::string& sent) { return sent.find(text) != std::string::npos; }));
}

bool daemon_runner::reload(const std::string& config) const {
  constexpr std::string_view done = "reload: the new configuration is in force";
  constexpr std::string_view refused = "reload: the configuration of before stays in force";
  const std::size_t times_done = lines_with(done).size();
  const std::size_t times_refused = lines_with(refused).size();
  directory_.write("vsoad.yaml", config);
  signal(SIGHUP);
  const bool told = wait_until([&] {
    return lines_with(done).size() > times_done || lines_with(refused).size() > times_refused;
  });
  if (!told) throw std::runtime_error("no word of the reload:\n" + output());
  return lines_with(done).size() > times_done;
}

void daemon_runner::signal(int number) const {
  ::kill(pid_, number);
}

bool daemon_runner::running() {
  if (exit_) return false;
  int raw = 0;
  if (::waitpid(pid_, &raw, WNOHANG) != pid_) return true;
  exit_.emplace();
  if (WIFEXITED(raw)) exit_->code = WEXITSTATUS(raw);
  if (WIFSIGNALED(raw)) exit_->signal = WTERMSIG(raw);
  return false;
}

exit_state daemon_runner::wait_exit(milliseconds bound) {
  if (!wait_until([this] { return !running(); }, bound))
    throw std::runtime_error("vsoad did not end in time; it said:\n" + output());
  wait_for([this] { return output_ended_; }, patience);
  return *exit_;
}

std::size_t daemon_runner::resident_bytes() const {
  return std::stoul(status_field("VmRSS")) * 1024;
}

std::string daemon_runner::status_field(std::string_view name) const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name) && line.substr(name.size(), 1) == ":")
      return line.substr(line.find_first_not_of(" \t", name.size() + 1));
  throw std::runtime_error("/proc has no " + std::string(name) + " for vsoad");
}

}  // namespace vsoa_test
