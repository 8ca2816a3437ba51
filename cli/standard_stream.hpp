// `stdout` or `stderr` of the C library, except that waiting for its reader ends with a
// cancellation. Whatever prints through them, a logger included, can be interrupted.
#pragma once

#include <cstdio>
#include <optional>

#include "base/stream_output.hpp"

namespace rtenv::cli {

class StandardStream {
 public:
  /// Replaces `stream`, which is `stdout` or `stderr`, while this object exists. If it can't, that
  /// stays as it is.
  StandardStream(std::FILE*& stream, const StreamOutput::Options& options);
  StandardStream(const StandardStream&) = delete;
  StandardStream& operator=(const StandardStream&) = delete;
  ~StandardStream();

  /// Writes what is buffered. Fails: cancelled, and by errno; also if an earlier write did.
  Result<void> flush();

 private:
  static ssize_t write(void* self, const char* data, std::size_t size);

  std::FILE*& stream_;
  std::FILE* const original_;
  Result<StreamOutput> output_;
  std::optional<Error> error_;  // of the first write that failed
};

}  // namespace rtenv::cli
