#include "cache/tree_digest.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/hash.hpp"
#include "base/parallel.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv::cache {
namespace {

constexpr std::size_t k_buffer_bytes = 256U << 10U;

struct Item {
  std::string path;     // within the folder
  char type = 'd';      // d: folder, f: file, x: executable file, l: link, o: other
  std::string content;  // the file's digest, the link's target
  std::uint64_t size_bytes = 0;
};

Result<void> list(const Path& root, std::string_view ignored, std::vector<Item>& items) {
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
    const Path& path = at->path();
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return fail_errno("look at", path.native());
    Item item{.path = path.native().substr(root.native().size() + 1)};
    if (S_ISDIR(status.st_mode)) {
      if (!ignored.empty() && path.filename() == ignored) {
        at.disable_recursion_pending();
        continue;
      }
    } else if (S_ISREG(status.st_mode)) {
      item.type = (status.st_mode & S_IXUSR) != 0 ? 'x' : 'f';
      item.size_bytes = static_cast<std::uint64_t>(status.st_size);
    } else if (S_ISLNK(status.st_mode)) {
      item.type = 'l';
      item.content = std::filesystem::read_symlink(path, error).native();
    } else {
      item.type = 'o';
    }
    items.push_back(std::move(item));
  }
  if (error) return Failure(system_error(error.value(), "list", root.native()));
  std::ranges::sort(items, {}, &Item::path);
  return {};
}

Result<void> digest_file(const Path& path, RawBytes& buffer, Item& item) {
  RTENV_TRY(const Fd file, open_file(path, O_RDONLY));
  Xxh3 hash;
  for (off_t offset = 0;;) {
    RTENV_TRY(const std::size_t count, read_full_at(file, buffer, offset, path.native()));
    hash.add(std::span(buffer).first(count));
    if (count < buffer.size()) break;
    offset += static_cast<off_t>(count);
  }
  item.content = to_hex(hash.finish());
  return {};
}

}  // namespace

Result<TreeDigest> tree_digest(const Path& folder, std::string_view ignored, unsigned threads) {
  std::vector<Item> items;
  RTENV_TRY(list(folder, ignored, items));
  RTENV_TRY(parallel_for(
      items.size(), threads, [] { return RawBytes(k_buffer_bytes); },
      [&](RawBytes& buffer, std::size_t index) -> Result<void> {
        Item& item = items[index];
        if (item.type != 'f' && item.type != 'x') return {};
        return digest_file(folder / item.path, buffer, item);
      }));
  Xxh3 hash;
  TreeDigest result;
  for (Item& item : items) {
    // Lengths between: no two trees read alike.
    hash.add(fmt::format("{}{}:{}{}:{}", item.type, item.path.size(), item.path, item.content.size(), item.content));
    if (item.type == 'f' || item.type == 'x')
      result.files.push_back({.path = std::move(item.path),
                              .size_bytes = item.size_bytes,
                              .executable = item.type == 'x',
                              .digest = std::move(item.content)});
  }
  result.digits = to_hex(hash.finish());
  return result;
}

}  // namespace rtenv::cache
