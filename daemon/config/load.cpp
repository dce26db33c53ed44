#include "load.hpp"

#include <exception>

#include "check_forward.hpp"
#include "check_tls.hpp"
#include "checks.hpp"
#include "merge.hpp"
#include "reader.hpp"

namespace vsoad::config {

namespace {

constexpr std::size_t max_included_files = 256;

class loader {
 public:
  explicit loader(const load_options& options) : options_(options), expand_(options, findings_) {}

  load_result load_file(const std::string& name) {
    const std::size_t file = findings_.add_file(name);
    file_content content = read_file(name, max_document_bytes);
    if (!content.problem.empty()) {
      findings_.error({file, 0, 0}, "", content.problem);
      return finish(nullptr);
    }
    return finish(parse_document(content.text, file, findings_));
  }

  load_result load_string(std::string name, std::string_view text) {
    const std::size_t file = findings_.add_file(std::move(name));
    return finish(parse_document(text, file, findings_));
  }

 private:
  load_result finish(node_ptr document) {
    load_result out;
    if (document) document = with_includes(document);
    if (document) {
      builder target;
      out.document = reader(findings_, expand_, target).read_root(document);
      check_references(target, findings_);
      check_tls(target, options_.allow_files, findings_);
      check_forward(target, options_.allow_files, findings_);
      warn_if_idle(target.config, document->at);
      out.config = std::move(target.config);
    }
    if (findings_.has_errors() || !document) {
      out.config.reset();
      out.document.reset();
    }
    out.diagnostics = findings_.sorted();
    return out;
  }

  void warn_if_idle(const configuration& config, place at) {
    if (findings_.has_errors() || !config.services.empty() || !config.position.listen.empty()) {
      return;
    }
    findings_.warning({at.file, 0, 0}, "", "neither services nor position.listen; nothing to do");
  }

  /// The value of `include` is read by hand here, before the rest: there is no merged document yet.
  /// The reader checks it once more like any other key, and reports what is wrong with it.
  node_ptr with_includes(const node_ptr& document) {
    const node* const include = document->find("include");
    node_ptr out = document;
    if (include == nullptr) return out;
    std::vector<node_ptr> patterns = include->items;
    if (include->type == node::kind::scalar) {
      patterns.push_back(std::make_shared<node>(*include));
    }
    for (const node_ptr& pattern : patterns) {
      if (pattern->type == node::kind::scalar && !pattern->text.empty()) {
        out = with_pattern(std::move(out), pattern);
      }
    }
    return out;
  }

  node_ptr with_pattern(node_ptr document, const node_ptr& written) {
    report unheard;  // the reader will report it
    unheard.add_file(findings_.file(written->at.file));
    const node_ptr pattern = expander(options_, unheard).expand(written, "include");
    if (!pattern) return document;
    if (!options_.allow_files) {
      findings_.error(written->at, "include", "not allowed here");
      return document;
    }
    const std::string& main = findings_.file(written->at.file);
    const auto names = glob_files(relative_to(main, pattern->text));
    if (!names) {
      findings_.error(written->at, "include",
                      "a folder of " + in_quotes(pattern->text) +
                          " can't be read; vsoad needs to read and search it");
      return document;
    }
    for (const std::string& name : *names) {
      if (included_++ == max_included_files) {
        findings_.error(written->at, "include",
                        "more than " + std::to_string(max_included_files) + " files");
      }
      if (included_ > max_included_files) break;
      document = with_file(std::move(document), name, written->at);
    }
    return document;
  }

  node_ptr with_file(node_ptr document, const std::string& name, place at) {
    file_content content = read_file(name, max_document_bytes);
    if (!content.problem.empty()) {
      findings_.error(at, "include", shown(name) + " " + content.problem);
      return document;
    }
    const node_ptr added = parse_document(content.text, findings_.add_file(name), findings_);
    if (!added) return document;
    auto fragment = std::make_shared<node>(*added);
    std::erase_if(fragment->members, [&](const member& m) {
      if (m.key != "include") return false;
      findings_.error(m.at, "include",
                      "an included file includes no others; move it to " + findings_.file(at.file));
      return true;
    });
    return merge_documents(document, fragment, findings_);
  }

  const load_options& options_;
  report findings_;
  expander expand_;
  std::size_t included_ = 0;
};

/// What went wrong apart from the configuration: memory, for instance.
load_result failed(std::string_view name, const char* reason) {
  load_result out;
  out.diagnostics.push_back({severity::error, std::string(name), 0, 0, "", reason});
  return out;
}

}  // namespace

load_result load(const std::filesystem::path& file, const load_options& options) noexcept {
  try {
    return loader(options).load_file(file.string());
  } catch (const std::exception& e) {
    return failed(file.native(), e.what());
  }
}

load_result load_text(std::string_view name, std::string_view text,
                      const load_options& options) noexcept {
  try {
    return loader(options).load_string(std::string(name), text);
  } catch (const std::exception& e) {
    return failed(name, e.what());
  }
}

}  // namespace vsoad::config
