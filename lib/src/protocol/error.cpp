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
      case errc::bad_url:
        return "not a valid URL";
      case errc::closed:
        return "connection closed";
      case errc::timeout:
        return "no answer in time";
      case errc::queue_full:
        return "queue full";
      case errc::not_found:
        return "not found";
      case errc::invalid_answer:
        return "invalid answer";
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
