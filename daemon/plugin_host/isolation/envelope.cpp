#include "plugin_host/isolation/envelope.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "vsoa/url.hpp"

namespace vsoad::isolation {
namespace {

constexpr std::string_view digits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> table{};
  for (auto& each : table)
    each = -1;
  for (std::size_t i = 0; i < digits.size(); ++i)
    table[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  return table;
}
constexpr auto values = make_values();

/// Writes to where there is room for it.
class writer {
 public:
  explicit writer(char* at) : at_(at) {}
  void letter(char c) { *at_++ = c; }
  template <unsigned Places>
  void number(std::uint64_t value) {
    [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) {
      ((at_[I] = digits[(value >> (6U * I)) & 63U]), ...);
    }
    (std::make_integer_sequence<unsigned, Places>{});
    at_ += Places;
  }
  void text(std::string_view text) { at_ = std::copy(text.begin(), text.end(), at_); }

 private:
  char* at_;
};

/// Remembers that it failed; what it reads then is 0.
class reader {
 public:
  explicit reader(std::string_view text) : text_(text) {}
  template <unsigned Places>
  std::uint64_t number(std::uint64_t most) {
    if (text_.size() < Places) is_good_ = false;
    if (!is_good_) return 0;
    std::uint64_t value = 0;
    int all = 0;  // negative once one of them is
    [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) {
      const int digit[] = {values[static_cast<unsigned char>(text_[I])]...};
      all = (digit[I] | ...);
      value = ((static_cast<std::uint64_t>(digit[I] & 63) << (6U * I)) | ...);
    }
    (std::make_integer_sequence<unsigned, Places>{});
    is_good_ = all >= 0 && value <= most;
    if (!is_good_) return 0;
    text_.remove_prefix(Places);
    return value;
  }
  std::string_view text(std::size_t length) {
    if (text_.size() < length) is_good_ = false;
    if (!is_good_) return {};
    const std::string_view taken = text_.substr(0, length);
    text_.remove_prefix(length);
    return taken;
  }
  std::string_view rest() const { return text_; }
  bool is_good() const { return is_good_; }

 private:
  std::string_view text_;
  bool is_good_ = true;
};

constexpr unsigned service_places = 4, client_places = 6, seqno_places = 6, command_places = 2,
                   strip_places = 3, queue_places = 3, timeout_places = 6, value_places = 6;
constexpr std::uint64_t max_32 = 0xFFFFFFFF, max_24 = 0xFFFFFF, max_16 = 0xFFFF, max_12 = 0xFFF;
/// Beside ahead::...: the parts of a call that most do not have.
constexpr std::uint64_t with_more = 8;

bool is_kind(char c) {
  return std::string_view("acelsngpx").find(c) != std::string_view::npos;
}

bool has_more(const message& m) {
  return m.strip != 0 || m.queue != 0 || m.timeout_ms != 0 || !m.prefix.empty();
}

bool has_client(kind k) {
  return k != kind::part && k != kind::publish && k != kind::listing;
}

void write_head(const message& m, writer& w) {
  w.letter('/');
  w.letter(static_cast<char>(m.kind));
  const bool more = has_more(m);
  w.number<1>(m.ahead | (more ? with_more : 0));
  if (m.kind == kind::part) return;
  w.number<service_places>(m.service);
  if (has_client(m.kind)) w.number<client_places>(m.client);
  switch (m.kind) {
    case kind::call:
      w.number<seqno_places>(m.seqno);
      w.number<command_places>(m.command);
      if (!more) break;
      w.number<strip_places>(m.strip);
      w.number<queue_places>(m.queue);
      w.number<timeout_places>(m.timeout_ms);
      w.number<strip_places>(m.prefix.size());
      break;
    case kind::client:
    case kind::listing:
      w.number<1>((m.connected ? 1U : 0U) | (m.has_quick ? 2U : 0U));
      break;
    case kind::datagram:
    case kind::publish:
      w.number<1>(static_cast<std::uint64_t>(m.via));
      break;
    case kind::change:
      w.number<1>(static_cast<std::uint64_t>(m.what));
      w.number<value_places>(m.value);
      break;
    case kind::part:
    case kind::subscribed:
    case kind::unsubscribed:
      break;
  }
}

}  // namespace

std::size_t overhead(const message& m) noexcept {
  const kind what = m.kind;
  constexpr std::size_t slash_kind_ahead = 3;
  std::size_t bytes = slash_kind_ahead;
  if (what == kind::part) return bytes;
  bytes += service_places;
  if (has_client(what)) bytes += client_places;
  switch (what) {
    case kind::call:
      bytes += seqno_places + command_places;
      if (has_more(m)) bytes += 2 * strip_places + queue_places + timeout_places;
      return bytes;
    case kind::client:
    case kind::listing:
    case kind::datagram:
    case kind::publish:
      return bytes + 1;
    case kind::change:
      return bytes + 1 + value_places;
    case kind::part:
    case kind::subscribed:
    case kind::unsubscribed:
      break;
  }
  return bytes;
}

void write(const message& m, std::string& out) {
  // Of param and data there may be as much as a packet can take with the shortest of URLs.
  if (m.kind == kind::part && m.ahead != ahead::url) {
    out = "/";
    return;
  }
  const std::string_view url = (m.ahead & ahead::url) == 0 ? m.url : std::string_view();
  // One call is much like the next: mostly it has this size already.
  out.resize(overhead(m) + m.prefix.size() + url.size());
  writer w(out.data());
  write_head(m, w);
  w.text(m.prefix);
  w.text(url);
}

std::optional<message> read(std::string_view text) {
  message m;
  if (text == "/") {
    m.kind = kind::part;
    return m;
  }
  if (text.size() < 2 || text[0] != '/' || !is_kind(text[1])) return {};
  m.kind = static_cast<kind>(text[1]);
  reader r(text.substr(2));
  const std::uint64_t bits = r.number<1>(15);
  m.ahead = static_cast<std::uint8_t>(bits & (ahead::url | ahead::param | ahead::data));
  if (m.kind == kind::part) {
    return r.is_good() && m.ahead == ahead::url ? std::optional(m) : std::nullopt;
  }
  m.service = static_cast<vsoa_service>(r.number<service_places>(max_24));
  if (has_client(m.kind)) {
    m.client = static_cast<vsoa::client_id>(r.number<client_places>(max_32));
  }
  switch (m.kind) {
    case kind::call:
      m.seqno = static_cast<std::uint32_t>(r.number<seqno_places>(max_32));
      m.command = static_cast<std::uint16_t>(r.number<command_places>(max_12));
      if ((bits & with_more) == 0) break;
      m.strip = static_cast<std::uint16_t>(r.number<strip_places>(max_16));
      m.queue = static_cast<std::uint16_t>(r.number<queue_places>(max_16));
      m.timeout_ms = static_cast<std::uint32_t>(r.number<timeout_places>(max_32));
      m.prefix = r.text(r.number<strip_places>(max_16));
      break;
    case kind::client:
    case kind::listing: {
      const std::uint64_t flags = r.number<1>(3);
      m.connected = (flags & 1U) != 0;
      m.has_quick = (flags & 2U) != 0;
      break;
    }
    case kind::datagram:
    case kind::publish:
      m.via = static_cast<vsoa::channel>(r.number<1>(1));
      break;
    case kind::change:
      m.what = static_cast<change_of>(r.number<1>(static_cast<std::uint64_t>(change_of::close)));
      m.value = static_cast<std::uint32_t>(r.number<value_places>(max_32));
      break;
    case kind::part:
    case kind::subscribed:
    case kind::unsubscribed:
      break;
  }
  if (!r.is_good()) return {};
  m.url = r.rest();
  return m;
}

std::uint8_t must_go_ahead(const message& m, const vsoa::payload_view& payload) {
  const std::size_t before = overhead(m) + m.prefix.size();
  // A packet is padded to a multiple of 4.
  constexpr std::size_t room = vsoa::max_packet_bytes - vsoa::header_bytes - 3;
  const std::size_t all = before + m.url.size() + payload.param.size() + payload.data.size();
  if (all <= room && before + m.url.size() <= vsoa::max_url_bytes) [[likely]]
    return 0;
  std::uint8_t which = 0;
  if (before + m.url.size() > vsoa::max_url_bytes) which |= ahead::url;
  if (all > room) which |= payload.param.size() > payload.data.size() ? ahead::param : ahead::data;
  return which;
}

// --- parts ---

bool parts::take(const message& m, const vsoa::payload_view& payload) {
  if (m.kind != kind::part) return false;
  const std::string_view bytes(reinterpret_cast<const char*>(payload.data.data()),
                               payload.data.size());
  if (m.ahead == ahead::url) {
    url_ = bytes;
    there_ |= ahead::url;
  } else if (!payload.param.empty()) {
    param_ = payload.param;
    there_ |= ahead::param;
  } else {
    data_ = bytes;
    there_ |= ahead::data;
  }
  return true;
}

bool parts::complete(message& m, vsoa::payload_view& payload) const {
  if ((m.ahead & there_) != m.ahead) return false;
  if ((m.ahead & ahead::url) != 0) m.url = url_;
  if ((m.ahead & ahead::param) != 0) payload.param = param_;
  if ((m.ahead & ahead::data) != 0) {
    payload.data = {reinterpret_cast<const std::byte*>(data_.data()), data_.size()};
  }
  return true;
}

void parts::forget() {
  if (there_ == 0) return;
  there_ = 0;
  // They are rare, and may have been large.
  url_ = {};
  param_ = {};
  data_ = {};
}

// --- lists of URLs ---

void put_url(std::string_view url, std::string& list) {
  list += static_cast<char>(url.size() & 0xFFU);
  list += static_cast<char>(url.size() >> 8U);
  list += url;
}

bool take_url(std::span<const std::byte>& list, std::string_view& url) {
  if (list.size() < 2) return false;
  const std::size_t size =
      std::to_integer<std::size_t>(list[0]) | std::to_integer<std::size_t>(list[1]) << 8U;
  if (list.size() - 2 < size) return false;
  url = {reinterpret_cast<const char*>(list.data()) + 2, size};
  list = list.subspan(2 + size);
  return true;
}

}  // namespace vsoad::isolation
