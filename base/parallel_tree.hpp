// Parallel work on tasks that yield further tasks, such as a walk of a directory tree. The most
// recent task is processed first, to keep the queue short.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <optional>
#include <vector>

#include "base/exceptions.hpp"
#include "base/thread.hpp"

namespace rtenv {

/// Calls `work(state, task, found)`, which returns Result<void>, for `first` and for every task
/// that a call appends to the vector `found`, in no particular order. Each thread has a state of
/// its own from `make_state()`. Stops at the first failure, which may be an exception, and returns
/// it.
template <class Task, class MakeState, class Work>
Result<void> parallel_tree(Task first, unsigned threads, MakeState make_state, Work work) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Task> waiting;
  waiting.push_back(std::move(first));
  unsigned members = 1;  // the calling thread and its helpers
  unsigned idle = 0;
  bool done = false;
  std::optional<Error> error;

  const auto run_until_done = [&]() -> Result<void> {
    auto state = make_state();
    std::vector<Task> found;
    std::unique_lock lock(mutex);
    for (;;) {
      // If all threads are idle, none of them can find further tasks.
      if (waiting.empty() && ++idle == members) done = true;
      if (done) return {};
      if (waiting.empty()) {
        changed.wait(lock, [&] { return done || !waiting.empty(); });
        if (done) return {};
        --idle;
      }
      Task task = std::move(waiting.back());
      waiting.pop_back();
      lock.unlock();
      RTENV_TRY(work(state, std::move(task), found));
      lock.lock();
      waiting.insert(waiting.end(), std::make_move_iterator(found.begin()),
                     std::make_move_iterator(found.end()));
      found.clear();
      if (idle > 0 && waiting.size() > 1) changed.notify_all();
    }
  };
  const auto run = [&] {
    Result<void> result = without_exceptions(run_until_done);
    {
      const std::lock_guard lock(mutex);
      if (!result && !error) error = std::move(result).error();
      done = true;
    }
    changed.notify_all();
  };

  {
    std::unique_lock lock(mutex);
    const auto helpers = start_helpers(std::max(threads, 1U) - 1, run);
    members += static_cast<unsigned>(helpers.size());
    lock.unlock();
    run();
  }
  if (error) return Failure(std::move(*error));
  return {};
}

}  // namespace rtenv
