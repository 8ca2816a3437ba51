// The same work on many items by a few threads. The result doesn't depend on how many there are.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace rtenv {

/// As many as the machine's processors that this process may use.
inline unsigned default_threads() { return std::max(1U, std::thread::hardware_concurrency()); }

/// Calls `work(state, index)` for every index below `count`. Each thread has its own state from
/// `make_state()`. After a failure no new item is begun; of several failures, the one of the lowest
/// index is returned.
template <class MakeState, class Work>
Result<void> parallel_for(std::size_t count, unsigned threads, MakeState make_state, Work work) {
  if (count == 0) return {};
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> first_error;
  const auto run = [&] {
    auto state = make_state();
    for (std::size_t index = next++; index < count && !failed; index = next++) {
      Result<void> done = work(state, index);
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (!first_error || index < first_error->first)
        first_error.emplace(index, std::move(done).error());
      failed = true;
    }
  };
  const std::size_t helpers = std::min<std::size_t>(threads, count) - 1;
  {
    std::vector<std::jthread> workers;
    workers.reserve(helpers);
    for (std::size_t i = 0; i < helpers; ++i) workers.emplace_back(run);
    run();
  }
  if (first_error) return Failure(std::move(first_error->second));
  return {};
}

}  // namespace rtenv
