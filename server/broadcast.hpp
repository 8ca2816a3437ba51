// Wakes every coroutine that waits for a change. For the executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>

namespace rtenv::server {

class Broadcast {
 public:
  explicit Broadcast(const boost::asio::any_io_executor& executor)
      : timer_(executor, boost::asio::steady_timer::time_point::max()) {}

  /// The number of changes. Get it before looking at what may change: then no change is missed.
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  void notify() {
    ++epoch_;
    timer_.cancel();
  }
  /// Waits for a change after `seen`. May be cancelled.
  boost::asio::awaitable<void> wait(std::uint64_t seen);

 private:
  boost::asio::steady_timer timer_;
  std::uint64_t epoch_ = 0;
};

}  // namespace rtenv::server
