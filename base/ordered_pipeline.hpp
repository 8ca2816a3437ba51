// Parallel production with ordered consumption: any worker thread produces item i, and the calling
// thread consumes it after item i-1. Memory is bounded by the number of items in flight.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace rtenv {

/// Produces and consumes the items 0 to `count`-1; at most `window` of them are in flight, that is,
/// in production or waiting for consumption. `produce(state, index)` returns Result<Item>, with a
/// state per worker from `make_state()`; `consume(item)` returns Result<void>. Stops at the first
/// failure in the order of the items and returns it. Requires: threads >= 1, window >= 1.
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

  const auto work = [&] {
    auto state = make_state();
    std::unique_lock lock(mutex);
    for (;;) {
      window_moved.wait(lock, [&] { return stopped || next == count || next < consumed + window; });
      if (stopped || next == count) return;
      const std::size_t index = next++;
      lock.unlock();
      Result<Item> item = produce(state, index);
      lock.lock();
      slots[index % window].emplace(std::move(item));
      if (index == consumed) produced.notify_one();
    }
  };

  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < threads && i < count; ++i) workers.emplace_back(work);

  std::optional<Error> error;
  std::unique_lock lock(mutex);
  while (consumed < count && !error) {
    auto& slot = slots[consumed % window];
    produced.wait(lock, [&] { return slot.has_value(); });
    Result<Item> item = std::move(*slot);
    slot.reset();
    lock.unlock();
    if (!item) {
      error = std::move(item).error();
    } else if (Result<void> done = consume(std::move(*item)); !done) {
      error = std::move(done).error();
    }
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
