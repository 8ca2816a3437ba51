// The options with the limits of archives, the same for `unpack` and `inspect`.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command_line.hpp"
#include "cli/progress.hpp"
#include "cli/tool.hpp"
#include "rtenv/package.hpp"

namespace rtenv::cli {

struct UnpackLimitFlags {
  std::string max_size = "64GiB";
  std::uint64_t max_entries = UnpackOptions().max_entries;
  std::uint64_t max_ratio = UnpackOptions().max_ratio;

  void declare(const Command& command);
  /// Options for reading an archive with these limits. `progress` must outlive them. Fails:
  /// invalid_argument.
  [[nodiscard]] Result<UnpackOptions> options(const Tool& tool, ProgressLine& progress) const;
};

}  // namespace rtenv::cli
