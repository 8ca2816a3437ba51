// Parallel work on tasks that yield further tasks, such as a walk of a directory tree. The most
// recent task is processed first, to keep the queue short.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace rtenv {

/// Calls `work(state, task, found)`, which returns Result<void>, for `first` and for every task
/// that a call appends to the vector `found`, in no particular order. Each thread has a state of
/// its own from `make_state()`. Stops at the first failure and returns it. Requires: threads >= 1.
template <class Task, class MakeState, class Work>
Result<void> parallel_tree(Task first, unsigned threads, MakeState make_state, Work work) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Task> waiting;
  waiting.push_back(std::move(first));
  unsigned idle = 0;
  bool done = false;
  std::optional<Error> error;

  const auto run = [&] {
    auto state = make_state();
    std::vector<Task> found;
    std::unique_lock lock(mutex);
    for (;;) {
      // If all threads are idle, none of them can find further tasks.
      if (waiting.empty() && ++idle == threads) done = true;
      if (done) break;
      if (waiting.empty()) {
        changed.wait(lock, [&] { return done || !waiting.empty(); });
        if (done) break;
        --idle;
      }
      Task task = std::move(waiting.back());
      waiting.pop_back();
      lock.unlock();
      Result<void> result = work(state, std::move(task), found);
      lock.lock();
      if (!result) {
        if (!error) error = std::move(result).error();
        done = true;
        break;
      }
      waiting.insert(waiting.end(), std::make_move_iterator(found.begin()),
                     std::make_move_iterator(found.end()));
      found.clear();
      if (idle > 0 && waiting.size() > 1) changed.notify_all();
    }
    lock.unlock();
    changed.notify_all();
  };

  {
    std::vector<std::jthread> helpers;
    for (unsigned i = 1; i < threads; ++i) helpers.emplace_back(run);
    run();
  }
  if (error) return Failure(std::move(*error));
  return {};
}

}  // namespace rtenv
