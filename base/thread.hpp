// Starts threads. The system may refuse one, which is an error and no exception.
#pragma once

#include <system_error>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace rtenv {

/// `work` must not throw. Fails: unavailable (no memory or no more threads).
template <class Work>
Result<std::thread> start_thread(Work work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    return fail(system_error(error.code().value(), "start", "a thread"));
  }
}

/// Starts up to `count` threads that all call `work`, which must not throw and must outlive them.
/// Returns fewer if the system refuses more.
template <class Work>
std::vector<std::jthread> start_helpers(std::size_t count, const Work& work) {
  std::vector<std::jthread> helpers;
  helpers.reserve(count);
  try {
    while (helpers.size() < count) helpers.emplace_back([&work] { work(); });
  } catch (const std::exception&) {
    // Those that were started do the work.
  }
  return helpers;
}

}  // namespace rtenv
