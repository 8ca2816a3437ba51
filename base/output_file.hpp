// A file that a user names for a command's output. Not thread-safe.
#pragma once

#include <variant>

#include "base/file.hpp"

namespace rtenv {

class OutputFile {
 public:
  /// A regular file appears, or is replaced, when it is committed; a link stays, and what it leads
  /// to is replaced. Anything else (a pipe, a device) is written to at once. Fails: by errno.
  static Result<OutputFile> create(const Path& path);
  /// Standard output.
  static Result<OutputFile> standard();

  [[nodiscard]] const Fd& fd() const noexcept;
  /// Whether what was written can't be taken back.
  [[nodiscard]] bool is_stream() const noexcept { return std::holds_alternative<Fd>(output_); }
  /// Not synced: whoever needs the output can make it again.
  Result<void> commit();
  /// Commits under another name in the same folder. Requires: it isn't a stream.
  Result<void> commit_as(const Path& target);

 private:
  explicit OutputFile(AtomicFile file) : output_(std::move(file)) {}
  explicit OutputFile(Fd stream) : output_(std::move(stream)) {}
  std::variant<AtomicFile, Fd> output_;
};

}  // namespace rtenv
