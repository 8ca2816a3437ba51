#include "cache/shared_contents.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/fault_point.hpp"
#include "base/log.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv::cache {
namespace {

constexpr std::size_t k_buffer_bytes = 256U << 10U;

Result<bool> are_equal(const Path& left, const Path& right) {
  RTENV_TRY(const Fd left_file, open_file(left, O_RDONLY | O_NOFOLLOW));
  RTENV_TRY(const Fd right_file, open_file(right, O_RDONLY | O_NOFOLLOW));
  RawBytes left_data(k_buffer_bytes);
  RawBytes right_data(k_buffer_bytes);
  for (;;) {
    RTENV_TRY(const std::size_t left_count, read_full(left_file, left_data, left.native()));
    RTENV_TRY(const std::size_t right_count, read_full(right_file, right_data, right.native()));
    if (left_count != right_count ||
        !std::equal(left_data.begin(), left_data.begin() + static_cast<std::ptrdiff_t>(left_count),
                    right_data.begin()))
      return false;
    if (left_count < k_buffer_bytes) return true;
  }
}

// Modes are compared without write permission, which differs between kinds: nobody writes to
// entries that share files.
bool have_equal_modes(const struct stat& left, const struct stat& right) {
  return S_ISREG(left.st_mode) && (left.st_mode & 07555U) == (right.st_mode & 07555U);
}

// Returns false, and changes nothing, if the files differ.
Result<bool> replace_by_link(const Path& existing, const Path& file, const Path& spare) {
  // Links before comparing: the compared file can't be replaced in between.
  if (::link(existing.c_str(), spare.c_str()) != 0) return fail_errno("link", existing.native());
  struct stat linked {};
  struct stat own {};
  if (::lstat(spare.c_str(), &linked) != 0) return fail_errno("stat", spare.native());
  if (::lstat(file.c_str(), &own) != 0) return fail_errno("stat", file.native());
  auto equal = have_equal_modes(linked, own) ? are_equal(spare, file) : Result<bool>(false);
  if (equal && *equal) {
    RTENV_TRY(rename_path(spare, file));
    RTENV_TRY(fault_point("share.linked"));
    return true;
  }
  ::unlink(spare.c_str());
  return equal;
}

Result<void> share(CacheState& state, const Path& file, const TreeItem& item, const Path& spare) {
  RTENV_TRY(const auto rows,
            state.ledger().find_content(item.content, item.type == ItemType::executable));
  for (const ContentRow& row : rows) {
    const auto replaced =
        replace_by_link(state.path_of(row.entry->kind, row.entry->key) / row.path, file, spare);
    if (replaced && *replaced) return {};
    if (!replaced) log::debug("{} isn't shared: {}", file.native(), replaced.error().message());
  }
  return {};
}

}  // namespace

Result<std::vector<ContentRow>> share_contents(CacheState& state, const Path& folder,
                                               const std::vector<TreeItem>& items,
                                               const Path& spare) {
  std::vector<ContentRow> rows;
  for (const TreeItem& item : items) {
    if (!item.is_file() || item.size_bytes < k_share_from_bytes) continue;
    const Path path = folder / item.path;
    RTENV_TRY(share(state, path, item, spare));
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return fail_errno("stat", path.native());
    rows.push_back({.digest = item.content,
                    .path = item.path,
                    .executable = item.type == ItemType::executable,
                    .inode = status.st_ino,
                    .size_bytes = item.size_bytes});
  }
  return rows;
}

}  // namespace rtenv::cache
