// Runs work that may block on a thread pool, while the calling coroutine waits without blocking its
// own thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>

namespace rtenv::server {

/// Returns what `work` returned, on the caller's executor. A cancellation doesn't end the wait:
/// what `work` refers to stays valid as long as the caller's frame does. `work` isn't run if the
/// pool has been stopped; then this never returns.
template <class Value>
boost::asio::awaitable<Value> run_on(boost::asio::thread_pool& pool, std::function<Value()> work) {
  const auto result = std::make_shared<std::optional<Value>>();
  // GCC 12 copies converted temporaries of a co_await expression bitwise: hence the named variable.
  auto run = [work = std::move(work), result]() -> boost::asio::awaitable<void> {
    result->emplace(work());
    co_return;
  };
  // Without the caller's cancellation slot, which isn't for other threads.
  co_await boost::asio::co_spawn(pool, std::move(run),
                                 boost::asio::bind_cancellation_slot(
                                     boost::asio::cancellation_slot(), boost::asio::use_awaitable));
  co_return std::move(**result);
}

}  // namespace rtenv::server
