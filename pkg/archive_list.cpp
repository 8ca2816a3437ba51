#include "pkg/archive_list.hpp"

#include <sys/stat.h>

#include <climits>
#include <map>
#include <mutex>

#include "pkg/digest.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/tree_path.hpp"
#include "pkg/unpack_formats.hpp"

namespace rtenv::pkg {
namespace {

struct Listed {
  Entry entry;
  ContentDigest content;
  bool implied = false;  // a folder that the archive has no entry for
};

// The tree that unpacking would create. Thread-safe; `by_path` is for when the threads have ended.
class ListedTree {
 public:
  std::map<std::string, Listed> by_path;

  Result<void> add(Entry entry) {
    const std::lock_guard lock(mutex_);
    RTENV_TRY(add_parents(entry.path));
    const bool is_folder = entry.type == EntryType::directory;
    const auto [found, added] = by_path.try_emplace(entry.path);
    Listed& listed = found->second;
    if (!added && !(is_folder && listed.entry.type == EntryType::directory))
      return refuse_entry(entry.path, "the archive contains it twice");
    entry.childless = is_folder && (added || listed.entry.childless);
    listed.entry = std::move(entry);
    listed.implied = false;
    return {};
  }

  void set_content(const std::string& path, std::uint64_t size_bytes,
                   const ContentDigest& content) {
    const std::lock_guard lock(mutex_);
    Listed& listed = by_path.at(path);
    listed.entry.size_bytes = size_bytes;
    listed.content = content;
  }

  [[nodiscard]] std::optional<Listed> find_file(const std::string& path) {
    const std::lock_guard lock(mutex_);
    const auto found = by_path.find(path);
    if (found == by_path.end() || found->second.entry.type != EntryType::file) return std::nullopt;
    return found->second;
  }

 private:
  // As a file system would refuse them.
  Result<void> add_parents(const std::string& path) {
    if (split_name(path).name.size() > NAME_MAX)
      return fail(system_error(ENAMETOOLONG, "unpack", path));
    const std::string folder(split_name(path).folder);
    if (folder.empty()) return {};
    if (const auto found = by_path.find(folder); found != by_path.end()) {
      Entry& parent = found->second.entry;
      if (parent.type != EntryType::directory)
        return refuse_entry(folder, "a part of its path isn't a folder");
      parent.childless = false;
      return {};
    }
    RTENV_TRY(add_parents(folder));
    by_path.emplace(
        folder, Listed{.entry = {.path = folder, .type = EntryType::directory}, .implied = true});
    return {};
  }

  std::mutex mutex_;
};

class ListTarget : public UnpackTarget {
 public:
  ListTarget(ListedTree& tree, Scheme scheme)
      : tree_(tree), hasher_(ContentHasher::create(scheme)) {}

  Result<void> make_directory(const std::string& path, mode_t) override {
    return tree_.add({.path = path, .type = EntryType::directory});
  }

  Result<void> make_link(const std::string& path, const std::string& target) override {
    return tree_.add({.path = path, .type = EntryType::link, .link_target = target});
  }

  Result<void> begin_file(const std::string& path, mode_t permissions) override {
    path_ = path;
    size_bytes_ = 0;
    hasher_->begin(path);
    return tree_.add({.path = path, .executable = (permissions & S_IXUSR) != 0});
  }

  Result<void> write(std::span<const std::byte> data) override {
    size_bytes_ += data.size();
    hasher_->add(data);
    return {};
  }

  Result<void> finish_file() override {
    tree_.set_content(path_, size_bytes_, hasher_->finish());
    return {};
  }

  Result<void> copy_file(const std::string& path, const std::string& original,
                         UnpackBudget& budget) override {
    auto listed = tree_.find_file(original);
    if (!listed) return refuse_hard_link(path);
    const std::uint64_t size_bytes = listed->entry.size_bytes;
    RTENV_TRY(budget.add_bytes(size_bytes));
    listed->entry.path = path;
    RTENV_TRY(tree_.add(listed->entry));
    tree_.set_content(path, size_bytes, listed->content);
    return {};
  }

 private:
  ListedTree& tree_;
  std::unique_ptr<ContentHasher> hasher_;
  std::string path_;
  std::uint64_t size_bytes_ = 0;
};

// The only top folder with a '/' behind it, as `unpack` finds it; empty if there is none.
std::string single_top(const std::map<std::string, Listed>& by_path) {
  std::string top;
  for (const auto& [path, listed] : by_path) {
    if (path.find('/') != std::string::npos || path == "__MACOSX") continue;
    if (!top.empty() || listed.entry.type != EntryType::directory) return {};
    top = path + '/';
  }
  return top;
}

}  // namespace

Result<ArchiveList> list_archive(const ArchiveFile& archive, Scheme scheme,
                                 const UnpackOptions& options) {
  ListedTree tree;
  const MakeTarget make_target = [&]() -> Result<std::unique_ptr<UnpackTarget>> {
    return std::make_unique<ListTarget>(tree, scheme);
  };
  UnpackBudget budget(options, archive.size_bytes);
  RTENV_TRY(unpack_to(archive, make_target, options, budget));
  const auto hasher = TreeHasher::create(scheme);
  const std::string top = options.strip_top ? single_top(tree.by_path) : "";
  std::vector<Entry> entries;
  for (auto& [path, listed] : tree.by_path) {
    hasher->add(listed.entry, listed.content);
    if (listed.implied || !path.starts_with(top)) continue;
    entries.push_back(std::move(listed.entry));
    entries.back().path.erase(0, top.size());
  }
  return ArchiveList{std::move(entries), budget.summary(), hasher->finish()};
}

Result<ArchiveList> list_archive(const Path& archive, const UnpackOptions& options) {
  RTENV_TRY(const ArchiveFile file, open_archive_file(archive));
  return list_archive(file, Scheme::xxh3, options);
}

}  // namespace rtenv::pkg
