#include "job/tree_stamps.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "base/boot_id.hpp"
#include "base/directory_reader.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/parallel_tree.hpp"

namespace rtenv::job {
namespace {

constexpr std::array<char, 8> k_magic{'r', 't', 'c', 'o', 'p', 'y', '1', '\n'};
constexpr std::int64_t k_second_ns = 1'000'000'000;
// File systems store times in units up to this long, except those that store only seconds.
constexpr std::int64_t k_unit_ns = 1'000'000;

// The file is this, then the folders, the items and the names.
struct Header {
  std::array<char, 8> magic{};
  Xxh3::Bytes checksum{};  // of everything behind it
  std::array<char, 40> boot{};
  TreeIdentity tree;
  std::uint64_t device = 0;
  std::int64_t recorded_ns = 0;
  std::uint64_t folders = 0;
  std::uint64_t items = 0;
  std::uint64_t names_bytes = 0;
};
constexpr std::size_t k_checked_from = offsetof(Header, boot);

std::int64_t in_ns(const timespec& time) { return time.tv_sec * k_second_ns + time.tv_nsec; }

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return in_ns(now);
}

template <class T>
void append(std::string& text, const std::vector<T>& values) {
  static_assert(std::is_trivially_copyable_v<T>);
  text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
std::string_view take(std::string_view text, std::vector<T>& values, std::uint64_t count) {
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), text.data(), count * sizeof(T));
  return text.substr(count * sizeof(T));
}

Xxh3::Bytes checksum_of(std::string_view text) {
  return Xxh3::of(std::as_bytes(std::span(text.substr(k_checked_from))));
}

// Walks a tree in parallel. Each folder's items are collected apart, and joined at the end.
class Recorder {
 public:
  Recorder(const Path& parent, const std::string& name) : parent_(parent), name_(name) {}

  Result<TreeStamps> run(unsigned threads) {
    RTENV_TRY(Fd root, open_file(parent_, O_RDONLY | O_DIRECTORY));
    folders_.emplace_back();
    RTENV_TRY(add(root, name_.c_str(), folders_.front(), 0));
    device_ = folders_.front().device;
    auto shared = std::make_shared<Fd>(std::move(root));
    if (folders_.size() > 1)
      RTENV_TRY(parallel_tree(
          Task{std::move(shared), 1}, threads, [] { return DirectoryReader(); },
          [&](DirectoryReader& reader, const Task& task, std::vector<Task>& found) {
            return read(reader, task, found);
          }));
    return join();
  }

 private:
  struct Folder {
    std::string name;
    std::uint32_t parent = k_no_folder;
    std::uint32_t item = 0;  // within the parent's
    std::uint64_t device = 0;
    std::vector<StampedItem> items;
    std::string names;
  };
  struct Task {
    std::shared_ptr<Fd> parent;
    std::uint32_t folder = 0;
  };

  Folder& folder_at(std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    return folders_[index];
  }

  Result<void> add(const Fd& fd, const char* name, Folder& folder, std::uint32_t index) {
    struct stat status {};
    if (::fstatat(fd.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("read", (parent_ / name).native());
    folder.device = status.st_dev;
    StampedItem item{.stamp = stamp_of(status),
                     .name_at = static_cast<std::uint32_t>(folder.names.size())};
    folder.names.append(name).push_back('\0');
    if (S_ISDIR(status.st_mode)) {
      const std::lock_guard lock(mutex_);
      item.folder = static_cast<std::uint32_t>(folders_.size());
      folders_.push_back(
          {.name = name, .parent = index, .item = static_cast<std::uint32_t>(folder.items.size())});
    }
    folder.items.push_back(item);
    return {};
  }

  Result<void> read(DirectoryReader& reader, const Task& task, std::vector<Task>& found) {
    Folder& folder = folder_at(task.folder);
    auto fd = std::make_shared<Fd>(::openat(task.parent->get(), folder.name.c_str(),
                                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!*fd) return fail_errno("open directory", folder.name);
    RTENV_TRY(const auto entries, reader.list(*fd, folder.name));
    folder.items.reserve(entries.size());
    for (const DirectoryReader::Item& entry : entries) {
      RTENV_TRY(add(*fd, entry.name.data(), folder, task.folder));
      if (folder.device != device_)
        return fail(Errc::corrupt, "{} in {} is on another file system", entry.name,
                    parent_.native());
      if (folder.items.back().folder != k_no_folder)
        found.push_back({fd, folder.items.back().folder});
    }
    return {};
  }

  TreeStamps join() {
    TreeStamps stamps;
    stamps.device = device_;
    for (const Folder& folder : folders_) {
      const auto first = static_cast<std::uint32_t>(stamps.items.size());
      const std::uint32_t item =
          folder.parent == k_no_folder ? 0 : stamps.folders[folder.parent].first + folder.item;
      stamps.folders.push_back(
          {first, static_cast<std::uint32_t>(folder.items.size()), folder.parent, item});
      for (StampedItem added : folder.items) {
        added.name_at += static_cast<std::uint32_t>(stamps.names.size());
        stamps.items.push_back(added);
      }
      stamps.names += folder.names;
    }
    return stamps;
  }

  const Path& parent_;
  const std::string& name_;
  std::uint64_t device_ = 0;
  std::mutex mutex_;
  std::deque<Folder> folders_;  // references stay valid
};

}  // namespace

Stamp stamp_of(const struct stat& status) {
  return {.size_bytes = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = in_ns(status.st_mtim),
          .changed_ns = in_ns(status.st_ctim),
          .inode = status.st_ino,
          .mode = status.st_mode};
}

Result<TreeIdentity> identity_of(const Path& tree) {
  struct statx status {};
  if (::statx(AT_FDCWD, tree.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0)
    return fail_errno("read", tree.native());
  const bool has_time = (status.stx_mask & STATX_BTIME) != 0;
  return TreeIdentity{
      status.stx_ino,
      has_time ? status.stx_btime.tv_sec * k_second_ns + status.stx_btime.tv_nsec : 0};
}

Path TreeStamps::path_of(const StampedFolder& folder) const {
  if (folder.parent == k_no_folder) return {};
  return path_of(folders[folder.parent]) / name(items[folder.item]);
}

Result<TreeStamps> record_stamps(const Path& parent, const std::string& name,
                                 const TreeIdentity& tree, unsigned threads) {
  RTENV_TRY(TreeStamps stamps, Recorder(parent, name).run(threads));
  stamps.tree = tree;
  return stamps;
}

Result<void> settle(const TreeStamps& stamps) {
  std::int64_t newest = 0;
  bool whole_seconds = true;
  for (const StampedItem& item : stamps.items) {
    newest = std::max(newest, item.stamp.changed_ns);
    whole_seconds = whole_seconds && item.stamp.changed_ns % k_second_ns == 0;
  }
  const std::int64_t safe = newest + (whole_seconds ? k_second_ns : k_unit_ns);
  for (;;) {
    const std::int64_t now = clock_ns(CLOCK_REALTIME_COARSE);
    if (now > safe) return {};
    if (safe - now > 2 * k_second_ns)
      return fail(Errc::unavailable, "the clock was set back while files were written");
    std::this_thread::sleep_for(std::chrono::nanoseconds(safe - now) +
                                std::chrono::microseconds(100));
  }
}

Result<void> save_stamps(const TreeStamps& stamps, const Path& file) {
  Header header{.magic = k_magic,
                .tree = stamps.tree,
                .device = stamps.device,
                .recorded_ns = clock_ns(CLOCK_REALTIME_COARSE),
                .folders = stamps.folders.size(),
                .items = stamps.items.size(),
                .names_bytes = stamps.names.size()};
  const std::string boot = boot_id();
  boot.copy(header.boot.data(), header.boot.size());
  std::string text(reinterpret_cast<const char*>(&header), sizeof header);
  append(text, stamps.folders);
  append(text, stamps.items);
  text += stamps.names;
  const Xxh3::Bytes checksum = checksum_of(text);
  std::memcpy(text.data() + offsetof(Header, checksum), checksum.data(), checksum.size());
  RTENV_TRY(auto output, AtomicFile::create(file, 0600));
  RTENV_TRY(output.write(text));
  return output.commit(Durability::process);
}

Result<TreeStamps> load_stamps(const Path& file) {
  // A job that left its folder may have put anything there.
  RTENV_TRY(const Fd input, open_file(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  RTENV_TRY(const std::string text, read_to_end(input, file.native()));
  Header header;
  if (text.size() < sizeof header) return fail(Errc::corrupt, "{} is damaged", file.native());
  std::memcpy(&header, text.data(), sizeof header);
  if (header.magic != k_magic || header.checksum != checksum_of(text))
    return fail(Errc::corrupt, "{} is damaged", file.native());
  const std::string boot = boot_id();
  const std::string recorded(header.boot.data(), ::strnlen(header.boot.data(), 40));
  if (boot.empty() || boot != recorded)
    return fail(Errc::corrupt, "{} is from another boot", file.native());
  if (header.recorded_ns > clock_ns(CLOCK_REALTIME))
    return fail(Errc::corrupt, "{} is from the future: the clock was set back", file.native());
  TreeStamps stamps;
  stamps.tree = header.tree;
  stamps.device = header.device;
  std::string_view rest = std::string_view(text).substr(sizeof header);
  if (rest.size() != header.folders * sizeof(StampedFolder) + header.items * sizeof(StampedItem) +
                         header.names_bytes)
    return fail(Errc::corrupt, "{} is damaged", file.native());
  rest = take(rest, stamps.folders, header.folders);
  rest = take(rest, stamps.items, header.items);
  stamps.names = rest;
  return stamps;
}

}  // namespace rtenv::job
