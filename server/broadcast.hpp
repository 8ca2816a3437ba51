// Wakes every coroutine that waits for a change. For one thread: that of its executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>

namespace rtenv::server {

class Broadcast {
 public:
  explicit Broadcast(const boost::asio::any_io_executor& executor)
      : timer_(executor, boost::asio::steady_timer::time_point::max()) {}

  /// To be asked for before looking at what may change; then no change is missed.
  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  void notify() {
    ++epoch_;
    timer_.cancel();
  }
  /// Until there was a change since `seen`. May be cancelled.
  boost::asio::awaitable<void> wait(std::uint64_t seen) {
    while (epoch_ == seen) {
      co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      const auto cancelled = (co_await boost::asio::this_coro::cancellation_state).cancelled();
      if (cancelled != boost::asio::cancellation_type::none) co_return;
    }
  }

 private:
  boost::asio::steady_timer timer_;
  std::uint64_t epoch_ = 0;
};

}  // namespace rtenv::server
