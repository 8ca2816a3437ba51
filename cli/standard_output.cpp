#include "cli/standard_output.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/exceptions.hpp"

namespace rtenv::cli {

StandardOutput::StandardOutput(const Cancellation& cancellation)
    : original_(stdout), output_(StreamOutput::standard(&cancellation)) {
  if (!output_) return;
  std::FILE* const stream = ::fopencookie(
      this, "w",
      {.read = nullptr, .write = &StandardOutput::write, .seek = nullptr, .close = nullptr});
  if (stream == nullptr) return;
  if (::isatty(STDOUT_FILENO) == 1) std::setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  stdout = stream;
}

StandardOutput::~StandardOutput() {
  if (stdout != original_) std::fclose(std::exchange(stdout, original_));
}

// As fopencookie(3) wants it: the number of bytes, 0 after an error.
ssize_t StandardOutput::write(void* self, const char* data, std::size_t size) {
  auto& output = *static_cast<StandardOutput*>(self);
  if (output.error_) return 0;
  const auto written = without_exceptions(
      [&] { return output.output_->write(std::as_bytes(std::span(data, size))); });
  if (written) return static_cast<ssize_t>(size);
  output.error_ = written.error();
  return 0;
}

Result<void> StandardOutput::flush() {
  const int flushed = std::fflush(stdout);
  if (error_) return Failure(*error_);
  if (flushed != 0) return fail_errno("write", "standard output");
  return {};
}

}  // namespace rtenv::cli
