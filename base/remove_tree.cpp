#include "base/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/cancellation.hpp"
#include "base/directory_stream.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "base/unique_name.hpp"

namespace rtenv {
namespace {

// A folder in this depth is moved to the top before it is removed: each level needs a descriptor.
constexpr int k_max_depth = 64;

class Remover {
 public:
  explicit Remover(const Cancellation* cancellation) : cancellation_(cancellation) {}

  Result<void> remove(EntryAt entry, const Path& shown, int depth = 0) {
    RTENV_TRY(check_not_cancelled(cancellation_, "removing", shown.native()));
    if (::unlinkat(entry.folder, entry.name, 0) == 0 || errno == ENOENT) return {};
    const int error = errno;
    struct statx status {};
    if (::statx(entry.folder, entry.name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                STATX_TYPE | STATX_MODE, &status) != 0)
      return errno == ENOENT ? Result<void>() : fail_errno("read", shown.native());
    if (!S_ISDIR(status.stx_mode)) return fail(system_error(error, "remove", shown.native()));
    if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
      return fail(Errc::permission_denied, "cannot remove {}: a file system is mounted there",
                  shown.native())
          .hint("umount {}", shell_quote(shown.native()));
    // Entries of a read-only directory can't be removed.
    if ((status.stx_mode & S_IRWXU) != S_IRWXU) [[maybe_unused]]
      const auto set = set_folder_mode(entry, S_IRWXU, shown);
    return depth < k_max_depth ? remove_folder(entry, shown, depth) : move_up(entry, shown);
  }

 private:
  Result<void> move_up(EntryAt entry, const Path& shown) {
    const std::string name = ".removed." + unique_name();
    if (::renameat(entry.folder, entry.name, top_, name.c_str()) != 0 && errno != ENOENT)
      return fail_errno("remove", shown.native());
    moved_ = true;
    return {};
  }

  Result<void> remove_folder(EntryAt entry, const Path& shown, int depth) {
    for (;;) {
      if (auto removed = remove_content(entry, shown, depth); !removed) {
        // What was moved here goes all the same.
        if (depth == 0 && std::exchange(moved_, false)) continue;
        return removed;
      }
      if (::unlinkat(entry.folder, entry.name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
      // Folders that were moved here may not be in the listing.
      if (depth > 0 || errno != ENOTEMPTY || !std::exchange(moved_, false))
        return fail_errno("remove directory", shown.native());
    }
  }

  Result<void> remove_content(EntryAt entry, const Path& shown, int depth) {
    const auto stream = list_directory_at(entry.folder, entry.name, shown);
    // Another process or thread may be removing the same tree.
    if (!stream && stream.error().code() == Errc::not_found) return {};
    if (!stream) return fail(stream.error());
    if (depth == 0) top_ = ::dirfd(stream->get());
    // What can't be removed doesn't protect the rest.
    Result<void> first;
    while (const dirent* found = next_entry(stream->get())) {
      auto removed =
          remove({::dirfd(stream->get()), found->d_name}, shown / found->d_name, depth + 1);
      if (!removed && removed.error().code() == Errc::cancelled) return removed;
      if (!removed && first) first = std::move(removed);
    }
    return first;
  }

  const Cancellation* cancellation_;
  int top_ = -1;        // the folder to remove, while it is listed
  bool moved_ = false;  // whether folders were moved to `top_`
};

}  // namespace

Result<void> remove_entry(EntryAt entry, const Path& shown) {
  return Remover(nullptr).remove(entry, shown);
}

Result<void> remove_tree(const Path& path, const Cancellation* cancellation) {
  return Remover(cancellation).remove({AT_FDCWD, path.c_str()}, path);
}

}  // namespace rtenv
