// The options with the limits of archives, the same for `unpack` and `inspect`.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command_line.hpp"
#include "cli/tool.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::cli {

struct UnpackLimitFlags {
  std::string max_size = "64GiB";
  std::uint64_t max_entries = pkg::UnpackLimits().max_entries;
  std::uint64_t max_ratio = pkg::UnpackLimits().max_ratio;

  void declare(const Command& command);
  /// Options for reading an archive with these limits. Fails: invalid_argument.
  [[nodiscard]] Result<pkg::UnpackOptions> options(const Tool& tool) const;
};

}  // namespace rtenv::cli
