#include "cache/sweeper.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <set>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/log.hpp"
#include "base/wait_scope.hpp"
#include "cache/folder_limit.hpp"

namespace rtenv::cache {
namespace {

using std::chrono::hours;

constexpr std::uint64_t k_mebibyte = 1ULL << 20U;
constexpr auto k_month = hours(30 * 24);

struct LimitedFolder {
  const char* name;
  FolderLimit limit;
};
// A file that is missing takes its user a moment more: digests and interpreters are read again, a
// remote tier is tried again.
constexpr std::array<LimitedFolder, 5> k_limited_folders{
    {{"logs", {k_month, 200, 64 * k_mebibyte}},
     {"quarantine", {k_month, 20, std::numeric_limits<std::uint64_t>::max()}},
     {"digests", {3 * k_month, 1000, 256 * k_mebibyte}},
     {"interpreters", {3 * k_month, 100, k_mebibyte}},
     {"remote-tier", {k_month, 100, k_mebibyte}}}};
constexpr std::size_t k_max_locks = 1000;

}  // namespace

Result<void> Sweeper::remove_crash_leftovers() {
  // The folders are listed before the holders: a folder that is created in between isn't in the
  // list, and the owner of a listed folder already had its row.
  std::vector<Path> temporary;
  for (const FolderEntry& entry : readable_entries(state_.tmp())) temporary.push_back(entry.path);
  RTENV_TRY(const auto alive, sweep_holders(state_.locks(), state_.ledger()));
  std::erase_if(temporary, [&](const Path& path) {
    const std::string name = path.filename();
    return std::ranges::find(alive, name) != alive.end() || is_trash_of_a_process(name);
  });
  RTENV_TRY(remove_temporary(temporary));
  RTENV_TRY(const auto rows, state_.ledger().unready_entries());
  for (const EntryRow& row : rows) RTENV_TRY(remove_unfinished(row));
  return {};
}

Result<void> Sweeper::remove_temporary(const std::vector<Path>& folders) {
  if (folders.empty()) return {};
  const auto lock = LockFile::try_acquire(state_.locks() / Cache::k_sweeper_lock);
  if (!lock) log::warn("{}", lock.error().message());
  if (!lock || !*lock) return {};  // another process is removing them
  // What a job made immutable, for example, must not make the cache unusable.
  for (const Path& folder : folders)
    if (auto removed = remove_tree(folder, WaitScope::cancellation()); !removed) {
      if (removed.error().code() == Errc::cancelled) return removed;
      log::warn("{}", removed.error().message());
    }
  return {};
}

Result<void> Sweeper::remove_unfinished(const EntryRow& row) {
  const auto lock = LockFile::try_acquire(state_.build_lock(row.kind, row.key));
  if (!lock) log::warn("{}", lock.error().message());
  if (!lock || !*lock) return {};  // still being built
  // The entry may have become ready since the rows were read.
  RTENV_TRY(const auto now, state_.ledger().find(row.kind, row.key));
  if (!now || now->ready || now->is_built_elsewhere((*lock)->inode())) return {};
  log::debug("removing the unfinished {} {}", info(row.kind).name, row.key);
  if (auto removed = remove_tree(state_.path_of(row.kind, row.key), WaitScope::cancellation());
      !removed) {
    if (removed.error().code() == Errc::cancelled) return removed;
    log::warn("{}", removed.error().message());
    return {};  // tried again by the next process
  }
  return state_.ledger().forget_unready(row.kind, row.key);
}

// A process that builds an entry holds its build lock. So with the lock and without a row, the
// folder belongs to no process.
Result<void> Sweeper::remove_unknown_folders(Trash& trash) {
  RTENV_TRY(const auto known, state_.ledger().entries());
  std::set<Path> known_paths;
  for (const EntryRow& row : known) known_paths.insert(state_.path_of(row.kind, row.key));
  for (const KindInfo& kind : k_kinds)
    for (const FolderEntry& entry : readable_entries(state_.root() / kind.folder)) {
      if (known_paths.contains(entry.path)) continue;
      if (const auto moved = remove_unknown(kind.kind, entry.path, trash); !moved)
        log::warn("{}", moved.error().message());
    }
  return {};
}

Result<void> Sweeper::remove_unknown(Kind kind, const Path& path, Trash& trash) {
  const auto key = Key::parse(path.filename().native());
  if (!key) return trash.move_in(path);  // no entry can be built under this name
  RTENV_TRY(const auto lock, LockFile::try_acquire(state_.build_lock(kind, *key)));
  if (!lock) return {};
  // The row may have been inserted since the rows were read.
  RTENV_TRY(const auto found, state_.ledger().find(kind, *key));
  return found ? Result<void>() : trash.move_in(path);
}

// Lock files stay when their lock is released, and after a holder that died before its row was
// inserted. The process that has the lock may remove the file: a process that waits for it notices
// (see LockFile).
Result<void> Sweeper::remove_free_locks() {
  std::error_code error;
  for (const FolderEntry& entry : readable_entries(state_.locks())) {
    const std::string name = entry.name();
    if (name == k_collector_lock || name == k_collector_note) continue;
    if (entry.type != FolderEntry::Type::file) {
      std::filesystem::remove(entry.path, error);
      continue;
    }
    const auto lock = LockFile::try_acquire(entry.path);
    if (!lock) log::warn("{}", lock.error().message());
    if (!lock || !*lock) continue;
    // That of an unfinished entry tells that its builder gave up: see is_built_elsewhere. With the
    // lock, no process can begin to build.
    RTENV_TRY(const auto unfinished, state_.ledger().unready_entries());
    if (std::ranges::find(unfinished, (*lock)->inode(), &EntryRow::builder_lock) ==
        unfinished.end())
      std::filesystem::remove(entry.path, error);
  }
  return {};
}

// A file in locks/ is for one that builds, waits or runs, but most of them are leftovers.
Result<void> Sweeper::limit_folders() {
  for (const auto& [folder, limit] : k_limited_folders)
    limit_folder(state_.root() / folder, limit, unix_ms());
  return readable_entries(state_.locks()).size() > k_max_locks ? remove_free_locks()
                                                               : Result<void>();
}

}  // namespace rtenv::cache
