// The main of a fuzz target outside of libFuzzer: replays seed files and a bounded number of
// mutations of them. Deterministic: the same seeds give the same runs on every machine.
//
//   <target> [--mutations=N] FILE|FOLDER...
//
// The input under test when the process dies is saved as <target>.crash in the working directory.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Present in sanitized builds only.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr std::size_t default_mutations_per_seed = 256;
constexpr std::size_t max_mutated_runs = 50'000;      // of all seeds together: seconds, not minutes
constexpr std::size_t max_input_bytes = 1024 * 1024;  // mutations do not grow beyond

std::string crash_path;
const std::uint8_t* current_data = nullptr;
std::size_t current_size = 0;

// Runs in a dying process: async-signal-safe calls only.
void save_current_input() {
  if (current_data == nullptr) return;
  const int fd = ::open(crash_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  static_cast<void>(!::write(fd, current_data, current_size));
  ::close(fd);
  constexpr std::string_view message = "the input was saved as ";
  static_cast<void>(!::write(STDERR_FILENO, message.data(), message.size()));
  static_cast<void>(!::write(STDERR_FILENO, crash_path.c_str(), crash_path.size()));
  static_cast<void>(!::write(STDERR_FILENO, "\n", 1));
}

void on_signal(int number) {
  save_current_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

// noexcept: an exception out of the target is a finding, and the input is still there to be saved.
void run(const bytes& input) noexcept {
  // A block of exactly the right size, so that a sanitizer sees the first byte read past its end.
  const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[input.size()]);
  std::copy(input.begin(), input.end(), copy.get());
  current_data = copy.get();
  current_size = input.size();
  LLVMFuzzerTestOneInput(copy.get(), input.size());
  current_data = nullptr;
}

// xorshift64*: the standard's distributions differ between libraries, this does not.
class random_source {
 public:
  explicit random_source(const bytes& seed) {
    for (const auto byte : seed)
      state_ = (state_ ^ byte) * 1099511628211U;
    if (state_ == 0) state_ = 1;
  }
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717U;
  }
  /// 0..bound-1; 0 for a bound of 0.
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : (next() >> 16) % bound; }

 private:
  std::uint64_t state_ = 14695981039346656037U;
};

struct range {
  std::size_t first;
  std::size_t size;
};

range some_range(const bytes& input, random_source& random) {
  const auto first = random.below(input.size());
  const auto longest = std::min<std::size_t>(input.size() - first, 1 + random.below(64));
  return {first, longest};
}

void overwrite_number(bytes& input, random_source& random) {
  constexpr std::array<std::uint32_t, 10> edges{0,      1,       0x7F,    0x80,       0xFF,
                                                0xFFFF, 0x10000, 0x40000, 0x7FFFFFFF, 0xFFFFFFFF};
  const auto value = edges[random.below(edges.size())];
  const auto width = std::size_t{1} << random.below(3);
  if (input.size() < width) return;
  const auto at = random.below(input.size() - width + 1);
  const bool big_endian = random.below(2) == 0;
  for (std::size_t i = 0; i < width; ++i) {
    const auto shift = 8 * (big_endian ? width - 1 - i : i);
    input[at + i] = static_cast<std::uint8_t>(value >> shift);
  }
}

void mutate_once(bytes& input, const bytes& other, random_source& random) {
  const auto offset = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
  const auto part = some_range(input, random);
  const auto begin = input.begin() + offset(part.first);
  switch (random.below(8)) {
    case 0:  // one bit
      if (!input.empty()) *begin ^= static_cast<std::uint8_t>(1U << random.below(8));
      break;
    case 1:  // one byte
      if (!input.empty()) *begin = static_cast<std::uint8_t>(random.next());
      break;
    case 2:
      overwrite_number(input, random);
      break;
    case 3:
      input.erase(begin, begin + offset(part.size));
      break;
    case 4:
      input.resize(part.first);
      break;
    case 5: {  // a part twice
      const bytes again(begin, begin + offset(part.size));
      input.insert(begin, again.begin(), again.end());
      break;
    }
    case 6: {  // a part of another seed
      const auto graft = some_range(other, random);
      const auto from = other.begin() + offset(graft.first);
      input.insert(begin, from, from + offset(graft.size));
      break;
    }
    default: {  // a run of one byte
      const auto count = 1 + random.below(300);
      input.insert(begin, count, static_cast<std::uint8_t>(random.next()));
      break;
    }
  }
  if (input.size() > max_input_bytes) input.resize(max_input_bytes);
}

std::vector<std::filesystem::path> collect(const std::vector<std::string>& arguments) {
  std::vector<std::filesystem::path> files;
  for (const auto& argument : arguments) {
    if (!std::filesystem::is_directory(argument)) {
      files.emplace_back(argument);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // a folder's own order differs between file systems
  return files;
}

bytes read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

int replay(const std::vector<std::string>& arguments, std::size_t mutations_per_seed) {
  std::vector<bytes> seeds;
  for (const auto& path : collect(arguments))
    seeds.push_back(read_file(path));
  if (seeds.empty()) {
    std::fprintf(stderr, "no seeds: nothing was tested\n");
    return 2;
  }
  for (const auto& seed : seeds)
    run(seed);
  const auto per_seed = std::min(mutations_per_seed, max_mutated_runs / seeds.size() + 1);
  for (const auto& seed : seeds) {
    random_source random(seed);
    for (std::size_t i = 0; i < per_seed; ++i) {
      auto input = seed;
      for (auto times = 1 + random.below(4); times > 0; --times) {
        mutate_once(input, seeds[random.below(seeds.size())], random);
      }
      run(input);
    }
  }
  std::printf("%zu seeds, %zu mutations\n", seeds.size(), seeds.size() * per_seed);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto mutations = default_mutations_per_seed;
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    constexpr std::string_view option = "--mutations=";
    if (argument.starts_with(option)) {
      std::from_chars(argument.data() + option.size(), argument.data() + argument.size(),
                      mutations);
    } else {
      arguments.emplace_back(argument);
    }
  }
  crash_path = std::filesystem::path(argv[0]).filename().string() + ".crash";
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(save_current_input);
  }
  std::signal(SIGABRT, on_signal);
  if (__sanitizer_set_death_callback == nullptr) {
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
      std::signal(number, on_signal);
  }
  try {
    return replay(arguments, mutations);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
