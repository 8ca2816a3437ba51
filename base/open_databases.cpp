#include "base/open_databases.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace rtenv {
namespace {

constexpr std::size_t k_room = 4;  // of an entry, for further descriptors

// Never destroyed: other threads may still use it when the process exits.
alignas(OpenDatabases) std::byte g_storage[sizeof(OpenDatabases)];

std::optional<FileId> index_of(const OpenDatabases::Entry& entry) {
  return entry.index ? entry.index : file_id(entry.folder_number, entry.index_name.c_str());
}

}  // namespace

std::optional<FileId> file_id(int folder, const char* name) {
  struct stat status {};
  if (::fstatat(folder, name, &status, AT_EMPTY_PATH) != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

OpenDatabases& OpenDatabases::of_process() noexcept {
  static OpenDatabases* const databases = [] {
    ::pthread_atfork(nullptr, nullptr, &OpenDatabases::begin_anew);
    return new (g_storage) OpenDatabases;  // takes no memory
  }();
  return *databases;
}

// In a fork, whose parent's threads may have had it locked. What it held isn't destroyed.
void OpenDatabases::begin_anew() noexcept { new (g_storage) OpenDatabases; }

OpenDatabases::Entry* OpenDatabases::find_file(const FileId& file) {
  const auto entry = std::ranges::find_if(
      entries_, [&](const Entry& each) { return each.file == file || index_of(each) == file; });
  return entry == entries_.end() ? nullptr : &*entry;
}

bool OpenDatabases::has(int folder, const char* name) {
  if (uses_ == 0) return false;
  const std::lock_guard lock(mutex_);
  const bool is_a_name = std::ranges::any_of(entries_, [&](const Entry& each) {
    return each.file_name == name || each.index_name == name;
  });
  const auto file = is_a_name ? file_id(folder, name) : std::nullopt;
  return file && find_file(*file) != nullptr;
}

// Room is made before it is needed. If there is no memory for that again and again, descriptors
// stay open until the process ends, which is better than a lost lock.
void OpenDatabases::keep(Entry& entry, int number) noexcept {
  std::vector<int>& kept = entry.kept;
  try {
    if (kept.size() + k_room > kept.capacity()) kept.reserve(2 * kept.capacity() + k_room);
  } catch (...) {
  }
  if (kept.size() < kept.capacity()) kept.push_back(number);
}

void OpenDatabases::close_descriptor(int number) noexcept {
  OpenDatabases& databases = of_process();
  struct stat status {};
  const bool may_be_one =
      databases.uses_ != 0 && ::fstat(number, &status) == 0 && S_ISREG(status.st_mode);
  if (!may_be_one) {
    ::close(number);
    return;
  }
  // Until the descriptor is closed, no database is locked that isn't in the list yet.
  const std::lock_guard lock(databases.mutex_);
  if (Entry* const entry = databases.find_file({status.st_dev, status.st_ino}))
    keep(*entry, number);
  else
    ::close(number);
}

std::optional<OpenDatabases::Handle> OpenDatabases::add(Entry entry) {
  const std::lock_guard lock(mutex_);
  const auto index = index_of(entry);
  const bool has_foreign_log = std::ranges::any_of(entries_, [&](const Entry& other) {
    if (other.file == entry.file) return false;
    return other.index ? other.index == index : other.folder == entry.folder;
  });
  if (has_foreign_log) return std::nullopt;
  entry.kept.reserve(2 * k_room);
  return entries_.insert(entries_.end(), std::move(entry));
}

void OpenDatabases::note_index(Handle entry) {
  const std::lock_guard lock(mutex_);
  entry->index = index_of(*entry);
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
