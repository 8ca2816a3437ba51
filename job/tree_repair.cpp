#include "job/tree_repair.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clone_tree.hpp"
#include "base/directory_reader.hpp"
#include "base/fault_point.hpp"
#include "base/file_comparer.hpp"
#include "base/parallel_tree.hpp"
#include "base/remove_tree.hpp"
#include "job/folder_attributes.hpp"

namespace rtenv::job {
namespace {

constexpr int k_open_folder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

class TreeRepairer {
 public:
  TreeRepairer(const Path& folder, const Path& from, const char* kept, TreeStamps& stamps,
               const RepairOptions& options)
      : folder_(folder),
        from_(from),
        kept_(kept),
        stamps_(stamps),
        options_(options),
        touched_(stamps.folders.size()) {}

  Result<std::size_t> run() {
    Fd root(::open(folder_.c_str(), k_open_folder));
    if (!root) return fail_errno("open directory", folder_.native());
    RTENV_TRY(const Fd above, open_file(folder_.parent_path(), O_RDONLY | O_DIRECTORY));
    RTENV_TRY(const bool unchanged, has_default_attributes(root, above, folder_));
    // What is restored would inherit them.
    if (!unchanged)
      return fail(Errc::corrupt, "the attributes of {} were changed", folder_.native());
    root_ = std::make_shared<Fd>(std::move(root));
    RTENV_TRY(parallel_tree(
        Task{root_, 0, true}, options_.threads,
        [this] {
          return ThreadState{
              .reader = {}, .cloner = EntryCloner(options_.cancellation), .comparer = {}};
        },
        [&](ThreadState& state, const Task& task, std::vector<Task>& found) {
          return visit(state, task, found);
        }));
    RTENV_TRY(fault_point("copy.finish"));
    for (std::size_t i = 1; i < touched_.size(); ++i)
      if (touched_[i] != 0) RTENV_TRY(finish(stamps_.folders[i]));
    return differing_.load();
  }

 private:
  struct ThreadState {
    DirectoryReader reader;
    EntryCloner cloner;
    FileComparer comparer;
  };
  struct Task {
    std::shared_ptr<Fd> parent;
    std::uint32_t folder = 0;
    bool differs = false;  // there may be entries that aren't in the stamps
  };
  // A folder during its visit.
  struct Visit {
    const Task& task;
    const StampedFolder& folder;
    std::shared_ptr<Fd> fd;
    // The tree's folder; opened when it is needed.
    Path source_path;
    Fd source;
  };

  [[nodiscard]] Path shown(const StampedFolder& folder) const {
    return folder_ / stamps_.path_of(folder);
  }

  // Folder 0 contains only the copy itself.
  [[nodiscard]] Path source_of(const StampedFolder& folder) const {
    if (folder.parent == k_no_folder) return from_.parent_path();
    if (folder.parent == 0) return from_;
    const StampedFolder& parent = stamps_.folders[folder.parent];
    return source_of(parent) / stamps_.name(stamps_.items[folder.item]);
  }

  [[nodiscard]] Result<void> check_cancelled() const {
    return check_not_cancelled(options_.cancellation, "restoring", folder_.native());
  }

  Result<void> visit(ThreadState& state, const Task& task, std::vector<Task>& found) {
    RTENV_TRY(check_cancelled());
    const StampedFolder& folder = stamps_.folders[task.folder];
    Visit visit{task, folder, task.parent, {}, Fd()};
    if (task.folder != 0) {
      const char* name = stamps_.name(stamps_.items[folder.item]);
      visit.fd = std::make_shared<Fd>(::openat(task.parent->get(), name, k_open_folder));
      if (!*visit.fd) return fail_errno("open directory", shown(folder).native());
    }
    if (task.differs) RTENV_TRY(remove_others(state, visit));
    for (std::uint32_t i = folder.first; i < folder.first + folder.count; ++i)
      RTENV_TRY(check(state, visit, stamps_.items[i], found));
    return {};
  }

  Result<void> remove_others(ThreadState& state, const Visit& visit) {
    std::vector<std::string_view> known;
    if (visit.task.folder == 0) known.emplace_back(kept_);
    for (std::uint32_t i = 0; i < visit.folder.count; ++i)
      known.emplace_back(stamps_.name(stamps_.items[visit.folder.first + i]));
    std::ranges::sort(known);
    const Path path = shown(visit.folder);
    RTENV_TRY(const auto entries, state.reader.list(*visit.fd, path.native()));
    for (const DirectoryReader::Item& entry : entries) {
      if (std::ranges::binary_search(known, entry.name)) continue;
      RTENV_TRY(check_cancelled());
      RTENV_TRY(fault_point("copy.remove"));
      RTENV_TRY(remove_entry({visit.fd->get(), entry.name.data()}, path / entry.name));
      note_difference(visit.task.folder);
    }
    return {};
  }

  void note_difference(std::uint32_t folder) {
    ++differing_;
    touched_[folder] = 1;
  }

  Result<void> check(ThreadState& state, Visit& visit, StampedItem& item,
                     std::vector<Task>& found) {
    const char* name = stamps_.name(item);
    struct stat status {};
    const bool exists = ::fstatat(visit.fd->get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT)
      return fail_errno("read", (shown(visit.folder) / name).native());
    const bool is_folder = item.folder != k_no_folder;
    if (exists && stamp_of(status) == item.stamp && status.st_dev == stamps_.device &&
        (is_folder || status.st_nlink == 1)) {
      if (is_folder) found.push_back({visit.fd, item.folder, false});
      if (options_.change_times == ChangeTimes::every_change || !S_ISREG(status.st_mode)) return {};
      RTENV_TRY(check_cancelled());
      RTENV_TRY(open_source(visit));
      RTENV_TRY(const bool equal, state.comparer.have_equal_content(
                                      {visit.source.get(), name}, {visit.fd->get(), name},
                                      item.stamp.size_bytes, visit.source_path));
      if (equal) return {};
    }
    RTENV_TRY(check_cancelled());
    RTENV_TRY(fault_point("copy.restore"));
    note_difference(visit.task.folder);
    if (exists && is_folder && status.st_ino == item.stamp.inode && S_ISDIR(status.st_mode) &&
        status.st_dev == stamps_.device) {
      RTENV_TRY(const bool usable, open_to_owner(visit, name, status));
      if (usable) {
        touched_[item.folder] = 1;
        found.push_back({visit.fd, item.folder, true});
        return {};
      }
    }
    if (exists) RTENV_TRY(remove_entry({visit.fd->get(), name}, shown(visit.folder) / name));
    if (!is_folder) return restore_file(state, visit, item);
    RTENV_TRY(create_folder({visit.fd->get(), name}, S_IRWXU, shown(visit.folder) / name));
    touched_[item.folder] = 1;
    found.push_back({visit.fd, item.folder, false});
    return {};
  }

  // Whether a folder can be kept, and its content be restored.
  [[nodiscard]] Result<bool> open_to_owner(const Visit& visit, const char* name,
                                           const struct stat& status) const {
    if ((status.st_mode & S_IRWXU) != S_IRWXU &&
        !set_folder_mode({visit.fd->get(), name}, S_IRWXU, shown(visit.folder) / name))
      return false;
    const Fd fd(::openat(visit.fd->get(), name, k_open_folder));
    if (!fd) return false;
    return has_default_attributes(fd, *root_, shown(visit.folder) / name);
  }

  Result<void> open_source(Visit& visit) const {
    if (visit.source) return {};
    visit.source_path = source_of(visit.folder);
    visit.source = Fd(::open(visit.source_path.c_str(), k_open_folder));
    if (!visit.source) return fail_errno("open directory", visit.source_path.native());
    return {};
  }

  Result<void> restore_file(ThreadState& state, Visit& visit, StampedItem& item) {
    const char* name = stamps_.name(item);
    RTENV_TRY(open_source(visit));
    struct stat status {};
    if (::fstatat(visit.source.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("read", (visit.source_path / name).native());
    const EntryAt copy{visit.fd->get(), name};
    RTENV_TRY(state.cloner.clone({visit.source.get(), name}, copy, status, visit.source_path));
    return stamp_again(copy, item, visit.folder);
  }

  // Gives a folder its mode and time, after everything in it was restored.
  Result<void> finish(const StampedFolder& folder) {
    StampedItem& item = stamps_.items[folder.item];
    const StampedFolder& parent = stamps_.folders[folder.parent];
    RTENV_TRY(const Fd fd, open_by_walking(parent));
    const EntryAt entry{fd.get(), stamps_.name(item)};
    const Path path = shown(folder);
    struct stat status {};
    if (::fstatat(entry.folder, entry.name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("read", path.native());
    if (status.st_mode != item.stamp.mode)
      RTENV_TRY(set_folder_mode(entry, item.stamp.mode & 07777U, path));
    const std::int64_t second_ns = 1'000'000'000;
    const timespec modified{item.stamp.modified_ns / second_ns, item.stamp.modified_ns % second_ns};
    RTENV_TRY(set_modification_time(entry, modified, path));
    return stamp_again(entry, item, parent);
  }

  [[nodiscard]] Result<Fd> open_by_walking(const StampedFolder& folder) const {
    if (folder.parent == k_no_folder) {
      Fd fd(::open(folder_.c_str(), k_open_folder));
      if (!fd) return fail_errno("open directory", folder_.native());
      return fd;
    }
    RTENV_TRY(const Fd parent, open_by_walking(stamps_.folders[folder.parent]));
    Fd fd(::openat(parent.get(), stamps_.name(stamps_.items[folder.item]), k_open_folder));
    if (!fd) return fail_errno("open directory", shown(folder).native());
    return fd;
  }

  // The restored entry must be as the first time.
  Result<void> stamp_again(EntryAt entry, StampedItem& item, const StampedFolder& folder) const {
    struct stat status {};
    if (::fstatat(entry.folder, entry.name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("read", (shown(folder) / entry.name).native());
    const Stamp now = stamp_of(status);
    const bool same = now.mode == item.stamp.mode && now.modified_ns == item.stamp.modified_ns &&
                      (S_ISDIR(now.mode) || now.size_bytes == item.stamp.size_bytes);
    if (!same || status.st_dev != stamps_.device)
      return fail(Errc::corrupt, "{} isn't as before: the tree was changed",
                  (shown(folder) / entry.name).native());
    item.stamp = now;
    return {};
  }

  const Path& folder_;
  const Path& from_;
  const char* kept_;
  TreeStamps& stamps_;
  const RepairOptions& options_;
  std::shared_ptr<Fd> root_;
  std::vector<unsigned char> touched_;  // by folder; each is written by one task at a time
  std::atomic<std::size_t> differing_{0};
};

}  // namespace

Result<std::size_t> repair_tree(const Path& folder, const Path& from, const char* kept,
                                TreeStamps& stamps, const RepairOptions& options) {
  // What is mounted there isn't the copy's: neither compared nor changed.
  RTENV_TRY(const bool has_mounts, has_mounts_below(folder));
  if (has_mounts)
    return fail(Errc::permission_denied, "a file system is mounted in {}", folder.native());
  return TreeRepairer(folder, from, kept, stamps, options).run();
}

}  // namespace rtenv::job
