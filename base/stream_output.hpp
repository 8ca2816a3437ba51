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
  struct Options {
    std::string name;                            // in errors
    const Cancellation* cancellation = nullptr;  // must outlive the stream
    /// May still be written after the cancellation, if the reader has room for it: to say why.
    std::size_t last_words_bytes = 0;
  };
  StreamOutput(Fd stream, Options options);
  /// The same open file as `number`, such as standard output. Fails: by errno (it is closed).
  static Result<StreamOutput> duplicate(int number, Options options);

  [[nodiscard]] const Fd& fd() const noexcept { return stream_; }
  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  /// Fails: cancelled; and by errno.
  Result<void> write(std::span<const std::byte> data);

 private:
  // How a write that doesn't fit ends with the cancellation.
  enum class Blocking : std::uint8_t {
    allowed,  // never waits for a reader, or nobody cancels
    never,    // the descriptor is non-blocking
    avoided,  // the descriptor is shared: only as much is written as fits
  };
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] Failure cancelled() const;

  Fd stream_;
  Options options_;
  Blocking blocking_ = Blocking::allowed;
};

}  // namespace rtenv
