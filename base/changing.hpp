// Files and directories that another program changes while they are read.
#pragma once

#include <chrono>
#include <string_view>
#include <thread>

#include "base/result.hpp"

namespace rtenv {

/// The error of a file or directory that changed during an operation: "read", "copied".
/// Code: changed.
Failure changed_while(std::string_view path, std::string_view operation);

struct Retries {
  int attempts;
  std::chrono::milliseconds pause;  // longer after each
};
inline constexpr Retries k_retries_of_file{4, std::chrono::milliseconds(0)};
inline constexpr Retries k_retries_of_directory{5, std::chrono::milliseconds(5)};

/// What changed while it was read is read again a few times; after that the user decides. `attempt`
/// returns a Result.
template <class Attempt>
auto retry_if_changed(const Retries& retries, Attempt attempt) -> decltype(attempt()) {
  for (int made = 1;; ++made) {
    auto result = attempt();
    if (result || result.error().code() != Errc::changed || made == retries.attempts) return result;
    std::this_thread::sleep_for(retries.pause * made);
  }
}

}  // namespace rtenv
