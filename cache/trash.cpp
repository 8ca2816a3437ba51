#include "cache/trash.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "base/unique_name.hpp"
#include "cache/cache_state.hpp"

namespace rtenv::cache {
namespace {

constexpr std::string_view k_trash = "removed.";

}  // namespace

Trash::~Trash() {
  if (folder_) ::rmdir(folder_->release().c_str());  // succeeds only if it is empty
}

Result<Path> Trash::new_path() {
  if (!folder_) {
    auto folder = state_.make_temp_dir();
    if (!folder && folder.error().code() != Errc::out_of_space)
      return Failure(std::move(folder).error());
    if (!folder)
      return moved_.emplace_back(
          state_.tmp() / fmt::format("{}{}.{}", k_trash, process_identity(), unique_name()));
    folder_.emplace(std::move(*folder));
  }
  return moved_.emplace_back(folder_->path() / std::to_string(moved_.size()));
}

Result<void> Trash::move_in(const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  RTENV_TRY(const Path away, new_path());
  return rename_path(path, away);
}

Result<void> Trash::empty(const Cancellation* cancellation) {
  for (const Path& path : moved_) {
    const auto removed = remove_tree(path, cancellation);
    if (!removed && removed.error().code() == Errc::cancelled)
      cancellation->leave(path);
    else if (!removed)
      log::warn("{}", removed.error().message());
  }
  moved_.clear();
  return check_not_cancelled(cancellation, "removing", "entries");
}

bool is_trash_of_a_process(std::string_view name) {
  if (!name.starts_with(k_trash)) return false;
  const auto identity = name.substr(k_trash.size(), name.rfind('.') - k_trash.size());
  return process_state(identity) == ProcessState::alive;
}

}  // namespace rtenv::cache
