#include "rtenv/stop.hpp"

#include "api/guard.hpp"
#include "api/internals.hpp"

namespace rtenv {

// Doesn't look at the standard streams: a program makes one before anything else.
Result<StopSignal> StopSignal::create() {
  return without_exceptions([]() -> Result<StopSignal> {
    RTENV_TRY(auto cancellation, Cancellation::create());
    return Internals::stop_signal(std::move(cancellation));
  });
}

void StopSignal::request() const noexcept {
  if (const Cancellation* const cancellation = Internals::of(*this)) cancellation->request();
}

bool StopSignal::requested() const noexcept {
  const Cancellation* const cancellation = Internals::of(*this);
  return cancellation != nullptr && cancellation->requested();
}

}  // namespace rtenv
