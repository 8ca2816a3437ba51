#include "cache/archive.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "base/changing.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/parallel.hpp"
#include "base/raw_bytes.hpp"
#include "cache/archive_manifest.hpp"
#include "pkg/tar_writer.hpp"
#include "pkg/tree_path.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::cache {
namespace {

using nlohmann::json;

constexpr int k_format = 1;
constexpr const char* k_manifest_name = ".rtenv-pack.json";
constexpr std::size_t k_max_manifest_bytes = 256U << 20U;
constexpr std::size_t k_buffer_bytes = 256U << 10U;

class ArchiveWriter {
 public:
  ArchiveWriter(const Path& folder, ArchiveFilter* filter, pkg::ByteSink sink,
                const ArchiveOptions& options)
      : folder_(folder),
        filter_(filter),
        options_(options),
        tar_(std::move(sink), options.threads) {}

  Result<void> run(const EntryName& entry) {
    RTENV_TRY(items_, list_tree(folder_, info(entry.kind).user_writable_folder));
    RTENV_TRY(apply_filter());
    RTENV_TRY(digest_files(folder_, items_, options_.threads, options_.cancellation));
    RTENV_TRY(const json properties,
              filter_ != nullptr ? filter_->properties() : Result<json>(json::object()));
    json files = json::object();
    for (const TreeItem& item : items_)
      if (item.is_file()) files[item.path] = item.content;
    const json manifest{{"format", k_format},       {"kind", info(entry.kind).name},
                        {"key", entry.key.text()},  {"digest", digest_of(items_)},
                        {"properties", properties}, {"files", std::move(files)}};
    // json_text replaces bytes that aren't UTF-8; `digest` still covers the original names.
    const std::string text = json_text(manifest);
    RTENV_TRY(tar_.add_file(k_manifest_name, false, std::as_bytes(std::span(text))));
    for (const TreeItem& item : items_) RTENV_TRY(add(item));
    return tar_.finish();
  }

 private:
  [[nodiscard]] Result<void> check_cancelled() const {
    return check_not_cancelled(options_.cancellation, "archiving", folder_.native());
  }

  Result<void> apply_filter() {
    if (filter_ == nullptr) return {};
    std::vector<std::optional<std::string>> replaced(items_.size());
    RTENV_TRY(parallel_for(
        items_.size(), options_.threads, [] { return 0; },
        [&](int, std::size_t index) -> Result<void> {
          RTENV_TRY(check_cancelled());
          if (items_[index].is_file()) {
            RTENV_TRY(replaced[index],
                      filter_->replace_content(items_[index], folder_ / items_[index].path));
          }
          return {};
        }));
    for (std::size_t i = 0; i < items_.size(); ++i) {
      TreeItem& item = items_[i];
      if (item.type == ItemType::link) {
        RTENV_TRY(auto target, filter_->replace_link(item));
        item.content = target.value_or("");  // empty: left out; no other target is empty
      } else if (replaced[i]) {
        Xxh3 hash;
        hash.add(*replaced[i]);
        item.content = to_hex(hash.finish());
        item.size_bytes = replaced[i]->size();
        texts_.emplace(item.path, std::move(*replaced[i]));
      }
    }
    std::erase_if(items_, [](const TreeItem& item) {
      return item.type == ItemType::link && item.content.empty();
    });
    return {};
  }

  Result<void> add(const TreeItem& item) {
    RTENV_TRY(check_cancelled());
    switch (item.type) {
      case ItemType::directory: return tar_.add_directory(item.path);
      case ItemType::link:
        if (!pkg::stays_inside(item.path, item.content))
          return fail(Errc::invalid_argument,
                      "{} can't be archived: it is a link to {}, outside the entry",
                      (folder_ / item.path).native(), item.content);
        return tar_.add_link(item.path, item.content);
      case ItemType::other:
        return fail(Errc::invalid_argument,
                    "{} can't be archived: it is a device, a pipe or a socket",
                    (folder_ / item.path).native());
      default: break;
    }
    if (const auto text = texts_.find(item.path); text != texts_.end())
      return tar_.add_file(item.path, item.type == ItemType::executable,
                           std::as_bytes(std::span(text->second)));
    return add_file(item);
  }

  Result<void> add_file(const TreeItem& item) {
    const Path path = folder_ / item.path;
    RTENV_TRY(const Fd file, open_regular_file(path, O_RDONLY | O_NOFOLLOW));
    RTENV_TRY(tar_.begin_file(item.path, item.type == ItemType::executable, item.size_bytes));
    buffer_.resize(k_buffer_bytes);
    std::uint64_t done_bytes = 0;
    for (;;) {
      RTENV_TRY(check_cancelled());
      RTENV_TRY(const std::size_t count, read_full(file, buffer_, path.native()));
      done_bytes += count;
      if (done_bytes > item.size_bytes) break;
      RTENV_TRY(tar_.write(std::span(buffer_).first(count)));
      if (count < buffer_.size()) break;
    }
    if (done_bytes == item.size_bytes) return {};
    return changed_while(path.native(), "being archived");
  }

  const Path& folder_;
  ArchiveFilter* filter_;
  const ArchiveOptions& options_;
  pkg::TarWriter tar_;
  std::vector<TreeItem> items_;
  std::map<std::string, std::string> texts_;  // replaced contents by path
  RawBytes buffer_;
};

// For the error message: the first file that differs from the manifest.
std::string first_difference(const std::vector<TreeItem>& items, const json& files) {
  std::size_t count = 0;
  for (const TreeItem& item : items) {
    if (!item.is_file()) continue;
    ++count;
    const auto digest = files.find(item.path);
    if (digest == files.end() || *digest != item.content) return item.path + " differs";
  }
  return count < files.size() ? "a file is missing" : "a folder or link differs";
}

}  // namespace

Result<void> write_archive(const Path& folder, const EntryName& entry, ArchiveFilter* filter,
                           pkg::ByteSink sink, const ArchiveOptions& options) {
  return ArchiveWriter(folder, filter, std::move(sink), options).run(entry);
}

Result<ArchiveManifest> read_archive_manifest(const Path& archive) {
  RTENV_TRY(const auto text,
            pkg::first_file_of_tar(archive, k_manifest_name, k_max_manifest_bytes));
  if (!text)
    return fail(Errc::corrupt, "{} isn't an archive of rtenv: its first file isn't the manifest {}",
                archive.native(), k_manifest_name);
  const json value = json_from_text(*text);
  try {
    if (value.at("format") != k_format)
      return fail(Errc::invalid_argument,
                  "{} has format {}, but this version of rtenv reads only format {}",
                  archive.native(), value.at("format").dump(), k_format)
          .hint("use the version of rtenv that wrote the archive, or write it again with this one");
    const auto kind = parse_kind(value.at("kind").get<std::string>());
    if (!kind)
      return fail(Errc::invalid_argument, "{} holds an entry of the unknown kind {}",
                  archive.native(), value.at("kind").dump())
          .hint("use the version of rtenv that wrote the archive");
    auto key = Key::parse(value.at("key").get<std::string>());
    if (!key)
      return fail(Errc::corrupt, "the manifest of {} is damaged: {}", archive.native(),
                  key.error().message());
    return ArchiveManifest{.entry = {*kind, std::move(*key)},
                           .digest = value.at("digest").get<std::string>(),
                           .properties = value.at("properties"),
                           .files = value.at("files")};
  } catch (const json::exception& error) {
    return fail(Errc::corrupt, "the manifest of {} is damaged: {}", archive.native(), error.what());
  }
}

Result<void> unpack_archive(const Path& archive, const ArchiveManifest& manifest,
                            const Path& folder, const ArchiveOptions& options) {
  RTENV_TRY(pkg::unpack(
      archive, folder,
      {.limits = {}, .threads = options.threads, .cancellation = options.cancellation}));
  RTENV_TRY(remove_tree(folder / k_manifest_name));
  RTENV_TRY(auto items, list_tree(folder, ""));
  RTENV_TRY(digest_files(folder, items, options.threads, options.cancellation));
  if (digest_of(items) == manifest.digest) return {};
  return fail(Errc::corrupt, "{} doesn't match its manifest: {}", archive.native(),
              first_difference(items, manifest.files));
}

Result<void> import_archive(const Path& archive, const ArchiveManifest& manifest,
                            const Path& scratch, const Path& target, const Relocation& relocation,
                            const ArchiveOptions& options) {
  const Path content = scratch / "content";
  RTENV_TRY(unpack_archive(archive, manifest, content, options));
  if (relocation.relocate)
    RTENV_TRY(relocation.relocate(content, relocation.final_path, manifest.properties));
  return rename_path(content, target);
}

}  // namespace rtenv::cache
