// The output of an archive writer: a stream of bytes, forward only.
#pragma once

#include <functional>
#include <span>

#include "base/result.hpp"

namespace rtenv::pkg {

struct ByteSink {
  std::function<Result<void>(std::span<const std::byte>)> write;
  /// The descriptor of the file that `write` writes to, at its current position; -1 if the target
  /// isn't a file. Large stored files may share their blocks with it instead of going through
  /// `write`, if the file system supports that. Not owned.
  int file = -1;
};

}  // namespace rtenv::pkg
