#include "base/cancellation.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace rtenv {

Result<Cancellation> Cancellation::create() {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("make", "an event descriptor");
  return Cancellation(std::move(event));
}

void Cancellation::request() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);  // a full counter says the same
}

bool Cancellation::requested() const noexcept {
  pollfd poll_entry{.fd = event_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll_entry, 1, 0) == 1;
}

}  // namespace rtenv
