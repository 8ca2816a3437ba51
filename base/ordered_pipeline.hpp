// Parallel production with ordered consumption: any worker thread produces item i, and the calling
// thread consumes it after item i-1. Memory is bounded by the number of items in flight.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "base/exceptions.hpp"
#include "base/thread.hpp"

namespace rtenv {

/// Produces and consumes the items 0 to `count`-1; at most `window` of them are in flight, that is,
/// in production or waiting for consumption. `produce(state, index)` returns Result<Item>, with a
/// state per worker from `make_state()`; `consume(item)` returns Result<void>. Stops at the first
/// failure in the order of the items, which may be an exception, and returns it. Requires:
/// window >= 1.
template <class Item, class MakeState, class Produce, class Consume>
Result<void> ordered_pipeline(std::size_t count, unsigned threads, std::size_t window,
                              MakeState make_state, Produce produce, Consume consume) {
  std::mutex mutex;
  std::condition_variable produced;
  std::condition_variable window_moved;
  std::vector<std::optional<Result<Item>>> slots(window);
  std::size_t next = 0;      // the next item to produce
  std::size_t consumed = 0;  // the number of consumed items
  bool stopped = false;

  std::optional<Error> worker_error;  // outside of an item

  const auto produce_items = [&]() -> Result<void> {
    auto state = make_state();
    std::unique_lock lock(mutex);
    for (;;) {
      window_moved.wait(lock, [&] { return stopped || next == count || next < consumed + window; });
      if (stopped || next == count) return {};
      const std::size_t index = next++;
      lock.unlock();
      Result<Item> item = without_exceptions([&] { return produce(state, index); });
      lock.lock();
      slots[index % window].emplace(std::move(item));
      if (index == consumed) produced.notify_one();
    }
  };
  const auto work = [&] {
    Result<void> ended = without_exceptions(produce_items);
    if (ended) return;
    const std::lock_guard lock(mutex);
    worker_error = std::move(ended).error();
    produced.notify_one();
  };

  auto workers = start_helpers(std::min<std::size_t>(std::max(threads, 1U), count), work);
  if (workers.empty() && count > 0) {
    return without_exceptions([&]() -> Result<void> {
      auto state = make_state();
      for (std::size_t index = 0; index < count; ++index) {
        RTENV_TRY(Item item, produce(state, index));
        RTENV_TRY(consume(std::move(item)));
      }
      return {};
    });
  }
  std::optional<Error> error;
  std::unique_lock lock(mutex);
  while (consumed < count && !error) {
    auto& slot = slots[consumed % window];
    produced.wait(lock, [&] { return slot.has_value() || worker_error; });
    if (!slot) {
      error = std::move(worker_error);
      break;
    }
    Result<Item> item = std::move(*slot);
    slot.reset();
    lock.unlock();
    Result<void> done = without_exceptions([&]() -> Result<void> {
      RTENV_TRY(Item whole, std::move(item));
      return consume(std::move(whole));
    });
    if (!done) error = std::move(done).error();
    lock.lock();
    ++consumed;
    window_moved.notify_one();
  }
  stopped = true;
  lock.unlock();
  window_moved.notify_all();
  workers.clear();  // joins
  if (error) return Failure(std::move(*error));
  return {};
}

}  // namespace rtenv
