// How many threads can run at once.
#pragma once

#include "base/fd.hpp"

namespace rtenv {

/// The processors that this process may use, or fewer if the cgroup that it is in, as a container
/// is, may only use a share of their time (cpu.max of cgroup v2). At least 1.
unsigned default_threads();

/// The share of `cgroup_file`'s cgroup and of those that it is in, rounded up; 0 if there is no
/// limit. For default_threads: /proc/self/cgroup and /sys/fs/cgroup.
unsigned processors_of_cgroup(const Path& cgroup_file, const Path& cgroup_root);

}  // namespace rtenv
