#include "remote/backoff.hpp"

#include <poll.h>

#include <algorithm>
#include <random>
#include <thread>

namespace rtenv::remote {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_first_pause{200};
constexpr milliseconds k_max_retry_after{30'000};

}  // namespace

Result<bool> Backoff::pause(std::optional<std::chrono::seconds> retry_after) {
  if (attempts_ >= k_max_attempts) return false;
  const milliseconds full = k_first_pause * (1 << (attempts_ - 1));
  ++attempts_;
  thread_local std::minstd_rand random{std::random_device{}()};
  milliseconds wait{
      std::uniform_int_distribution<std::int64_t>(full.count() / 2, full.count())(random)};
  if (retry_after) wait = std::max(wait, std::min<milliseconds>(*retry_after, k_max_retry_after));
  if (cancellation_ == nullptr) {
    std::this_thread::sleep_for(wait);
    return true;
  }
  pollfd stop{.fd = cancellation_->poll_fd(), .events = POLLIN, .revents = 0};
  if (::poll(&stop, 1, static_cast<int>(wait.count())) > 0 || cancellation_->requested())
    return fail(Errc::cancelled, "interrupted while waiting to retry");
  return true;
}

}  // namespace rtenv::remote
