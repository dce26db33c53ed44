#include "plugin_host/isolation/envelope.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "vsoa/url.hpp"

namespace vsoad::isolation {
namespace {

// Four bits a character, '@' to 'O': all of a number's are spread and gathered at once, in a word.
template <unsigned Places>
using word_of = std::conditional_t<Places == 8, std::uint64_t,
                                   std::conditional_t<Places == 4, std::uint32_t, std::uint8_t>>;
template <class Word>
constexpr Word repeat(std::uint8_t byte) {
  return static_cast<Word>(static_cast<Word>(-1) / 0xFFU * byte);
}

template <class Word>
constexpr Word spread(std::uint64_t value) {
  std::uint64_t w = value;
  if constexpr (sizeof(Word) == 8) w = (w | w << 16U) & 0x0000FFFF0000FFFF;
  if constexpr (sizeof(Word) >= 4) {
    w = (w | w << 8U) & 0x00FF00FF00FF00FF;
    w = (w | w << 4U) & 0x0F0F0F0F0F0F0F0F;
  }
  return static_cast<Word>(w | repeat<Word>('@'));
}

template <class Word>
constexpr bool is_spread(Word w) {
  return (w & repeat<Word>(0xF0)) == repeat<Word>('@');
}

template <class Word>
constexpr std::uint64_t gather(Word word) {
  std::uint64_t w = word & repeat<Word>(0x0F);
  if constexpr (sizeof(Word) >= 4) {
    w = (w | w >> 4U) & 0x00FF00FF00FF00FF;
    w = (w | w >> 8U) & 0x0000FFFF0000FFFF;
  }
  if constexpr (sizeof(Word) == 8) w = (w | w >> 16U) & 0x00000000FFFFFFFF;
  return w;
}
static_assert(gather(spread<std::uint64_t>(0x89ABCDEF)) == 0x89ABCDEF);
static_assert(gather(spread<std::uint32_t>(0xFEDC)) == 0xFEDC &&
              gather(spread<std::uint8_t>(9)) == 9);

/// Writes to where there is room for it.
class writer {
 public:
  explicit writer(char* at) : at_(at) {}
  void letter(char c) { *at_++ = c; }
  /// @pre value < 16 to the power of Places
  template <unsigned Places>
  [[gnu::always_inline]] void number(std::uint64_t value) {
    const auto word = spread<word_of<Places>>(value);
    std::memcpy(at_, &word, Places);
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
  [[gnu::always_inline]] std::uint64_t number(std::uint64_t most) {
    if (text_.size() < Places) is_good_ = false;
    if (!is_good_) return 0;
    word_of<Places> word = 0;
    std::memcpy(&word, text_.data(), Places);
    const std::uint64_t value = gather(word);
    is_good_ = is_spread(word) && value <= most;
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

constexpr unsigned service_places = 8, client_places = 8, seqno_places = 8, command_places = 4,
                   strip_places = 4, queue_places = 4, timeout_places = 8, value_places = 8;
constexpr std::uint64_t max_32 = 0xFFFFFFFF, max_24 = 0xFFFFFF, max_16 = 0xFFFF, max_12 = 0xFFF;
/// Of a call that has everything; the other kinds need less.
constexpr std::size_t slash_kind_ahead = 3;
constexpr std::size_t most_overhead = slash_kind_ahead + service_places + client_places +
                                      seqno_places + command_places + 2 * strip_places +
                                      queue_places + timeout_places;
/// Beside ahead::...: the parts of a call that most do not have.
constexpr std::uint64_t with_more = 8;

constexpr std::uint32_t make_kinds() {
  std::uint32_t set = 0;
  for (const char c : std::string_view("acelsngpx"))
    set |= 1U << (c - 'a');
  return set;
}
bool is_kind(char c) {
  constexpr std::uint32_t kinds = make_kinds();
  return c >= 'a' && c <= 'z' && (kinds >> (c - 'a') & 1U) != 0;
}

bool has_client(kind k) {
  return k != kind::part && k != kind::publish && k != kind::listing;
}

void write_head(const message& m, writer& w) {
  w.letter('/');
  w.letter(static_cast<char>(m.kind));
  w.number<1>(m.ahead | (m.has_more ? with_more : 0));
  if (m.kind == kind::part) return;
  w.number<service_places>(m.service);
  if (has_client(m.kind)) w.number<client_places>(m.client);
  switch (m.kind) {
    case kind::call:
      w.number<seqno_places>(m.seqno);
      w.number<command_places>(m.command);
      if (!m.has_more) break;
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
  std::size_t bytes = slash_kind_ahead;
  if (what == kind::part) return bytes;
  bytes += service_places;
  if (has_client(what)) bytes += client_places;
  switch (what) {
    case kind::call:
      bytes += seqno_places + command_places;
      if (m.has_more) bytes += 2 * strip_places + queue_places + timeout_places;
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
      m.has_more = (bits & with_more) != 0;
      if (!m.has_more) break;
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
  // A packet is padded to a multiple of 4.
  constexpr std::size_t room = vsoa::max_packet_bytes - vsoa::header_bytes - 3;
  const std::size_t text = m.prefix.size() + m.url.size();
  const std::size_t content = payload.param.size() + payload.data.size();
  if (text <= vsoa::max_url_bytes - most_overhead && content <= room - most_overhead - text)
      [[likely]]
    return 0;
  const std::size_t before = overhead(m) + m.prefix.size();
  const std::size_t all = before + m.url.size() + content;
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
