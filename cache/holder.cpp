#include "cache/holder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fault_point.hpp"
#include "base/process_identity.hpp"
#include "base/unique_name.hpp"

namespace rtenv::cache {
namespace {

// In the lock file of a holder whose row couldn't be deleted.
constexpr std::string_view k_retired = "retired\n";

Result<bool> has_ended(const HolderRow& holder, const Path& lock_file) {
  const bool has_file = ::access(lock_file.c_str(), F_OK) == 0;
  if (has_file) {
    RTENV_TRY(const auto lock, LockFile::try_acquire(lock_file));
    if (!lock) return false;
    struct stat status {};
    if (::fstat(lock->fd().get(), &status) == 0 && status.st_size > 0) return true;  // k_retired
  }
  // The lock is free, but a job may have unlocked it, or a cleaner of old files removed the file.
  switch (process_state(holder.identity)) {
    case ProcessState::alive: return false;
    case ProcessState::ended: return true;
    default: return has_file || holder.identity.empty();
  }
}

}  // namespace

Result<Holder> Holder::create(const Path& locks, Ledger& ledger) {
  std::string lock_name = "holder-" + unique_name();
  RTENV_TRY(auto lock, LockFile::try_acquire(locks / lock_name));
  if (!lock)
    return fail(Errc::internal, "the new lock {} is already held", (locks / lock_name).native());
  RTENV_TRY(fault_point("holder.locked"));
  RTENV_TRY(const HolderId id, ledger.add_holder(lock_name));
  return Holder(id, std::move(lock_name), std::move(*lock));
}

Result<void> Holder::retire(const Path& locks, Ledger& ledger) {
  RTENV_TRY(ledger.remove_holder(id_));
  ::unlink((locks / lock_name_).c_str());
  return {};
}

void Holder::mark_retired() const noexcept {
  [[maybe_unused]] const auto written =
      ::write(lock_.fd().get(), k_retired.data(), k_retired.size());
}

Result<std::vector<std::string>> sweep_holders(const Path& locks, Ledger& ledger) {
  RTENV_TRY(const auto holders, ledger.holders());
  std::vector<std::string> alive;
  for (const HolderRow& holder : holders) {
    const Path file = locks / holder.lock_name;
    RTENV_TRY(const bool ended, has_ended(holder, file));
    if (!ended) {
      alive.push_back(holder.lock_name);
      continue;
    }
    RTENV_TRY(ledger.remove_holder(holder.id));
    // Of an edited ledger, it may be a path to anywhere.
    if (holder.lock_name.find('/') == std::string::npos) ::unlink(file.c_str());
  }
  return alive;
}

}  // namespace rtenv::cache
