// What this process has.
#pragma once

#include <chrono>
#include <cstddef>
#include <thread>

#include "base/folder_entries.hpp"

namespace rtenv {

/// With the one that reads their list.
inline std::size_t count_descriptors() { return readable_entries("/proc/self/fd").size(); }

inline std::size_t count_threads() { return readable_entries("/proc/self/task").size(); }

/// Returns their number once it is `expected`, or what it is after some seconds: a thread is listed
/// for a moment after it was joined.
inline std::size_t count_threads_until(std::size_t expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (count_threads() != expected && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return count_threads();
}

}  // namespace rtenv
