#include "base/open_databases.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace rtenv {

// Never destroyed: other threads may still use it when the process exits.
OpenDatabases& OpenDatabases::of_process() {
  static auto* const databases = new OpenDatabases;
  return *databases;
}

OpenDatabases::Entry* OpenDatabases::find_file(const FileId& file) {
  const auto entry = std::ranges::find_if(entries_, [&](const Entry& each) {
    return (each.file == file || each.index == file) && each.origin.is_this_process();
  });
  return entry == entries_.end() ? nullptr : &*entry;
}

void OpenDatabases::keep(Entry& entry, int number) noexcept {
  try {
    entry.kept.push_back(number);
  } catch (...) {
    // No memory: it stays open until the process ends, which is better than a lost lock.
  }
}

void OpenDatabases::close_descriptor(int number) noexcept {
  static OpenDatabases& databases = of_process();
  struct stat status {};
  const bool may_be_one =
      databases.uses_ != 0 && ::fstat(number, &status) == 0 && S_ISREG(status.st_mode);
  // Held until the descriptor is closed, so that no database is locked meanwhile that isn't in the
  // list yet. In a fork, a thread may hold it that isn't there.
  std::unique_lock lock(databases.mutex_, std::defer_lock);
  if (may_be_one && databases.origin_.is_this_process()) lock.lock();
  const bool is_locked = lock.owns_lock() || (may_be_one && lock.try_lock());
  Entry* const entry = is_locked ? databases.find_file({status.st_dev, status.st_ino}) : nullptr;
  if (entry != nullptr)
    keep(*entry, number);
  else
    ::close(number);
}

std::optional<OpenDatabases::Handle> OpenDatabases::add(FileId folder, FileId file,
                                                        std::optional<FileId> index) {
  const std::lock_guard lock(mutex_);
  const bool has_foreign_log = std::ranges::any_of(entries_, [&](const Entry& other) {
    if (other.file == file) return false;
    return other.index ? other.index == index : other.folder == folder;
  });
  if (has_foreign_log) return std::nullopt;
  return entries_.insert(entries_.end(), {.folder = folder, .file = file, .index = {}, .kept = {}});
}

void OpenDatabases::set_index(Handle entry, std::optional<FileId> index) {
  const std::lock_guard lock(mutex_);
  entry->index = index;
}

void OpenDatabases::remove(Handle entry) noexcept {
  std::vector<int> kept;
  {
    const std::lock_guard lock(mutex_);
    kept = std::move(entry->kept);
    entries_.erase(entry);
  }
  // Another connection may have the same files open.
  for (const int number : kept) close_descriptor(number);
}

}  // namespace rtenv
