#include "plugin_host/elf_check.hpp"

#include <doctest/doctest.h>
#include <elf.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "file.hpp"
#include "scratch.hpp"

namespace elf_check_test {

using namespace vsoa_test;
using vsoad::elf_problem;

std::vector<std::byte> read(const std::string& path) {
  const std::string text = vsoa_test::read_file(path);
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

std::string problem_of(const std::string& text) {
  return elf_problem(std::as_bytes(std::span(text)));
}

TEST_CASE("plugins pass") {
  CHECK(elf_problem(read(sample("good"))).empty());
  CHECK(elf_problem(read(sample("probe"))).empty());
  CHECK(elf_problem(read(bundled("echo"))).empty());
}

TEST_CASE("what is no plugin is refused, with the reason") {
  CHECK(problem_of("") == "the file is empty");
  CHECK(problem_of("#!/bin/sh\n") == "not an ELF file");
  CHECK(problem_of(std::string(100000, '\0')) == "not an ELF file");
  CHECK(problem_of("\x7f"
                   "ELF") == "not an ELF file");
  CHECK(elf_problem(read(sample("no-entry"))) ==
        "no plugin: it does not export the function vsoa_plugin_main");
}

TEST_CASE("other machines and other kinds are refused") {
  auto image = read(sample("good"));
  const auto with = [&](std::size_t at, unsigned char value) {
    auto changed = image;
    changed[at] = std::byte{value};
    return elf_problem(changed);
  };
  CHECK(with(EI_CLASS, 7).find("another machine") != std::string::npos);
  CHECK(with(EI_DATA, 7).find("another machine") != std::string::npos);
  CHECK(with(offsetof(Elf64_Ehdr, e_machine), 200).find("another machine (ELF machine 200") !=
        std::string::npos);
  CHECK(with(offsetof(Elf64_Ehdr, e_type), ET_EXEC) == "not a shared object");
}

TEST_CASE("a file cut short anywhere is refused") {
  const auto image = read(sample("good"));
  for (std::size_t length = 0; length < image.size(); length += 1 + length / 64) {
    CAPTURE(length);
    CHECK_FALSE(elf_problem(std::span(image).first(length)).empty());
  }
  CHECK_FALSE(elf_problem(std::span(image).first(image.size() - 1)).empty());
}

TEST_CASE("damaged files are read within their bounds") {
  // What matters is that address sanitizer has nothing to say.
  const auto image = read(sample("good"));
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    auto damaged = image;
    for (int i = 0; i < 4; ++i) {
      // The headers and, in such a small library, the dynamic tables lie in front.
      const std::size_t at = random() % (round % 2 == 0 ? 1024 : damaged.size());
      damaged[at] = static_cast<std::byte>(random());
    }
    (void)elf_problem(damaged);
  }
}

}  // namespace elf_check_test
