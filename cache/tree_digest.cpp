#include "cache/tree_digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/folder_entries.hpp"
#include "base/parallel.hpp"
#include "base/raw_bytes.hpp"
#include "cache/known_contents.hpp"

namespace rtenv::cache {
namespace {

constexpr std::size_t k_buffer_bytes = 256U << 10U;

// Computes the digests of one file after another.
class FileDigester {
 public:
  FileDigester(const KnownContents* known, const Cancellation* cancellation)
      : known_(known), cancellation_(cancellation) {}

  Result<void> digest(const Path& path, TreeItem& item) {
    RTENV_TRY(const Fd file, open_regular_file(path, O_RDONLY));
    const bool may_be_known = known_ != nullptr && item.size_bytes >= KnownContents::k_min_bytes &&
                              known_->has_size(item.size_bytes);
    const bool at_once = known_ != nullptr && !may_be_known;
    xxh3_.reset();
    sha256_.reset();
    RTENV_TRY(read(file, path, [&](std::span<const std::byte> data) {
      xxh3_.add(data);
      if (at_once) sha256_.add(data);
    }));
    item.xxh3 = xxh3_.finish();
    item.content = to_hex(item.xxh3);
    if (known_ == nullptr) return {};
    if (may_be_known) {
      item.sha256 = known_->find(item.size_bytes, item.xxh3);
      if (item.sha256) return {};
      RTENV_TRY(read(file, path, [&](std::span<const std::byte> data) { sha256_.add(data); }));
    }
    item.sha256 = sha256_.finish();
    return {};
  }

 private:
  template <class Use>
  Result<void> read(const Fd& file, const Path& path, Use use) {
    for (off_t offset = 0;;) {
      RTENV_TRY(check_not_cancelled(cancellation_, "reading", path.native()));
      RTENV_TRY(const std::size_t count, read_full_at(file, buffer_, offset, path.native()));
      use(std::span<const std::byte>(buffer_).first(count));
      if (count < buffer_.size()) return {};
      offset += static_cast<off_t>(count);
    }
  }

  const KnownContents* known_;
  const Cancellation* cancellation_;
  RawBytes buffer_ = RawBytes(k_buffer_bytes);
  Xxh3 xxh3_;
  Sha256 sha256_;
};

Result<TreeItem> read_item(const Path& path, const Path& folder) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return fail_errno("stat", path.native());
  TreeItem item{.path = path.native().substr(folder.native().size() + 1), .content = {}};
  if (S_ISDIR(status.st_mode)) {
    item.type = ItemType::directory;
  } else if (S_ISREG(status.st_mode)) {
    item.type = (status.st_mode & S_IXUSR) != 0 ? ItemType::executable : ItemType::file;
    item.size_bytes = static_cast<std::uint64_t>(status.st_size);
  } else if (S_ISLNK(status.st_mode)) {
    std::error_code error;
    item.type = ItemType::link;
    item.content = std::filesystem::read_symlink(path, error).native();
    if (error) return Failure(system_error(error.value(), "read", path.native()));
  } else {
    item.type = ItemType::other;
  }
  return item;
}

}  // namespace

// One descriptor, however deep the folder is.
Result<std::vector<TreeItem>> list_tree(const Path& folder, std::string_view ignored,
                                        const Cancellation* cancellation) {
  std::vector<TreeItem> items;
  std::vector<Path> waiting{folder};
  while (!waiting.empty()) {
    const Path parent = std::move(waiting.back());
    waiting.pop_back();
    RTENV_TRY(check_not_cancelled(cancellation, "reading", parent.native()));
    RTENV_TRY(const auto entries, folder_entries(parent));
    for (const FolderEntry& entry : entries) {
      if (!ignored.empty() && entry.path.filename() == ignored && entry.is_directory()) continue;
      RTENV_TRY(items.emplace_back(), read_item(entry.path, folder));
      if (items.back().type == ItemType::directory) waiting.push_back(entry.path);
    }
  }
  std::ranges::sort(items, {}, &TreeItem::path);
  return items;
}

Result<void> digest_files(const Path& folder, std::vector<TreeItem>& items, unsigned threads,
                          const Cancellation* cancellation, const KnownContents* known) {
  return parallel_for(
      items.size(), threads, [&] { return FileDigester(known, cancellation); },
      [&](FileDigester& digester, std::size_t index) -> Result<void> {
        TreeItem& item = items[index];
        if (!item.is_file() || !item.content.empty()) return {};
        return digester.digest(folder / item.path, item);
      });
}

std::string digest_of(const std::vector<TreeItem>& items) {
  Xxh3 hash;
  for (const TreeItem& item : items) {
    // The lengths make the encoding unambiguous.
    hash.add(fmt::format("{}{}:{}{}:{}", static_cast<char>(item.type), item.path.size(), item.path,
                         item.content.size(), item.content));
  }
  return to_hex(hash.finish());
}

Result<std::string> tree_digest(const Path& folder, std::string_view ignored, unsigned threads,
                                const Cancellation* cancellation) {
  RTENV_TRY(auto items, list_tree(folder, ignored, cancellation));
  RTENV_TRY(digest_files(folder, items, threads, cancellation));
  return digest_of(items);
}

}  // namespace rtenv::cache
