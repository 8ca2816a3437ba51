// Writes to what can't be taken back: standard output, a pipe, a terminal, a device. Waiting for
// the reader ends with a cancellation. Move-only, not thread-safe.
#pragma once

#include <span>
#include <string>

#include "base/fd.hpp"

namespace rtenv {

class Cancellation;

class StreamOutput {
 public:
  /// `name` is for errors. `cancellation` may be null and must outlive this.
  StreamOutput(Fd stream, std::string name, const Cancellation* cancellation);
  /// Standard output. Fails: by errno (it is closed).
  static Result<StreamOutput> standard(const Cancellation* cancellation);

  [[nodiscard]] const Fd& fd() const noexcept { return stream_; }
  /// Fails: cancelled, while it waits for the reader; and by errno.
  Result<void> write(std::span<const std::byte> data);

 private:
  // How a write that doesn't fit ends with the cancellation.
  enum class Blocking : std::uint8_t {
    allowed,  // never waits for a reader, or nobody cancels
    never,    // the descriptor is non-blocking
    avoided,  // the descriptor is shared: only as much is written as fits
  };
  Result<void> wait_for_reader() const;

  Fd stream_;
  std::string name_;
  const Cancellation* cancellation_;
  Blocking blocking_ = Blocking::allowed;
};

}  // namespace rtenv
