// A server that was killed can leave a child between fork(2) and the closing of the server's
// descriptors: for that moment, its port and its state are still in use.
#pragma once

#include <chrono>
#include <thread>

namespace rtenv::server {

constexpr std::chrono::milliseconds k_wait_for_predecessor{500};

/// Tries again while `is_free` returns false, for at most k_wait_for_predecessor. Returns whether
/// it was free in the end.
template <typename IsFree>
bool free_after_predecessor(IsFree is_free) {
  const auto deadline = std::chrono::steady_clock::now() + k_wait_for_predecessor;
  while (!is_free()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace rtenv::server
