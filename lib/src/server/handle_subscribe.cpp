// SUBSCRIBE and UNSUBSCRIBE. Source: the wire notes, lib/README.md, "Subscriptions".

#include <algorithm>
#include <new>

#include "protocol/param.hpp"
#include "server/server_impl.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"
#include "vsoa/url.hpp"

namespace vsoa {
namespace {

// The URLs that a request names: its URL, or else the list in its param.
struct request_urls {
  status verdict = status::success;
  std::vector<std::string> list;  // owns what `urls` shows
  std::vector<std::string_view> urls;
};

request_urls read_urls(const packet_view& p) {
  request_urls r;
  if (!p.url.empty()) {
    r.urls.push_back(p.url);
  } else if (auto list = protocol::read_url_list(p.payload.param)) {
    r.list = std::move(*list);
    r.urls.assign(r.list.begin(), r.list.end());
  } else {
    r.verdict = status::arguments;
  }
  if (!std::all_of(r.urls.begin(), r.urls.end(), is_valid_url)) r.verdict = status::arguments;
  return r;
}

bool names_nothing(const packet_view& p) {
  return p.url.empty() && (p.payload.param.empty() || protocol::is_json_null(p.payload.param));
}

}  // namespace

// All or nothing: a request over the limits leaves the subscriptions as they were.
status session::subscribe(const std::vector<std::string_view>& urls,
                          std::vector<std::string_view>& added) {
  const server_limits& limits = shard_.limits();
  for (const std::string_view url : urls) {
    if (!shard_.subscribe(url, *this, topics_)) continue;
    added.push_back(url);
    subscription_bytes_ += url.size();
    if (topics_.size() <= limits.subscriptions &&
        subscription_bytes_ <= limits.subscription_bytes) {
      continue;
    }
    for (const std::string_view undo : added) {
      shard_.unsubscribe(undo, *this, topics_);
      subscription_bytes_ -= undo.size();
    }
    added.clear();
    return status::no_memory;
  }
  return status::success;
}

bool session::may_subscribe(const std::vector<std::string_view>& urls) {
  return std::all_of(urls.begin(), urls.end(),
                     [this](std::string_view url) { return may(server::access::subscribe, url); });
}

void session::handle_subscribe(const packet_view& p) {
  request_urls request = read_urls(p);
  std::vector<std::string_view> added;
  if (request.verdict == status::success && !may_subscribe(request.urls)) {
    request.verdict = status::no_permissions;
  }
  if (request.verdict == status::success) request.verdict = subscribe(request.urls, added);
  // The answer goes before any publish that the subscription brings.
  answer(p, request.verdict);
  const server_impl& owner = shard_.owner();
  if (!added.empty()) owner.tell(owner.on_subscribe, id(), added);
}

void session::handle_unsubscribe(const packet_view& p) {
  request_urls request;
  if (names_nothing(p)) {
    for (const subscriptions::topic* t : topics_)
      request.list.push_back(t->url);
    request.urls.assign(request.list.begin(), request.list.end());
  } else {
    request = read_urls(p);
  }
  std::vector<std::string_view> removed;
  if (request.verdict == status::success) removed = unsubscribe(request.urls);
  answer(p, request.verdict);
  tell_unsubscribed(removed);
}

std::vector<std::string_view> session::unsubscribe(const std::vector<std::string_view>& urls) {
  std::vector<std::string_view> removed;
  for (const std::string_view url : urls) {
    if (!shard_.unsubscribe(url, *this, topics_)) continue;
    subscription_bytes_ -= url.size();
    removed.push_back(url);
  }
  return removed;
}

void session::tell_unsubscribed(const std::vector<std::string_view>& urls) {
  const server_impl& owner = shard_.owner();
  if (!urls.empty()) owner.tell(owner.on_unsubscribe, id(), urls);
}

void session::access_changed() {
  try {
    std::vector<std::string> forbidden;
    for (const subscriptions::topic* t : topics_) {
      if (!may(server::access::subscribe, t->url)) forbidden.push_back(t->url);
    }
    tell_unsubscribed(unsubscribe({forbidden.begin(), forbidden.end()}));
  } catch (const std::bad_alloc&) {
    disconnect();  // rather than to leave it what it may not have
  }
}

}  // namespace vsoa
