// A file that a user names for a command's output. Not thread-safe.
#pragma once

#include <span>
#include <variant>

#include "base/file.hpp"
#include "base/stream_output.hpp"

namespace rtenv {

class OutputFile {
 public:
  /// A regular file appears, or is replaced, when it is committed; it keeps the mode, and if
  /// possible the owner, of the file that it replaces. A link stays, and what it leads to is
  /// replaced. Anything else is written to at once: a pipe, a device, a mounted file, and an open
  /// file of a process (/dev/stdout, /dev/fd/3). Waiting for the reader of a named pipe ends with
  /// `cancellation`, which must outlive this. Fails: permission_denied, not_found, cancelled.
  static Result<OutputFile> create(const Path& path, const Cancellation* cancellation = nullptr);
  /// Standard output.
  static Result<OutputFile> standard(const Cancellation* cancellation = nullptr);

  /// Whether the path is another name of standard output, such as /dev/stdout.
  static bool is_standard(const Path& path);

  [[nodiscard]] const Fd& fd() const noexcept;
  /// Whether what was written can't be taken back.
  [[nodiscard]] bool is_stream() const noexcept {
    return std::holds_alternative<StreamOutput>(output_);
  }
  /// Fails: cancelled, while it waits for the reader of a pipe; out_of_space.
  Result<void> write(std::span<const std::byte> data);
  Result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  /// By default not synced: whoever needs the output can make it again.
  Result<void> commit(Durability durability = Durability::process);
  /// Commits under another name in the same folder. Requires: it isn't a stream.
  Result<void> commit_as(const Path& target);

 private:
  OutputFile(std::string name, std::variant<AtomicFile, StreamOutput> output)
      : name_(std::move(name)), output_(std::move(output)) {}

  std::string name_;  // in errors
  std::variant<AtomicFile, StreamOutput> output_;
};

}  // namespace rtenv
