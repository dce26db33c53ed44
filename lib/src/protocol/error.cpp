#include "vsoa/error.hpp"

#include <string>

namespace vsoa {
namespace {

class vsoa_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "vsoa"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_magic:
        return "not a VSOA packet";
      case errc::too_large:
        return "packet too large";
      case errc::truncated:
        return "packet shorter than its header says";
    }
    return "unknown error " + std::to_string(value);
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const vsoa_category category;
  return category;
}

}  // namespace vsoa
