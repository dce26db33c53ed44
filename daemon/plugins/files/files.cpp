// files: the files below one directory, over streams. README.md says more.
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vsoa/plugin.hpp>

#include "download.hpp"
#include "json.hpp"
#include "root.hpp"
#include "transfer.hpp"
#include "upload.hpp"

namespace {

using files::failure;
using files::request;
using vsoa::plugin::call;
using vsoa::plugin::deferred_call;
using vsoa::plugin::status;

// Of the JSON text of one answer of /files/list; the rest comes with "after".
constexpr std::size_t max_list_bytes = std::size_t{200} << 10U;

std::string describe(const files::entry& e) {
  std::string text = "{\"name\":" + files::quoted(e.name);
  text += e.is_directory ? R"(,"type":"directory")" : R"(,"type":"file")";
  if (!e.is_directory) text += ",\"size\":" + std::to_string(e.size);
  return text + ",\"modified\":" + std::to_string(e.modified_ms) + "}";
}

class files_plugin : public vsoa::plugin::base {
 public:
  using base::base;

  void start(std::string_view config) override {
    if (!host.has_streams()) throw std::runtime_error("needs plugin ABI 1.1");
    settings_ = files::read_settings(config);
    root_.emplace(settings_.root);
    all_.emplace(host, settings_.transfers, std::chrono::seconds(settings_.idle_limit));
  }
  void stop() override { all_->worker.stop(); }

  void list(call& c) {
    later(c, "path after",
          [this](deferred_call& answer, const request& r, auto) { answer.reply(list_of(r)); });
  }
  void stat(call& c) {
    later(c, "path checksum", [this](deferred_call& answer, const request& r, auto client) {
      stat_of(answer, r, client);
    });
  }
  void download(call& c) {
    later(c, "path offset length checksum",
          [this](deferred_call& answer, const request& r, auto client) {
            files::entry found;
            auto file = files::root::open_file(root_->find(r.path), found);
            begin_download(answer, client, std::move(file), std::move(found), r, {});
          });
  }
  void upload(call& c) {
    later(c, "path offset size sha256",
          [this](deferred_call& answer, const request& r, auto client) {
            if (!settings_.writable) throw failure(status::no_permissions, "read only");
            if (!r.size) throw failure(status::arguments, "the size is missing");
            if (*r.size > settings_.max_size) throw failure(files::too_large, "too large");
            const std::shared_ptr<files::upload> u(
                new files::upload(*all_, answer, client, root_->find(r.path), r));
            all_->worker.wake(u);
          });
  }

 private:
  /// Answers on the worker's thread, where disks may be waited for.
  template <class Work>
  void later(call& c, std::string_view keys, Work work) {
    try {
      auto wanted = files::read_request(c.param(), keys);
      const auto client = c.client();
      // std::function wants copies.
      const std::shared_ptr<deferred_call> answer(new deferred_call(c.defer()));
      const bool taken = all_->worker.add([answer, work, client, wanted = std::move(wanted)] {
        try {
          work(*answer, wanted, client);
        } catch (const failure& why) {
          files::refuse(*answer, why);
        } catch (const std::exception&) {
          files::refuse(*answer, failure(status::no_memory, "no memory"));
        }
      });
      if (!taken) files::refuse(*answer, failure(status::no_memory, "too many requests"));
    } catch (const failure& why) {
      c.reply(why.code, std::string("{\"error\":\"") + why.what() + "\"}");
    }
  }

  std::string list_of(const request& r) const {
    std::string text = "{\"entries\":[";
    bool is_first = true;
    for (const auto& each : root_->list(r.path)) {
      if (!r.after.empty() && each.name <= r.after) continue;
      if (text.size() > max_list_bytes) return text + "],\"more\":true}";
      if (!is_first) text += ',';
      is_first = false;
      text += describe(each);
    }
    return text + "],\"more\":false}";
  }

  void stat_of(deferred_call& answer, const request& r, vsoa::plugin::client client) {
    if (r.path.empty()) {
      answer.reply(R"({"type":"directory"})");
      return;
    }
    const files::place where = root_->find(r.path);
    const auto found = files::root::look(where.directory.get(), where.name);
    // How far an upload has come that can be gone on with.
    const auto partial = files::root::look_partial(where);
    if (!found && !partial) throw failure(files::not_found, "no such file or directory");
    std::string text = found ? describe(*found) : R"({"type":"none"})";
    if (partial) {
      text.pop_back();
      text += ",\"partial\":" + std::to_string(partial->size) + "}";
    }
    if (!found || found->is_directory || !r.checksum) return void(answer.reply(text));
    files::entry what;
    auto file = files::root::open_file(where, what);
    text.pop_back();
    begin_download(answer, client, std::move(file), std::move(what), r, std::move(text));
  }

  void begin_download(deferred_call& answer, vsoa::plugin::client client, files::unique_fd file,
                      files::entry what, const request& r, std::string facts) {
    if (all_->running >= all_->most) throw failure(status::no_memory, "too many transfers");
    if (r.offset > what.size) throw failure(files::wrong_offset, "the file is shorter");
    // Not make_shared: its unique symbol in libstdc++ would keep the plugin mapped for ever.
    const std::shared_ptr<files::download> d(new files::download(
        *all_, std::move(answer), client, std::move(file), std::move(what), r, std::move(facts)));
    all_->worker.wake(d);
  }

  files::settings settings_;
  std::optional<files::root> root_;
  std::optional<files::transfers> all_;
};

}  // namespace

VSOA_PLUGIN(files_plugin, "files", "1.0", "Files below one directory: list, download, upload") {
  needs_config();
  command("/files/list", &files_plugin::list);
  command("/files/stat", &files_plugin::stat);
  command("/files/download", &files_plugin::download);
  command("/files/upload", &files_plugin::upload);
}
