#include "remote/retry.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <thread>

#include "base/log.hpp"

namespace rtenv::remote {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_first_pause{200};
constexpr milliseconds k_longest_pause{5'000};
constexpr int k_doublings = 5;
constexpr int k_told_failure = 3;  // shorter outages aren't worth a message
// Longer times don't fit the kernel's and libcurl's milliseconds.
constexpr std::uint64_t k_max_number = 1'000'000'000;

Result<void> read_number(const Environment& environment, const char* variable,
                         std::string_view unit, std::uint64_t max, std::uint64_t& number) {
  const auto text = environment.find_filled(variable);
  if (!text) return {};
  const char* const end = text->data() + text->size();
  const auto [parsed, error] = std::from_chars(text->data(), end, number);
  if (error == std::errc() && parsed == end && number > 0 && number <= max) return {};
  return fail(Errc::invalid_argument, "{}: '{}' isn't a number of {} from 1 to {}", variable, *text,
              unit, max);
}

milliseconds backoff(int failures) {
  const milliseconds full =
      std::min(k_first_pause * (1 << std::min(failures - 1, k_doublings)), k_longest_pause);
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds{
      std::uniform_int_distribution<std::int64_t>(full.count() / 2, full.count())(random)};
}

}  // namespace

Result<TransferLimits> transfer_limits(const Environment& environment) {
  TransferLimits limits;
  constexpr std::uint64_t k_max_seconds = k_max_number / 1000;
  std::uint64_t timeout = static_cast<std::uint64_t>(limits.timeout.count());
  std::uint64_t total = static_cast<std::uint64_t>(limits.total.count());
  RTENV_TRY(read_number(environment, "RTENV_NETWORK_TIMEOUT", "seconds", k_max_seconds, timeout));
  RTENV_TRY(read_number(environment, "RTENV_NETWORK_MIN_RATE", "bytes per second", k_max_number,
                        limits.min_bytes_per_second));
  RTENV_TRY(read_number(environment, "RTENV_NETWORK_DEADLINE", "seconds", k_max_seconds, total));
  limits.timeout = std::chrono::seconds(timeout);
  limits.total = std::chrono::seconds(total);
  return limits;
}

void Retry::add_progress(std::uint64_t bytes) noexcept {
  bytes_ += bytes;
  const auto seconds = static_cast<std::uint64_t>(limits_.timeout.count());
  if (bytes_ < limits_.min_bytes_per_second * seconds) return;
  begin_ = Clock::now();
  failures_ = 0;
  bytes_ = 0;
}

Result<bool> Retry::pause(const Setback& setback) {
  ++failures_;
  const auto now = Clock::now();
  const bool out_of_time = failures_ >= 2 && now - begin_ >= limits_.timeout;
  const milliseconds asked = setback.retry_after.value_or(std::chrono::seconds(0));
  const auto left = std::chrono::ceil<milliseconds>(begin_ + limits_.timeout - now);
  milliseconds wait = backoff(failures_);
  if (failures_ >= 2) wait = std::min(wait, left);  // the last attempt is at the end of the time
  wait = std::max(wait, asked);
  if (out_of_time || asked > limits_.timeout || now + wait >= deadline_) return false;
  if (failures_ == k_told_failure)
    log::info("{}; trying again for up to {} s", setback.reason, limits_.timeout.count());
  else
    log::debug("{}; trying again in {} ms", setback.reason, wait.count());
  if (cancellation_ == nullptr) {
    std::this_thread::sleep_for(wait);
    return true;
  }
  pollfd stop{.fd = cancellation_->poll_fd(), .events = POLLIN, .revents = 0};
  if (::poll(&stop, 1, static_cast<int>(wait.count())) > 0 || cancellation_->requested())
    return fail(Errc::cancelled, "{}; interrupted while waiting to try again", setback.reason);
  return true;
}

}  // namespace rtenv::remote
