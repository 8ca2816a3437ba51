// For tests of what happens when descriptors run out.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace rtenv {

/// While it lives, this process can open at most `left` descriptors more.
class UsedDescriptors {
 public:
  explicit UsedDescriptors(int left) {
    const int free = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    ::close(free);
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(free) + static_cast<rlim_t>(left);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  UsedDescriptors(const UsedDescriptors&) = delete;
  UsedDescriptors& operator=(const UsedDescriptors&) = delete;
  ~UsedDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace rtenv
