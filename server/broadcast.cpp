#include "server/broadcast.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rtenv::server {

namespace asio = boost::asio;

asio::awaitable<void> Broadcast::wait(std::uint64_t seen) {
  while (epoch_ == seen) {
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
    if (cancelled != asio::cancellation_type::none) co_return;
  }
}

}  // namespace rtenv::server
