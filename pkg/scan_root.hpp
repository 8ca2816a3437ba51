// The root of a scan, for the errors of what is below it.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

/// Whether errno says that what was just listed is gone or of another kind: the directory changes.
bool is_change(int error) noexcept;

struct ScanRoot {
  const Path& path;  // absolute

  /// The absolute path of what is at `relative`; empty: the root.
  [[nodiscard]] std::string shown(const std::string& relative) const;
  /// The error for the errno of a failed call. Code: changed, if is_change; else by errno.
  [[nodiscard]] Failure failed(std::string_view action, const std::string& relative) const;
  /// Code: changed.
  [[nodiscard]] Failure changed(const std::string& relative) const;
};

}  // namespace rtenv::pkg
