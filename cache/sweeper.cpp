#include "cache/sweeper.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.hpp"
#include "base/log.hpp"

namespace rtenv::cache {

Result<void> Sweeper::remove_crash_leftovers() {
  // The folders are listed before the holders: a folder that is created in between isn't in the
  // list, and the owner of a listed folder already had its row.
  std::vector<Path> temporary;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_.tmp(), error))
    temporary.push_back(entry.path());
  RTENV_TRY(const auto alive, sweep_holders(state_.locks(), state_.ledger()));
  std::erase_if(temporary, [&](const Path& path) {
    return std::ranges::find(alive, path.filename().native()) != alive.end();
  });
  RTENV_TRY(remove_temporary(temporary));
  RTENV_TRY(const auto rows, state_.ledger().unready_entries());
  for (const EntryRow& row : rows) RTENV_TRY(remove_unfinished(row));
  return {};
}

Result<void> Sweeper::remove_temporary(const std::vector<Path>& folders) {
  if (folders.empty()) return {};
  RTENV_TRY(const auto lock, LockFile::try_acquire(state_.locks() / Cache::k_sweeper_lock));
  if (!lock) return {};  // another process is removing them
  // What a job made immutable, for example, must not make the cache unusable.
  for (const Path& folder : folders)
    if (const auto removed = remove_tree(folder); !removed)
      log::warn("{}", removed.error().message());
  return {};
}

Result<void> Sweeper::remove_unfinished(const EntryRow& row) {
  RTENV_TRY(const auto lock, LockFile::try_acquire(state_.build_lock(row.kind, row.key)));
  if (!lock) return {};  // still being built
  // The entry may have become ready since the rows were read.
  RTENV_TRY(const auto now, state_.ledger().find(row.kind, row.key));
  if (!now || now->ready) return {};
  log::debug("removing the unfinished {} {}", info(row.kind).name, row.key);
  if (const auto removed = remove_tree(state_.path_of(row.kind, row.key)); !removed) {
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
  for (const KindInfo& kind : k_kinds) {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(state_.root() / kind.folder, error)) {
      if (known_paths.contains(entry.path())) continue;
      const auto key = Key::parse(entry.path().filename().native());
      if (!key) {  // no entry can be built under this name
        RTENV_TRY(trash.move_in(entry.path()));
        continue;
      }
      RTENV_TRY(const auto lock, LockFile::try_acquire(state_.build_lock(kind.kind, *key)));
      if (!lock) continue;
      // The row may have been inserted since the rows were read.
      RTENV_TRY(const auto found, state_.ledger().find(kind.kind, *key));
      if (!found) RTENV_TRY(trash.move_in(entry.path()));
    }
  }
  return {};
}

// Lock files stay when their lock is released, and after a holder that died before its row was
// inserted. The process that has the lock may remove the file: a process that waits for it notices
// (see LockFile).
Result<void> Sweeper::remove_free_locks() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_.locks(), error)) {
    if (entry.path().filename() == k_collector_lock) continue;
    RTENV_TRY(const auto lock, LockFile::try_acquire(entry.path()));
    if (lock) std::filesystem::remove(entry.path(), error);
  }
  return {};
}

}  // namespace rtenv::cache
