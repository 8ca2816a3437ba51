#include "base/tree_usage.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <utility>

#include "base/cancellation.hpp"
#include "base/directory_stream.hpp"

namespace rtenv {
namespace {

std::uint64_t disk_bytes(const struct stat& status) {
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

class Measurement {
 public:
  Measurement(const Path& shown, const Cancellation* cancellation)
      : shown_(shown), cancellation_(cancellation) {}

  Result<TreeUsage> measure() {
    RTENV_TRY(auto folders, add(AT_FDCWD, {shown_.native()}));
    if (!folders.empty()) RTENV_TRY(walk());
    for (const auto& [id, file] : linked_) {
      if (file.links_here < file.links)
        usage_.shared.push_back(file);
      else
        usage_.own_bytes += file.bytes;
    }
    return std::move(usage_);
  }

 private:
  using Names = std::vector<std::string>;
  struct Level {
    dev_t device;
    ino_t inode;
    Names folders;  // that are still to be measured
  };

  // Adds entries of a folder. Returns those that are folders.
  Result<Names> add(int folder, Names names) {
    Names folders;
    for (std::string& name : names) {
      struct stat status {};
      if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;
        return fail_errno("read", shown_.native() + ": " + name);
      }
      add(status);
      if (S_ISDIR(status.st_mode)) folders.push_back(std::move(name));
    }
    return folders;
  }

  void add(const struct stat& status) {
    const std::uint64_t bytes = disk_bytes(status);
    if (S_ISDIR(status.st_mode)) {
      usage_.own_bytes += bytes;
      return;
    }
    const auto changed_ms =
        std::int64_t{status.st_ctim.tv_sec} * 1000 + status.st_ctim.tv_nsec / 1'000'000;
    usage_.changed_ms = std::max(usage_.changed_ms, changed_ms);
    if (status.st_nlink <= 1) {
      usage_.own_bytes += bytes;
      return;
    }
    SharedFile& file = linked_[{status.st_dev, status.st_ino}];
    file = {.device = status.st_dev,
            .inode = status.st_ino,
            .links = status.st_nlink,
            .links_here = file.links_here + 1,
            .bytes = bytes};
  }

  // Two descriptors, however deep the tree is: the way back is "..".
  Result<void> walk() {
    auto root = enter(AT_FDCWD, shown_.c_str());
    if (!root) return is_gone(root.error()) ? Result<void>() : Failure(std::move(root).error());
    Fd here = std::move(*root);
    while (!levels_.empty()) {
      RTENV_TRY(check_not_cancelled(cancellation_, "measuring", shown_.native()));
      Level& level = levels_.back();
      if (level.folders.empty()) {
        levels_.pop_back();
        if (!levels_.empty()) RTENV_TRY(go_up(here));
        continue;
      }
      const std::string name = std::move(level.folders.back());
      level.folders.pop_back();
      auto below = enter(here.get(), name.c_str());
      if (below)
        here = std::move(*below);
      else if (!is_gone(below.error()))
        return Failure(std::move(below).error());
    }
    return {};
  }

  static bool is_gone(const Error& error) { return error.code() == Errc::not_found; }

  Result<Fd> enter(int parent, const char* name) {
    RTENV_TRY(const auto stream, list_directory_at(parent, name, shown_ / name));
    struct stat status {};
    if (::fstat(::dirfd(stream.get()), &status) != 0) return fail_errno("read", shown_.native());
    Names names;
    while (const dirent* entry = next_entry(stream.get())) names.emplace_back(entry->d_name);
    RTENV_TRY(auto folders, add(::dirfd(stream.get()), std::move(names)));
    Fd folder(::fcntl(::dirfd(stream.get()), F_DUPFD_CLOEXEC, 0));
    if (!folder) return fail_errno("open directory", shown_.native());
    levels_.push_back({status.st_dev, status.st_ino, std::move(folders)});
    return folder;
  }

  Result<void> go_up(Fd& here) {
    Fd parent(::openat(here.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return fail_errno("open directory above one in", shown_.native());
    struct stat status {};
    if (::fstat(parent.get(), &status) != 0) return fail_errno("read", shown_.native());
    if (status.st_dev != levels_.back().device || status.st_ino != levels_.back().inode)
      return fail(Errc::unavailable, "a folder in {} was moved while it was measured",
                  shown_.native());
    here = std::move(parent);
    return {};
  }

  const Path& shown_;
  const Cancellation* cancellation_;
  TreeUsage usage_;
  std::map<std::pair<dev_t, ino_t>, SharedFile> linked_;
  std::vector<Level> levels_;
};

}  // namespace

Result<TreeUsage> tree_usage(const Path& path, const Cancellation* cancellation) {
  return Measurement(path, cancellation).measure();
}

Result<std::uint64_t> disk_usage_bytes(const Path& path) {
  RTENV_TRY(const TreeUsage usage, tree_usage(path));
  return usage.all_bytes();
}

std::uint64_t own_disk_bytes(const Path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? disk_bytes(status) : 0;
}

}  // namespace rtenv
