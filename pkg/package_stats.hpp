// What naming or packing a directory did, for people who ask why it took so long.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace rtenv::pkg {

struct PackageStats {
  std::size_t found_files = 0;
  std::size_t found_folders = 0;
  std::chrono::duration<double> scan_time{0};
  bool name_was_known = false;  // nothing has changed since the directory was named before
  std::size_t known_files = 0;  // from the digest cache
  std::size_t read_files = 0;
  std::uint64_t read_bytes = 0;
  std::chrono::duration<double> read_time{0};  // of a package: also compressing and writing
};

/// Measures the time of a step.
class StepTimer {
 public:
  [[nodiscard]] std::chrono::duration<double> passed() const {
    return std::chrono::steady_clock::now() - begin_;
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace rtenv::pkg
