#include "cache/holder.hpp"

#include <unistd.h>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/unique_name.hpp"

namespace rtenv::cache {
namespace {

std::string read_boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id");
  if (!text) return "unknown";
  return text->substr(0, text->find('\n'));
}

// Field 22 of /proc/self/stat; counted behind the program's name, which may hold anything.
std::int64_t read_start_ticks() {
  const auto text = read_file("/proc/self/stat");
  if (!text) return 0;
  std::size_t at = text->rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text->find(' ', at + 1);
  return at == std::string::npos ? 0 : std::atoll(text->c_str() + at + 1);
}

}  // namespace

Result<Holder> Holder::create(const Path& locks, Ledger& ledger) {
  std::string lock_name = "holder-" + unique_name();
  RTENV_TRY(auto lock, LockFile::try_acquire(locks / lock_name));
  if (!lock) return fail(Errc::internal, "the lock {} is taken", (locks / lock_name).native());
  RTENV_TRY(fault_point("holder.locked"));
  RTENV_TRY(const HolderId id, ledger.add_holder({.id = 0,
                                                  .lock_name = lock_name,
                                                  .boot_id = read_boot_id(),
                                                  .pid = ::getpid(),
                                                  .start_ticks = read_start_ticks()}));
  return Holder(id, std::move(lock_name), std::move(*lock));
}

void Holder::retire(const Path& locks, Ledger& ledger) noexcept {
  // A failure here costs nothing: the next opening sweeps what the dead left.
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
