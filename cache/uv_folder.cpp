#include "cache/uv_folder.hpp"

#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/tree_usage.hpp"
#include "cache/trash.hpp"

namespace rtenv::cache {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.symlink_status(error).type() == fs::file_type::directory;
}

// uv writes to a temporary folder, which remains if it is killed.
bool is_temporary(const Path& path) { return path.filename().native().starts_with(".tmp"); }

// uv's indexes of unpacked wheels. Source distributions have files of their own in them.
bool is_index(const Path& bucket) {
  const std::string name = bucket.filename().native();
  return name.starts_with("wheels-") || name.starts_with("sdists-");
}
constexpr std::uintmax_t k_max_pointer_bytes = 64U << 10U;

std::string pointer_text(const fs::directory_entry& entry) {
  std::error_code error;
  if (entry.is_symlink(error)) return fs::read_symlink(entry.path(), error).native();
  if (!entry.is_regular_file(error) || entry.file_size(error) > k_max_pointer_bytes) return {};
  return read_file(entry.path()).value_or(std::string());
}

}  // namespace

UvFolder::Content UvFolder::content() const {
  Content content{.parts = {}, .other_bytes = own_disk_bytes(folder_)};
  std::error_code error;
  for (const auto& bucket : fs::directory_iterator(folder_, error)) {
    if (is_temporary(bucket.path())) {
      content.parts.push_back({.path = bucket.path()});
      continue;
    }
    content.other_bytes += own_disk_bytes(bucket.path());
    if (!is_folder(bucket)) continue;
    for (const auto& part : fs::directory_iterator(bucket.path(), error)) {
      if (is_folder(part))
        content.parts.push_back({.path = part.path()});
      else
        content.other_bytes += own_disk_bytes(part.path());
    }
  }
  return content;
}

Result<std::optional<UvFolder::Pruner>> UvFolder::try_prune() const {
  RTENV_TRY(auto ours, LockFile::try_acquire(locks_ / k_uv_folder_lock));
  if (!ours) return std::optional<Pruner>();
  // uv has its lock as long as it runs, also without rtenv. Versions before 0.9 don't have it.
  RTENV_TRY(auto uvs, LockFile::try_acquire(folder_ / ".lock"));
  if (!uvs) return std::optional<Pruner>();
  return std::optional(Pruner(folder_, std::move(*ours), std::move(*uvs)));
}

// uv fails if it finds a pointer to an archive that is missing: for local wheels, and before 0.6
// for all.
void UvFolder::Pruner::remove_pointers(std::string_view archive) {
  if (!pointers_) read_pointers();
  std::erase_if(*pointers_, [&](const Pointer& pointer) {
    if (pointer.text.find(archive) == std::string::npos) return false;
    std::error_code error;
    fs::remove(pointer.path, error);
    return true;
  });
}

void UvFolder::Pruner::read_pointers() {
  pointers_.emplace();
  std::error_code error;
  for (const auto& bucket : fs::directory_iterator(folder_, error)) {
    if (!is_index(bucket.path())) continue;
    for (const auto& entry : fs::recursive_directory_iterator(bucket.path(), error))
      if (std::string text = pointer_text(entry); !text.empty())
        pointers_->push_back({entry.path(), std::move(text)});
  }
}

Result<bool> UvFolder::Pruner::remove(const Part& part, Trash& trash) {
  RTENV_TRY(const TreeUsage now, tree_usage(part.path));
  if (now.changed_ms != part.last_used_ms) return false;
  if (part.path.parent_path().filename().native().starts_with("archive-"))
    remove_pointers(part.path.filename().native());
  RTENV_TRY(trash.move_in(part.path));
  return true;
}

}  // namespace rtenv::cache
