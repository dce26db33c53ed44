#include "program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "file.hpp"

extern char** environ;

namespace vsoa_test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

program::program(const std::vector<std::string>& command, const std::string& input,
                 const std::map<std::string, std::string>& environment) {
  directory_ = (std::filesystem::temp_directory_path() / "vsoa-program-XXXXXX").string();
  if (::mkdtemp(directory_.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  std::ofstream(directory_ + "/in", std::ios::binary) << input;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const int created = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, 0, (directory_ + "/in").c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, (directory_ + "/out").c_str(), created, 0600);
  posix_spawn_file_actions_addopen(&files, 2, (directory_ + "/err").c_str(), created, 0600);
  std::vector<std::string> arguments = command;
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string text = *each;
    if (!environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [key, value] : environment)
    variables.push_back(key + "=" + value);
  auto argv = pointers(arguments);
  auto env = pointers(variables);
  const int failed =
      ::posix_spawn(&pid_, command.front().c_str(), &files, nullptr, argv.data(), env.data());
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), command.front());
}

program::~program() {
  if (!ended()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void program::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool program::ended() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

program_result program::wait(milliseconds bound) {
  if (!wait_until([this] { return ended(); }, bound))
    throw std::runtime_error("the program does not end; it said: " + read_all("/out") +
                             read_all("/err"));
  return {WIFEXITED(status_) ? WEXITSTATUS(status_) : -1, read_all("/out"), read_all("/err")};
}

std::string program::read_all(const std::string& path) const {
  return read_file(directory_ + path);
}

program_result run_program(const std::vector<std::string>& command, const std::string& input,
                           const std::map<std::string, std::string>& environment) {
  return program(command, input, environment).wait();
}

}  // namespace vsoa_test
