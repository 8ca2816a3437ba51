// For tests of what happens when memory runs out.
#pragma once

namespace rtenv {

/// While it lives, allocations of C++ fail. One object at a time.
class ScarceMemory {
 public:
  enum class For { this_thread, other_threads };
  enum class Lack { one_allocation, lasting };

  /// Fails what follows the next `allowed` allocations.
  ScarceMemory(For threads, Lack lack, long allowed);
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
  ~ScarceMemory();

  [[nodiscard]] static bool has_failed();
};

}  // namespace rtenv
