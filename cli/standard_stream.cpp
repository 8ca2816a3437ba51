#include "cli/standard_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/exceptions.hpp"

namespace rtenv::cli {

StandardStream::StandardStream(std::FILE*& stream, const StreamOutput::Options& options)
    : stream_(stream),
      original_(stream),
      output_(StreamOutput::duplicate(::fileno(stream), options)) {
  if (!output_) return;
  std::FILE* const replacement = ::fopencookie(
      this, "w",
      {.read = nullptr, .write = &StandardStream::write, .seek = nullptr, .close = nullptr});
  if (replacement == nullptr) return;
  const bool is_terminal = ::isatty(::fileno(original_)) == 1;
  const bool is_error = original_ == stderr;
  if (is_error || is_terminal)
    std::setvbuf(replacement, nullptr, is_error ? _IONBF : _IOLBF, is_error ? 0 : BUFSIZ);
  stream_ = replacement;
}

StandardStream::~StandardStream() {
  if (stream_ != original_) std::fclose(std::exchange(stream_, original_));
}

// As fopencookie(3) wants it: the number of bytes, 0 after an error.
ssize_t StandardStream::write(void* self, const char* data, std::size_t size) {
  auto& stream = *static_cast<StandardStream*>(self);
  if (stream.error_) return 0;
  const auto written = without_exceptions(
      [&] { return stream.output_->write(std::as_bytes(std::span(data, size))); });
  if (written) return static_cast<ssize_t>(size);
  stream.error_ = written.error();
  return 0;
}

Result<void> StandardStream::flush() {
  const int flushed = std::fflush(stream_);
  if (error_) return Failure(*error_);
  if (flushed != 0) return fail_errno("write", output_ ? output_->name() : "a standard stream");
  return {};
}

}  // namespace rtenv::cli
