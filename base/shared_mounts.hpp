// The mounts of one plan for several processes: the first one mounts, the others join it, also when
// the first has ended. So they see each other's files, and an overlay is mounted once.
#pragma once

#include <mutex>

#include "base/mount_plan.hpp"
#include "base/process.hpp"

namespace rtenv {

/// Thread-safe. The mounts vanish with this object and the last process that is in them.
class SharedMounts {
 public:
  explicit SharedMounts(MountPlan plan) : plan_(std::move(plan)) {}

  /// Starts a process there; `options.prepare_child` is ignored. Fails: as ChildProcess::spawn,
  /// MountPlan::enter, MountPlan::renew and setns(2); a later call tries again.
  Result<ChildProcess> spawn(SpawnOptions options);

 private:
  Result<ChildProcess> spawn_first(SpawnOptions& options);

  const MountPlan plan_;
  std::mutex mutex_;
  // Guarded by the mutex until they are open; then they don't change.
  Fd user_namespace_;  // open only if the plan has one of its own
  Fd mount_namespace_;
  bool tried_ = false;  // guarded by the mutex: a first process may have mounted before it failed
};

}  // namespace rtenv
