#include "job/job_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/file_system.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/processors.hpp"
#include "base/tree_usage.hpp"
#include "base/unique_name.hpp"
#include "job/tree_repair.hpp"

namespace rtenv::job {
namespace {

using cache::Kind;
using cache::Lease;

constexpr const char* k_folder = "working_dir";
constexpr const char* k_stamps = "stamps";
constexpr std::uint64_t k_spare_margin = 3;
constexpr std::uint64_t k_little_space_bytes = 64ULL << 20U;
constexpr int k_max_attempts = 8;       // to take a copy that can be used
constexpr unsigned k_max_threads = 16;  // more wait for each other in the file system
constexpr std::size_t k_key_length = 100;

unsigned threads_of(const JobCopyOptions& options) {
  return options.threads > 0 ? options.threads : std::min(default_threads(), k_max_threads);
}

// The umask of this process, as text. umask(2) can't read it without changing it for all threads.
std::string umask_text() {
  const auto status = read_file("/proc/self/status");
  if (!status) return {};
  const auto at = status->find("\nUmask:");
  if (at == std::string::npos) return {};
  return status->substr(at, status->find('\n', at + 1) - at);
}

// Of the keys of all copies that are the same as a new one of `from` would be.
std::string key_prefix(const Lease& tree, const Path& from) {
  const std::string below = from.lexically_relative(tree.path()).native();
  const std::string identity =
      fmt::format("{}\n{}\n{}\n{}\n{}", tree.key(), below, umask_text(), ::geteuid(), ::getegid());
  return fmt::format("{}-{}-", tree.key().text().substr(0, k_key_length),
                     sha256_hex(identity).substr(0, 16));
}

Result<Lease> make_copy(cache::Cache& cache, const std::string& prefix, const Path& from,
                        const JobCopyOptions& options) {
  const auto build = [&](const cache::BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    RTENV_TRY(const TreeIdentity tree, identity_of(from));
    RTENV_TRY(clone_tree(from, context.target / k_folder,
                         {.threads = threads_of(options), .cancellation = options.cancellation}));
    RTENV_TRY(fault_point("copy.cloned"));
    RTENV_TRY(const TreeStamps stamps,
              record_stamps(context.target, k_folder, tree, threads_of(options)));
    RTENV_TRY(settle(stamps));
    return save_stamps(stamps, context.target / k_stamps);
  };
  RTENV_TRY(const cache::Key key, cache::Key::parse(prefix + unique_name()));
  return cache.get_or_build(
      Kind::copy, key, build,
      {.wait = {.cancellation = options.cancellation, .on_wait = {}}, .relocate = {}});
}

// Restores the copy and updates its stamps.
Result<void> repair_copy(const Path& folder, const Path& from, TreeStamps& stamps,
                         const JobCopyOptions& options) {
  RTENV_TRY(const ChangeTimes times, change_times(folder));
  RTENV_TRY(const std::size_t differing,
            repair_tree(folder, from, k_stamps, stamps,
                        {times, threads_of(options), options.cancellation}));
  if (differing == 0) return {};
  log::debug("{} paths of {} were restored", differing, folder.native());
  RTENV_TRY(settle(stamps));
  return fault_point("copy.repaired");
}

// From now on, a copy that isn't given back isn't used again.
Result<void> remove_stamps(const Path& folder) {
  if (::unlink((folder / k_stamps).c_str()) != 0)
    return fail_errno("remove", (folder / k_stamps).native());
  return {};
}

Result<TreeStamps> check_and_repair(const Lease& lease, const Path& from,
                                    const JobCopyOptions& options) {
  RTENV_TRY(TreeStamps stamps, load_stamps(lease.path() / k_stamps));
  RTENV_TRY(const TreeIdentity tree, identity_of(from));
  if (stamps.tree != tree)
    return fail(Errc::corrupt, "{} is a copy of an earlier tree", lease.path().native());
  RTENV_TRY(repair_copy(lease.path(), from, stamps, options));
  return stamps;
}

// Whether it is gone. Another process may take it before it is removed; it does the same.
bool discard(cache::Cache& cache, Lease lease, const Error& error) {
  log::debug("the copy {} isn't used again: {}", lease.key(), error.message());
  const cache::Key key = lease.key();
  { const Lease released = std::move(lease); }
  const auto removed = cache.remove(Kind::copy, key);
  if (!removed) log::debug("the copy {} isn't removed: {}", key, removed.error().message());
  return removed.has_value();
}

}  // namespace

JobCopy::JobCopy(Lease lease, Fd folder, Path from, TreeStamps stamps, bool is_last)
    : lease_(std::move(lease)),
      folder_(std::move(folder)),
      from_(std::move(from)),
      path_(lease_.path() / k_folder),
      stamps_(std::move(stamps)),
      is_last_(is_last) {}

Result<bool> JobCopy::is_supported(const cache::Cache& cache) {
  RTENV_TRY(const ChangeTimes times, change_times(cache.root()));
  // In an overlay over several file systems, the numbers of devices and inodes don't stay.
  struct stat folder {};
  struct stat file {};
  if (::stat(cache.root().c_str(), &folder) != 0 ||
      ::stat((cache.root() / "ledger.db").c_str(), &file) != 0)
    return fail_errno("read", cache.root().native());
  return times != ChangeTimes::unknown && folder.st_dev == file.st_dev;
}

Result<JobCopy> JobCopy::take(cache::Cache& cache, const Lease& tree, const Path& from,
                              const JobCopyOptions& options) {
  const std::string prefix = key_prefix(tree, from);
  for (int attempt = 0; attempt < k_max_attempts; ++attempt) {
    RTENV_TRY(auto lease, cache.lease_unused(Kind::copy, prefix));
    if (!lease) break;
    auto stamps = check_and_repair(*lease, from, options);
    if (stamps) {
      RTENV_TRY(const bool more, cache.has_unused(Kind::copy, prefix));
      RTENV_TRY(remove_stamps(lease->path()));
      RTENV_TRY(Fd folder, open_file(lease->path(), O_PATH | O_DIRECTORY | O_NOFOLLOW));
      return JobCopy(std::move(*lease), std::move(folder), from, std::move(*stamps), !more);
    }
    if (stamps.error().code() == Errc::cancelled) return fail(std::move(stamps).error());
    if (!discard(cache, std::move(*lease), stamps.error())) break;
  }
  RTENV_TRY(Lease lease, make_copy(cache, prefix, from, options));
  RTENV_TRY(TreeStamps stamps, load_stamps(lease.path() / k_stamps));
  RTENV_TRY(const bool more, cache.has_unused(Kind::copy, prefix));
  RTENV_TRY(remove_stamps(lease.path()));
  RTENV_TRY(Fd folder, open_file(lease.path(), O_PATH | O_DIRECTORY | O_NOFOLLOW));
  return JobCopy(std::move(lease), std::move(folder), from, std::move(stamps), !more);
}

// The job may have put another folder, or a link to one, in its place.
Result<void> JobCopy::check_place() {
  struct stat taken {};
  struct stat found {};
  if (::fstat(folder_.get(), &taken) == 0 && ::lstat(lease_.path().c_str(), &found) == 0 &&
      taken.st_dev == found.st_dev && taken.st_ino == found.st_ino)
    return {};
  stamps_.reset();
  return fail(Errc::corrupt, "the job moved its directory {} away", lease_.path().native());
}

Result<void> JobCopy::repair_and_save(const JobCopyOptions& options) {
  RTENV_TRY(repair_copy(lease_.path(), from_, *stamps_, options));
  return save_stamps(*stamps_, lease_.path() / k_stamps);
}

Result<void> JobCopy::repair(const JobCopyOptions& options) {
  if (!stamps_) return {};
  RTENV_TRY(check_place());
  auto repaired = repair_and_save(options);
  if (repaired) return repaired;
  stamps_.reset();
  if (repaired.error().code() == Errc::cancelled) return repaired;
  // Without stamps, it is removed when a job would take it.
  for (const char* name : {k_stamps, k_folder})
    if (const auto removed = remove_tree(lease_.path() / name); !removed)
      log::debug("{}", removed.error().message());
  return repaired;
}

Result<void> JobCopy::give_back(const JobCopyOptions& options) {
  if (!stamps_) return {};
  RTENV_TRY(check_place());
  const auto free_bytes = free_space_bytes(lease_.path());
  const bool has_space = free_bytes && *free_bytes > k_little_space_bytes;
  if (has_space && save_stamps(*stamps_, lease_.path() / k_stamps)) return {};
  return repair(options);
}

Result<void> make_spare_copy(cache::Cache& cache, const Lease& tree, const Path& from,
                             const JobCopyOptions& options) {
  const std::string prefix = key_prefix(tree, from);
  RTENV_TRY(const LockFile lock,
            cache.lock("spare-" + prefix, {.cancellation = options.cancellation, .on_wait = {}}));
  RTENV_TRY(const bool has_spare, cache.has_unused(Kind::copy, prefix));
  if (has_spare) return {};
  RTENV_TRY(const std::uint64_t bytes, disk_usage_bytes(from));
  // The jobs that run need space, too.
  RTENV_TRY(const bool has_room, cache.has_room(Kind::copy, k_spare_margin * bytes));
  if (!has_room) return {};
  RTENV_TRY(const Lease made, make_copy(cache, prefix, from, options));
  return {};
}

}  // namespace rtenv::job
