// How jobs get their directories on this machine: as an overlay over the cached tree, in mounts of
// their own, or as a copy. See docs/decisions/0015-job-directories.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/environment.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::job {

enum class DirectoryMode : std::uint8_t {
  overlay,  // mounts of the job's own; the cache is read-only for the job
  copy,     // no mounts
};

struct DirectoryPolicy {
  DirectoryMode mode = DirectoryMode::copy;
  bool own_user_namespace = false;  // for the mounts
  std::string reason;               // for users
};

/// Follows RTENV_JOB_DIRECTORY: `overlay`, `copy`, or `auto`, the default, which is an overlay for
/// root if a trial succeeds, and a copy otherwise. Fails: invalid_argument (the variable's value);
/// for `overlay` also as the trial, see MountPlan::try_out, and unavailable (the cache's file
/// system can't hold one); as Cache::make_temp_dir. `overlays_work`: set when a trial has
/// succeeded; from then on, there are no more. May be null.
Result<DirectoryPolicy> choose_directory_policy(const Environment& environment, cache::Cache& cache,
                                                std::atomic<bool>* overlays_work = nullptr);

}  // namespace rtenv::job
