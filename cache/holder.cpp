#include "cache/holder.hpp"

#include <unistd.h>

#include "base/fault_point.hpp"
#include "base/unique_name.hpp"

namespace rtenv::cache {

Result<Holder> Holder::create(const Path& locks, Ledger& ledger) {
  std::string lock_name = "holder-" + unique_name();
  RTENV_TRY(auto lock, LockFile::try_acquire(locks / lock_name));
  if (!lock)
    return fail(Errc::internal, "the new lock {} is already held", (locks / lock_name).native());
  RTENV_TRY(fault_point("holder.locked"));
  RTENV_TRY(const HolderId id, ledger.add_holder(lock_name, ::getpid()));
  return Holder(id, std::move(lock_name), std::move(*lock));
}

void Holder::retire(const Path& locks, Ledger& ledger) noexcept {
  [[maybe_unused]] const auto removed = ledger.remove_holder(id_);
  ::unlink((locks / lock_name_).c_str());
}

Result<std::vector<std::string>> sweep_holders(const Path& locks, Ledger& ledger) {
  RTENV_TRY(const auto holders, ledger.holders());
  std::vector<std::string> alive;
  for (const HolderRow& holder : holders) {
    const Path file = locks / holder.lock_name;
    RTENV_TRY(const auto lock, LockFile::try_acquire(file));
    if (!lock) {
      alive.push_back(holder.lock_name);
      continue;
    }
    RTENV_TRY(ledger.remove_holder(holder.id));
    ::unlink(file.c_str());
  }
  return alive;
}

}  // namespace rtenv::cache
