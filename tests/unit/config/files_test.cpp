// Configurations of several files: includes and secrets.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>

#include "config/load.hpp"

namespace files_test {

using namespace vsoad::config;

/// A folder of files for one test.
class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "vsoad-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  void write(const std::string& name, const std::string& text, mode_t mode = 0640) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
  }
  load_result load_main() const { return load(path_ / "main.yaml"); }

  /// The findings, a line each, without the name of the folder.
  std::string findings() const {
    std::string out;
    for (const diagnostic& d : load_main().diagnostics)
      out += to_string(d) + '\n';
    const std::string prefix = path_.string() + '/';
    for (std::size_t at = 0; (at = out.find(prefix, at)) != std::string::npos;) {
      out.erase(at, prefix.size());
    }
    return out;
  }

 private:
  std::filesystem::path path_;
};

std::string service(const std::string& name, int port) {
  return "services: [ { name: " + name + ", listen: 127.0.0.1:" + std::to_string(port) + " } ]\n";
}

TEST_CASE("included files add to the main one, in the order of their names") {
  const folder files;
  files.write("main.yaml",
              "include: [ d/*.yaml, more.yaml ]\nlog: { level: debug }\n" + service("a", 1));
  files.write("d/2.yaml", service("c", 3));
  files.write("d/1.yaml", service("b", 2) + "log: { format: json }\n" +
                              "plugins: { settings: { x: { config: 1 } } }\n");
  files.write("d/ignored.txt", "nonsense: 1");
  files.write("more.yaml",
              "work_queues: { slow: {} }\nplugins: { settings: { y: { config: 2 } } }\n");
  CHECK(files.findings().empty());
  const load_result result = files.load_main();
  REQUIRE(result.ok());
  const configuration& c = *result.config;
  REQUIRE(c.services.size() == 3);
  CHECK(c.services[0].name == "a");
  CHECK(c.services[1].name == "b");
  CHECK(c.services[2].name == "c");
  CHECK(c.log.level == vsoa::log_level::debug);
  CHECK(c.log.format == log_format::json);
  CHECK(c.plugins.settings.size() == 2);
  CHECK(c.work_queues.size() == 1);
  CHECK(result.document->find("include") == nullptr);
}

TEST_CASE("a pattern that matches nothing is no error, a name that is not there is") {
  const folder files;
  files.write("main.yaml", "include: [ none/*.yaml, none.yaml ]\n" + service("a", 1));
  CHECK(files.findings() ==
        "main.yaml:1:25: include: none.yaml can't be read: No such file or directory\n");
}

TEST_CASE("what two files set is an error with both places") {
  const folder files;
  files.write("main.yaml", "include: b.yaml\nlog: { level: debug }\nplugins: { directory: /a }\n" +
                               service("a", 1) + "work_queues: { q: {} }\n");
  files.write(
      "b.yaml",
      "work_queues:\n  q: { threads: 2 }\nlog:\n  level: info\nplugins: { directory: [ /b ] }\n" +
          service("A", 1) + "levle: 1\n");
  CHECK(files.findings() ==
        "b.yaml:2:3: work_queues.q: set twice, first at main.yaml:5:16; keep one\n"
        "b.yaml:4:3: log.level: set twice, first at main.yaml:2:8; keep one\n"
        "b.yaml:5:12: plugins.directory: set twice, first at main.yaml:3:12; keep one\n"
        "b.yaml:6:21: services[1].name: the name \"A\" is taken by services[0].name at "
        "main.yaml:4:21; upper and lower case are the same\n"
        "b.yaml:6:32: services[1].listen: 127.0.0.1:1 is in use by services[0].listen "
        "(127.0.0.1:1) at main.yaml:4:32; give each an address or a port of its own\n"
        "b.yaml:7:1: levle: unknown key; known here: include, log, runtime, plugins, work_queues, "
        "position, control and services\n");
}

TEST_CASE("errors of all files are told, in the order of the files") {
  const folder files;
  files.write("main.yaml", "include: [ z.yaml, b.yaml ]\nlog: { level: x }\n" + service("a", 1));
  files.write("z.yaml", "runtime: { threads: 0 }\n");
  files.write("b.yaml", "include: c.yaml\nlog: [\n");
  CHECK(
      files.findings() ==
      "main.yaml:2:15: log.level: \"x\" is not allowed here; write trace, debug, info, warning or "
      "error\n"
      "z.yaml:1:21: runtime.threads: 0 is out of range; allowed is 1 to 64, or auto\n"
      "b.yaml:3:1: not valid YAML: end of sequence flow not found\n");
  files.write("b.yaml", "include: c.yaml\n");
  CHECK(
      files.findings().find("b.yaml:1:1: include: an included file includes no others; move it to "
                            "main.yaml\n") != std::string::npos);
}

TEST_CASE("a folder, and a file that is not there") {
  const folder files;
  CHECK(files.findings() == "main.yaml: can't be read: No such file or directory\n");
  files.write("main.yaml/x", "");
  CHECK(files.findings() == "main.yaml: can't be read: Is a directory\n");
}

TEST_CASE("secrets from files, relative to the file that names them") {
  const folder files;
  files.write(
      "main.yaml",
      "include: d/b.yaml\nservices:\n  - name: a\n    listen: 127.0.0.1:1\n    credentials:\n"
      "      - { role: r, password: !file pw }\n");
  files.write("pw", " $ecret\xC3\xA9 \n");
  files.write("d/b.yaml", "plugins: { settings: { x: { config: { token: !file pw } } } }\n");
  files.write("d/pw", "123");
  CHECK(files.findings().empty());
  load_result result = files.load_main();
  REQUIRE(result.ok());
  CHECK(result.config->services[0].credentials[0].password == " $ecret\xC3\xA9 ");
  CHECK(result.config->plugins.settings.at("x").config_json == R"({"token":"123"})");

  files.write("pw", "secret", 0644);
  CHECK(
      files.findings() ==
      "main.yaml:6:30: warning: services[0].credentials[0].password: pw can be read by every user; "
      "chmod o-r it\n");
  CHECK(files.load_main().ok());

  files.write("pw", std::string(5000, 'x'));
  CHECK(files.findings() ==
        "main.yaml:6:30: services[0].credentials[0].password: pw is larger than 4096 bytes\n");
  files.write("pw", "\xff");
  CHECK(files.findings() ==
        "main.yaml:6:30: services[0].credentials[0].password: pw is not UTF-8 text\n");
  files.write("pw", "\n");
  CHECK(files.findings() ==
        "main.yaml:6:30: services[0].credentials[0].password: what the file holds is no good here; "
        "write a secret text\n");
}

TEST_CASE("what is installed loads as it is") {
  const std::filesystem::path conf = std::filesystem::path(VSOA_TEST_SOURCE_DIR) / "../conf";
  std::size_t count = 0;
  const auto check = [&](const std::filesystem::path& file) {
    if (file.extension() != ".yaml") return;
    CAPTURE(file);
    ++count;
    load_options options;
    options.environment = [](const std::string&) { return std::nullopt; };
    // Nobody has its certificates here: those are not looked for then.
    options.allow_files = file.filename() != "tls.yaml";
    const load_result result = load(file, options);
    for (const diagnostic& d : result.diagnostics)
      MESSAGE(to_string(d));
    CHECK(result.ok());
    CHECK(result.diagnostics.empty());
  };
  for (const auto& entry : std::filesystem::directory_iterator(conf))
    check(entry.path());
  for (const auto& entry : std::filesystem::directory_iterator(conf / "examples")) {
    check(entry.path());
  }
  CHECK(count >= 3);
}

}  // namespace files_test
