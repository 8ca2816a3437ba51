// A parallel loop over items. Its result doesn't depend on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "base/exceptions.hpp"
#include "base/thread.hpp"

namespace rtenv {

/// Calls `work(state, index)`, which returns Result<void>, for every index below `count`, in the
/// calling thread and up to `threads`-1 others. Each thread has a state of its own from
/// `make_state()`. After a failure, which may be an exception, no further item is started; of
/// several failures, the one with the lowest index is returned.
template <class MakeState, class Work>
Result<void> parallel_for(std::size_t count, unsigned threads, MakeState make_state, Work work) {
  if (count == 0) return {};
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::optional<std::pair<std::size_t, Error>> first_error;
  const auto run = [&] {
    std::size_t index = count;
    Result<void> done = without_exceptions([&]() -> Result<void> {
      auto state = make_state();
      for (index = next++; index < count && !failed; index = next++) RTENV_TRY(work(state, index));
      return {};
    });
    if (done) return;
    const std::lock_guard lock(mutex);
    if (!first_error || index < first_error->first)
      first_error.emplace(index, std::move(done).error());
    failed = true;
  };
  {
    const auto helpers =
        start_helpers(std::min<std::size_t>(std::max(threads, 1U), count) - 1, run);
    run();
  }
  if (first_error) return Failure(std::move(first_error->second));
  return {};
}

/// Calls `work(index)`, which returns nothing, in the same way. Throws an exception of `work`.
template <class Work>
void parallel_for_each(std::size_t count, unsigned threads, Work work) {
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto done = parallel_for(
      count, threads, [] { return std::monostate(); },
      [&](std::monostate, std::size_t index) -> Result<void> {
        try {
          work(index);
          return {};
        } catch (...) {
          const std::lock_guard lock(mutex);
          thrown = std::current_exception();
          throw;
        }
      });
  if (!done) std::rethrow_exception(thrown);
}

}  // namespace rtenv
