// Standard output of the tool: `stdout` of the C library, except that waiting for its reader ends
// with a cancellation.
#pragma once

#include <cstdio>
#include <optional>

#include "base/stream_output.hpp"

namespace rtenv::cli {

class StandardOutput {
 public:
  /// Replaces `stdout` while this object exists. If it can't, `stdout` stays as it is.
  explicit StandardOutput(const Cancellation& cancellation);
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;
  ~StandardOutput();

  /// Writes what is buffered. Fails: cancelled, and by errno; also if an earlier write did.
  Result<void> flush();

 private:
  static ssize_t write(void* self, const char* data, std::size_t size);

  std::FILE* const original_;
  Result<StreamOutput> output_;
  std::optional<Error> error_;  // of the first write that failed
};

}  // namespace rtenv::cli
