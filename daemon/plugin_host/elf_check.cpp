#include "plugin_host/elf_check.hpp"

#include <elf.h>
#include <link.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace vsoad {
namespace {

constexpr std::string_view entry_point = "vsoa_plugin_main";
constexpr std::size_t max_segments = 256;  // real libraries have about ten

constexpr unsigned char native_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr unsigned char native_data =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

#if defined(__x86_64__)
constexpr unsigned native_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned native_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned native_machine = EM_RISCV;
#elif defined(__arm__)
constexpr unsigned native_machine = EM_ARM;
#elif defined(__i386__)
constexpr unsigned native_machine = EM_386;
#elif defined(__powerpc64__)
constexpr unsigned native_machine = EM_PPC64;
#elif defined(__s390__)
constexpr unsigned native_machine = EM_S390;
#elif defined(__loongarch__)
constexpr unsigned native_machine = 258;  // EM_LOONGARCH, which older elf.h lack
#else
#error "add this machine's EM_ constant"
#endif

using elf_header = ElfW(Ehdr);
using elf_segment = ElfW(Phdr);
using elf_dynamic = ElfW(Dyn);
using elf_symbol = ElfW(Sym);
using elf_address = ElfW(Addr);

std::uint32_t sysv_hash(std::string_view name) {
  std::uint32_t h = 0;
  for (const char c : name) {
    h = (h << 4) + static_cast<unsigned char>(c);
    const std::uint32_t high = h & 0xF0000000U;
    h = (h ^ (high >> 24)) & ~high;
  }
  return h;
}

std::uint32_t gnu_hash(std::string_view name) {
  std::uint32_t h = 5381;
  for (const char c : name)
    h = h * 33 + static_cast<unsigned char>(c);
  return h;
}

/// The file and what of its tables has been found, all unbelieved until read through at().
class elf_image {
 public:
  explicit elf_image(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::string header_problem();
  std::string segment_problem();
  std::string dynamic_problem();
  bool exports(std::string_view name) const;

 private:
  template <class T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return {};
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

  bool inside(std::uint64_t offset, std::uint64_t length) const {
    return offset <= bytes_.size() && length <= bytes_.size() - offset;
  }

  std::optional<std::uint64_t> offset_of(std::uint64_t address) const;
  std::optional<elf_symbol> symbol(std::uint64_t index) const;
  bool is_entry(std::uint64_t index, std::string_view name) const;
  bool find_gnu(std::string_view name) const;
  bool find_sysv(std::string_view name) const;

  std::span<const std::byte> bytes_;
  elf_header header_{};
  std::vector<elf_segment> loads_;
  elf_segment dynamic_{};
  bool has_dynamic_ = false;
  std::optional<std::uint64_t> symbols_, strings_, gnu_table_, sysv_table_;  // file offsets
  std::uint64_t strings_size_ = 0;
};

std::string elf_image::header_problem() {
  const auto header = at<elf_header>(0);
  if (!header) {
    if (bytes_.empty()) return "the file is empty";
    return "not an ELF file";
  }
  header_ = *header;
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) return "not an ELF file";
  if (header_.e_ident[EI_CLASS] != native_class || header_.e_ident[EI_DATA] != native_data ||
      header_.e_machine != native_machine) {
    return "built for another machine (ELF machine " + std::to_string(header_.e_machine) +
           ", this one is " + std::to_string(native_machine) + ")";
  }
  if (header_.e_type != ET_DYN) return "not a shared object";
  if (header_.e_phentsize != sizeof(elf_segment)) return "damaged: program headers of wrong size";
  if (header_.e_phnum == 0 || header_.e_phnum > max_segments) {
    return "damaged: " + std::to_string(header_.e_phnum) + " program headers";
  }
  // The section table comes last in what linkers write, so that it tells a file cut short.
  if (header_.e_shoff != 0 &&
      !inside(header_.e_shoff, std::uint64_t{header_.e_shnum} * header_.e_shentsize)) {
    return "the file is cut short";
  }
  return {};
}

std::string elf_image::segment_problem() {
  for (std::size_t i = 0; i < header_.e_phnum; ++i) {
    if (header_.e_phoff > bytes_.size()) return "the file is cut short";
    const auto segment = at<elf_segment>(header_.e_phoff + i * sizeof(elf_segment));
    if (!segment) return "the file is cut short";
    if (segment->p_type == PT_LOAD) {
      if (!inside(segment->p_offset, segment->p_filesz)) return "the file is cut short";
      if (segment->p_filesz > segment->p_memsz) return "damaged: segment larger than its memory";
      loads_.push_back(*segment);
    } else if (segment->p_type == PT_DYNAMIC) {
      if (!inside(segment->p_offset, segment->p_filesz)) return "the file is cut short";
      dynamic_ = *segment;
      has_dynamic_ = true;
    }
  }
  if (loads_.empty() || !has_dynamic_) return "not a shared object";
  return {};
}

std::optional<std::uint64_t> elf_image::offset_of(std::uint64_t address) const {
  for (const auto& load : loads_) {
    if (address >= load.p_vaddr && address - load.p_vaddr < load.p_filesz) {
      return load.p_offset + (address - load.p_vaddr);
    }
  }
  return {};
}

std::string elf_image::dynamic_problem() {
  const std::uint64_t count = dynamic_.p_filesz / sizeof(elf_dynamic);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = at<elf_dynamic>(dynamic_.p_offset + i * sizeof(elf_dynamic));
    if (!entry || entry->d_tag == DT_NULL) break;
    switch (entry->d_tag) {
      case DT_SYMTAB:
        symbols_ = offset_of(entry->d_un.d_ptr);
        break;
      case DT_STRTAB:
        strings_ = offset_of(entry->d_un.d_ptr);
        break;
      case DT_STRSZ:
        strings_size_ = entry->d_un.d_val;
        break;
      case DT_GNU_HASH:
        gnu_table_ = offset_of(entry->d_un.d_ptr);
        break;
      case DT_HASH:
        sysv_table_ = offset_of(entry->d_un.d_ptr);
        break;
      default:
        break;
    }
  }
  if (!symbols_ || !strings_ || !inside(*strings_, strings_size_)) {
    return "damaged: no table of dynamic symbols";
  }
  return {};
}

std::optional<elf_symbol> elf_image::symbol(std::uint64_t index) const {
  return at<elf_symbol>(*symbols_ + index * sizeof(elf_symbol));
}

bool elf_image::is_entry(std::uint64_t index, std::string_view name) const {
  const auto found = symbol(index);
  if (!found || found->st_name >= strings_size_) return false;
  // With its NUL the name must lie inside the string table.
  if (strings_size_ - found->st_name <= name.size()) return false;
  const auto* text = bytes_.data() + *strings_ + found->st_name;
  if (std::memcmp(text, name.data(), name.size()) != 0) return false;
  if (text[name.size()] != std::byte{0}) return false;
  const auto visibility = found->st_other & 3U;
  return found->st_shndx != SHN_UNDEF && (found->st_info & 0xFU) == STT_FUNC &&
         (found->st_info >> 4U) != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

bool elf_image::find_gnu(std::string_view name) const {
  struct gnu_header {
    std::uint32_t buckets, first_symbol, bloom_words, bloom_shift;
  };
  const auto header = at<gnu_header>(*gnu_table_);
  if (!header || header->buckets == 0) return false;
  const std::uint32_t hash = gnu_hash(name);
  const std::uint64_t buckets =
      *gnu_table_ + sizeof(gnu_header) + std::uint64_t{header->bloom_words} * sizeof(elf_address);
  const auto first = at<std::uint32_t>(buckets + std::uint64_t{hash % header->buckets} * 4);
  if (!first || *first < header->first_symbol) return false;
  const std::uint64_t chain = buckets + std::uint64_t{header->buckets} * 4;
  for (std::uint64_t i = *first;; ++i) {  // ends at the latest with the file
    const auto value = at<std::uint32_t>(chain + (i - header->first_symbol) * 4);
    if (!value) return false;
    if ((*value | 1U) == (hash | 1U) && is_entry(i, name)) return true;
    if ((*value & 1U) != 0) return false;
  }
}

bool elf_image::find_sysv(std::string_view name) const {
  const auto buckets = at<std::uint32_t>(*sysv_table_);
  const auto chains = at<std::uint32_t>(*sysv_table_ + 4);
  if (!buckets || !chains || *buckets == 0) return false;
  const std::uint64_t bucket_at = *sysv_table_ + 8;
  const std::uint64_t chain_at = bucket_at + std::uint64_t{*buckets} * 4;
  if (!inside(chain_at, std::uint64_t{*chains} * 4)) return false;
  auto index = at<std::uint32_t>(bucket_at + std::uint64_t{sysv_hash(name) % *buckets} * 4);
  // A chain visits each symbol once at most; more steps are a ring.
  for (std::uint32_t step = 0; index && *index != 0 && step < *chains; ++step) {
    if (is_entry(*index, name)) return true;
    index = at<std::uint32_t>(chain_at + std::uint64_t{*index} * 4);
  }
  return false;
}

bool elf_image::exports(std::string_view name) const {
  return (gnu_table_ && find_gnu(name)) || (sysv_table_ && find_sysv(name));
}

}  // namespace

std::string elf_problem(std::span<const std::byte> bytes) {
  elf_image image(bytes);
  if (auto problem = image.header_problem(); !problem.empty()) return problem;
  if (auto problem = image.segment_problem(); !problem.empty()) return problem;
  if (auto problem = image.dynamic_problem(); !problem.empty()) return problem;
  if (!image.exports(entry_point)) {
    return "no plugin: it does not export the function vsoa_plugin_main";
  }
  return {};
}

}  // namespace vsoad
