#include "base/cancellation.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace rtenv {

Result<Cancellation> Cancellation::create() {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("create", "an eventfd");
  return Cancellation(std::move(event));
}

void Cancellation::request() const noexcept {
  requested_->store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  // Can fail only if the counter is full; then poll_fd() is readable anyway.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

Result<void> check_not_cancelled(const Cancellation* cancellation, std::string_view action,
                                 std::string_view object) {
  if (cancellation == nullptr || !cancellation->requested()) return {};
  return fail(Errc::cancelled, "interrupted while {} {}", action, object);
}

}  // namespace rtenv
