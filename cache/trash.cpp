#include "cache/trash.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/log.hpp"
#include "cache/cache_state.hpp"

namespace rtenv::cache {

Trash::~Trash() {
  if (folder_) ::rmdir(folder_->release().c_str());  // succeeds only if it is empty
}

Result<Path> Trash::new_path() {
  if (!folder_) {
    RTENV_TRY(auto folder, state_.make_temp_dir());
    folder_.emplace(std::move(folder));
  }
  return folder_->path() / std::to_string(count_++);
}

Result<void> Trash::move_in(const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  RTENV_TRY(const Path away, new_path());
  return rename_path(path, away);
}

Result<void> Trash::empty(const Cancellation* cancellation) {
  if (!folder_) return {};
  for (std::size_t i = 0; i < count_; ++i) {
    if (cancellation != nullptr && cancellation->requested())
      return fail(Errc::cancelled, "interrupted while removing evicted entries");
    const auto removed = remove_tree(folder_->path() / std::to_string(i));
    if (!removed) log::warn("{}", removed.error().message());
  }
  return {};
}

}  // namespace rtenv::cache
