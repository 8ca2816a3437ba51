#include "base/clone_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <memory>
#include <span>
#include <string>

#include "base/cancellation.hpp"
#include "base/directory_reader.hpp"
#include "base/file.hpp"
#include "base/parallel_tree.hpp"
#include "base/processors.hpp"

namespace rtenv {
namespace {

constexpr off_t k_buffer_bytes = 1 << 18;  // larger files are copied by the kernel
constexpr off_t k_piece_bytes = 8 << 20;   // what the kernel copies at once
constexpr unsigned k_max_threads = 16;     // more wait for each other in the file system
constexpr std::size_t k_names_per_task = 256;

Failure fail_for(std::string_view action, const Path& shown, const char* name) {
  return fail_errno(action, (shown / name).native());
}

// A folder whose entries are being copied. The last task sets the time, which every new entry
// changes.
struct OpenFolder {
  Fd from;
  Fd to;
  Path shown;
  timespec modified{};
  std::atomic<std::size_t> tasks{1};
};

// The entry `names.front()` is a folder to open and list if `list` is set; otherwise the names are
// files and links.
struct Task {
  std::shared_ptr<OpenFolder> parent;
  std::vector<std::string> names;
  bool list = false;
};

class TreeCloner {
 public:
  TreeCloner(const Path& from, const Path& to, const CloneOptions& options)
      : from_(from), to_(to), options_(options) {}

  Result<void> run() {
    struct stat status {};
    if (::lstat(from_.c_str(), &status) != 0) return fail_errno("read", from_.native());
    if (!S_ISDIR(status.st_mode))
      return EntryCloner(options_.cancellation)
          .clone({AT_FDCWD, from_.c_str()}, {AT_FDCWD, to_.c_str()}, status, {});
    const unsigned threads =
        options_.threads > 0 ? options_.threads : std::min(default_threads(), k_max_threads);
    return parallel_tree(
        Task{nullptr, {}, true}, threads,
        [this] { return ThreadState{.reader = {}, .cloner = EntryCloner(options_.cancellation)}; },
        [&](ThreadState& state, Task task, std::vector<Task>& found) {
          return task.list ? clone_folder(state, task, found) : clone_files(state, task);
        });
  }

 private:
  struct ThreadState {
    DirectoryReader reader;
    EntryCloner cloner;
  };

  [[nodiscard]] Result<void> check_cancelled() const {
    return check_not_cancelled(options_.cancellation, "copying", from_.native());
  }

  // The folder's source and target; those of the tree itself if there is no parent.
  [[nodiscard]] EntryAt source(const Task& task) const {
    return task.parent ? EntryAt{task.parent->from.get(), task.names.front().c_str()}
                       : EntryAt{AT_FDCWD, from_.c_str()};
  }
  [[nodiscard]] EntryAt target(const Task& task) const {
    return task.parent ? EntryAt{task.parent->to.get(), task.names.front().c_str()}
                       : EntryAt{AT_FDCWD, to_.c_str()};
  }

  Result<std::shared_ptr<OpenFolder>> open_folder(const Task& task) const {
    auto folder = std::make_shared<OpenFolder>();
    folder->shown = task.parent ? task.parent->shown / task.names.front() : from_;
    const EntryAt from = source(task);
    folder->from =
        Fd(::openat(from.folder, from.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!folder->from || ::fstat(folder->from.get(), &status) != 0)
      return fail_errno("open directory", folder->shown.native());
    folder->modified = status.st_mtim;
    // What others may not enter, they may not enter in the copy.
    const mode_t permissions = (status.st_mode & S_IXOTH) != 0 ? 0777 : S_IRWXU;
    const Path shown_target = task.parent ? folder->shown : to_;
    RTENV_TRY(folder->to, create_folder(target(task), permissions, shown_target));
    return folder;
  }

  Result<void> clone_folder(ThreadState& state, const Task& task, std::vector<Task>& found) const {
    RTENV_TRY(check_cancelled());
    RTENV_TRY(const auto folder, open_folder(task));
    RTENV_TRY(const auto items, state.reader.list(folder->from, folder->shown.native()));
    std::vector<std::string> files;
    for (const DirectoryReader::Item& item : items) {
      RTENV_TRY(const bool is_folder, is_directory(*folder, item));
      if (is_folder)
        found.push_back({folder, {std::string(item.name)}, true});
      else
        files.emplace_back(item.name);
    }
    // Folders first: other threads can begin with them meanwhile. Each of them is a task of its
    // parent, because creating it changes the parent's time.
    while (files.size() > k_names_per_task) {
      found.push_back({folder, {files.end() - k_names_per_task, files.end()}, false});
      files.resize(files.size() - k_names_per_task);
    }
    folder->tasks += found.size();
    RTENV_TRY(clone_names(state, *folder, files));
    RTENV_TRY(finish_task(*folder));
    return task.parent ? finish_task(*task.parent) : Result<void>();
  }

  Result<void> clone_files(ThreadState& state, const Task& task) const {
    RTENV_TRY(clone_names(state, *task.parent, task.names));
    return finish_task(*task.parent);
  }

  Result<void> clone_names(ThreadState& state, const OpenFolder& folder,
                           const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
      RTENV_TRY(check_cancelled());
      const EntryAt from{folder.from.get(), name.c_str()};
      struct stat status {};
      if (::fstatat(from.folder, from.name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_for("read", folder.shown, from.name);
      RTENV_TRY(state.cloner.clone(from, {folder.to.get(), from.name}, status, folder.shown));
    }
    return {};
  }

  static Result<void> finish_task(OpenFolder& folder) {
    if (folder.tasks.fetch_sub(1) != 1) return {};
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, folder.modified};
    if (::futimens(folder.to.get(), times.data()) != 0)
      return fail_errno("set the time of the copy of", folder.shown.native());
    return {};
  }

  static Result<bool> is_directory(const OpenFolder& folder, const DirectoryReader::Item& item) {
    if (item.type != DT_UNKNOWN) return item.type == DT_DIR;
    struct stat status {};
    if (::fstatat(folder.from.get(), item.name.data(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_for("read", folder.shown, item.name.data());
    return S_ISDIR(status.st_mode);
  }

  const Path& from_;
  const Path& to_;
  const CloneOptions& options_;
};

}  // namespace

Result<void> EntryCloner::clone_link(EntryAt from, EntryAt to, const Path& shown) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(from.folder, from.name, target.data(), target.size());
  if (length < 0) return fail_for("read link", shown, from.name);
  target.resize(static_cast<std::size_t>(length));
  if (::symlinkat(target.c_str(), to.folder, to.name) != 0)
    return fail_for("copy", shown, from.name);
  return {};
}

Result<void> EntryCloner::copy_content(const Fd& from, const Fd& to, off_t size,
                                       const Path& shown) {
  if (size == 0) return {};
  if (can_share_blocks_ && ::ioctl(to.get(), FICLONE, from.get()) == 0) return {};
  can_share_blocks_ = can_share_blocks_ && errno != EOPNOTSUPP && errno != EXDEV;
  if (size <= k_buffer_bytes) {
    buffer_.resize(k_buffer_bytes);
    RTENV_TRY(const std::size_t count, read_full(from, buffer_, shown.native()));
    return write_full(to, std::span(buffer_).first(count), shown.native());
  }
  while (size > 0) {
    RTENV_TRY(check_not_cancelled(cancellation_, "copying", shown.native()));
    const ssize_t count =
        ::copy_file_range(from.get(), nullptr, to.get(), nullptr,
                          static_cast<std::size_t>(std::min(size, k_piece_bytes)), 0);
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("copy", shown.native());
    }
    if (count == 0) break;
    size -= count;
  }
  return {};
}

Result<void> EntryCloner::clone(EntryAt from, EntryAt to, const struct stat& status,
                                const Path& shown) {
  if (S_ISLNK(status.st_mode)) {
    RTENV_TRY(clone_link(from, to, shown));
    return set_modification_time(to, status.st_mtim, shown);
  }
  if (!S_ISREG(status.st_mode))
    return fail(Errc::invalid_argument, "cannot copy {}: it is not a file, a folder or a link",
                (shown / from.name).native());
  const Fd source(::openat(from.folder, from.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return fail_for("open", shown, from.name);
  const Fd target(::openat(to.folder, to.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                           status.st_mode | S_IWUSR));
  if (!target) return fail_for("copy", shown, from.name);
  RTENV_TRY(copy_content(source, target, status.st_size, shown / from.name));
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, status.st_mtim};
  if (::futimens(target.get(), times.data()) != 0)
    return fail_for("set the time of the copy of", shown, from.name);
  return {};
}

Result<void> set_folder_mode(EntryAt folder, mode_t mode, const Path& shown) {
  const Fd fd(::openat(folder.folder, folder.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // fchmod(2) refuses such a descriptor, and fchmodat(2) follows links.
  if (!fd || ::chmod(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), mode) != 0)
    return fail_errno("change the mode of", shown.native());
  return {};
}

Result<Fd> create_folder(EntryAt folder, mode_t permissions, const Path& shown) {
  if (::mkdirat(folder.folder, folder.name, permissions) != 0)
    return fail_errno("create directory", shown.native());
  struct stat status {};
  if (::fstatat(folder.folder, folder.name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("read", shown.native());
  if ((status.st_mode & S_IRWXU) != S_IRWXU)
    RTENV_TRY(set_folder_mode(folder, (status.st_mode & 07777U) | S_IRWXU, shown));
  Fd fd(::openat(folder.folder, folder.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("open directory", shown.native());
  return fd;
}

Result<void> set_modification_time(EntryAt entry, const timespec& time, const Path& shown) {
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, time};
  if (::utimensat(entry.folder, entry.name, times.data(), AT_SYMLINK_NOFOLLOW) != 0)
    return fail_for("set the time of", shown, entry.name);
  return {};
}

Result<void> clone_tree(const Path& from, const Path& to, const CloneOptions& options) {
  return TreeCloner(from, to, options).run();
}

}  // namespace rtenv
