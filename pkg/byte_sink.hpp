// The output of an archive writer: a stream of bytes.
#pragma once

#include <functional>
#include <span>

#include "base/result.hpp"

namespace rtenv::pkg {

struct ByteSink {
  std::function<Result<void>(std::span<const std::byte>)> write;
  /// The descriptor of the file that `write` writes to, from its beginning; -1 if the target isn't
  /// a file, or must be written forward only. A writer may correct what it wrote, and large stored
  /// files may share their blocks with it instead of going through `write`. Not owned.
  int file = -1;
};

}  // namespace rtenv::pkg
