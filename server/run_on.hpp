// Runs work that may block on a thread pool: the calling coroutine waits without blocking its own
// thread, or nobody waits.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/exceptions.hpp"
#include "base/log.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

/// Returns what `work` returned, on the caller's executor. A cancellation doesn't end the wait:
/// what `work` refers to stays valid as long as the caller's frame does. `work` isn't run if the
/// pool has been stopped; then this never returns.
template <class Value>
boost::asio::awaitable<Value> run_on(WorkerPool& pool, std::function<Value()> work) {
  const auto result = std::make_shared<std::optional<Value>>();
  // GCC 12 copies converted temporaries of a co_await expression bitwise: hence the named variable.
  auto run = [work = std::move(work), result]() -> boost::asio::awaitable<void> {
    result->emplace(work());
    co_return;
  };
  // Without the caller's cancellation slot, which isn't for other threads.
  co_await boost::asio::co_spawn(pool.get_executor(), std::move(run),
                                 boost::asio::bind_cancellation_slot(
                                     boost::asio::cancellation_slot(), boost::asio::use_awaitable));
  co_return std::move(**result);
}

/// For work that nobody waits for, on a thread pool. What it throws is logged.
template <class Work>
void post_on(WorkerPool& pool, Work work) {
  boost::asio::post(pool.get_executor(), [work = std::move(work)]() mutable {
    const auto done = without_exceptions([&]() -> Result<void> {
      work();
      return {};
    });
    if (!done) log::warn("the job server goes on after an error: {}", done.error().message());
  });
}

}  // namespace rtenv::server
