// Something that has happened, or is wanted: any thread or signal handler says so, and whoever
// polls learns it (eventfd(2)). Thread-safe.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/fd.hpp"

namespace rtenv {

class Event {
 public:
  /// Fails: unavailable (out of file descriptors).
  static Result<Event> create() {
    Fd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return fail_errno("create", "an eventfd");
    return Event(std::move(fd));
  }

  /// Async-signal-safe.
  void raise() const noexcept {
    const std::uint64_t one = 1;
    // Can fail only if the counter is full; then it is raised anyway.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
  }
  void clear() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = ::read(fd_.get(), &count, sizeof count);
  }
  /// For poll(2): readable while it is raised.
  [[nodiscard]] int poll_fd() const noexcept { return fd_.get(); }

 private:
  explicit Event(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace rtenv
