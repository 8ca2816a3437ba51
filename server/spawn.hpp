// Starts coroutines that nobody waits for.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>

namespace rtenv::server {

/// What the coroutine throws comes out of the event loop: asio::detached would drop it.
inline void spawn(const boost::asio::any_io_executor& executor,
                  boost::asio::awaitable<void> coroutine) {
  boost::asio::co_spawn(executor, std::move(coroutine), [](const std::exception_ptr& fault) {
    if (fault) std::rethrow_exception(fault);
  });
}

}  // namespace rtenv::server
