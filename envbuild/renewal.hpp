// When an environment is built anew although the cache has it.
#pragma once

#include <chrono>
#include <cstdint>

namespace rtenv::envbuild {

/// An environment that is in use is neither removed nor changed: the new one is made beside it, and
/// used from then on. If it can't be built, the old one stays.
struct Renewal {
  enum class Of : std::uint8_t {
    none,
    aged,      // of lists that aren't pinned, if it is older than `max_age` and can be built
    unpinned,  // of lists that aren't pinned (runtime_env::first_unpinned)
    all,
  };
  Of of = Of::none;
  std::chrono::seconds max_age{};

  static Renewal older_than(std::chrono::seconds age) { return {.of = Of::aged, .max_age = age}; }
};

}  // namespace rtenv::envbuild
