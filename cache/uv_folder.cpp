#include "cache/uv_folder.hpp"

#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/tree_usage.hpp"
#include "cache/trash.hpp"

namespace rtenv::cache {
namespace {

namespace fs = std::filesystem;

// uv writes to a temporary folder, which remains if it is killed.
bool is_temporary(const Path& path) { return path.filename().native().starts_with(".tmp"); }

// uv's indexes of unpacked wheels. Source distributions have files of their own in them.
bool is_index(const Path& bucket) {
  const std::string name = bucket.filename().native();
  return name.starts_with("wheels-") || name.starts_with("sdists-");
}
constexpr std::uint64_t k_max_pointer_bytes = 64U << 10U;

std::string pointer_text(const FolderEntry& entry) {
  std::error_code error;
  if (entry.type == FolderEntry::Type::link) return fs::read_symlink(entry.path, error).native();
  if (entry.type != FolderEntry::Type::file) return {};
  return read_file(entry.path, k_max_pointer_bytes).value_or(std::string());
}

}  // namespace

UvFolder::Content UvFolder::content() const {
  Content content{.parts = {}, .other_bytes = own_disk_bytes(folder_)};
  for (const FolderEntry& bucket : readable_entries(folder_)) {
    if (is_temporary(bucket.path)) {
      content.parts.push_back({.path = bucket.path});
      continue;
    }
    content.other_bytes += own_disk_bytes(bucket.path);
    if (!bucket.is_directory()) continue;
    for (const FolderEntry& part : readable_entries(bucket.path)) {
      if (part.is_directory())
        content.parts.push_back({.path = part.path});
      else
        content.other_bytes += own_disk_bytes(part.path);
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
  for (const FolderEntry& bucket : readable_entries(folder_)) {
    if (!is_index(bucket.path)) continue;
    // What can't be read points to nothing that is used.
    (void)walk_folder(bucket.path, [&](const FolderEntry& entry) -> Result<Descent> {
      if (std::string text = pointer_text(entry); !text.empty())
        pointers_->push_back({entry.path, std::move(text)});
      return Descent::enter;
    });
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
