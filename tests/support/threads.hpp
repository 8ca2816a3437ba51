// The threads of this process.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <thread>

namespace rtenv {

inline std::size_t count_threads() {
  using Entries = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Entries("/proc/self/task"), Entries()));
}

/// Returns their number once it is `expected`, or what it is after some seconds: a thread is listed
/// for a moment after it was joined.
inline std::size_t count_threads_until(std::size_t expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (count_threads() != expected && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return count_threads();
}

}  // namespace rtenv
