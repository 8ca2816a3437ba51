// A file that a user names for a command's output. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "base/file.hpp"
#include "base/stream_output.hpp"

namespace rtenv {

class OutputFile {
 public:
  /// When a pipe, a device or an open file of this process (/dev/stdout, /dev/fd/3) is written to.
  enum class Streams : std::uint8_t {
    at_once,
    by_commit,  // until then, the output is in a temporary file
  };

  /// A regular file appears, or is replaced, when it is committed; it keeps the mode, and if
  /// possible the owner, of the file that it replaces. A link stays, and what it leads to is
  /// replaced. A file that can't be replaced, since it is mounted or another process's open file,
  /// is overwritten by `commit`, and not touched before. Waiting for the reader of a named pipe
  /// ends with `cancellation`, which must outlive this. Fails: permission_denied, not_found,
  /// invalid_argument (a folder), cancelled.
  static Result<OutputFile> create(const Path& path, const Cancellation* cancellation = nullptr,
                                   Streams streams = Streams::at_once);
  /// An open file of this process, which stays open.
  static Result<OutputFile> at_descriptor(int number, const Cancellation* cancellation = nullptr,
                                          Streams streams = Streams::at_once);
  /// A file for `commit_as`; until then, errors name it as `shown`, in the same folder.
  static Result<OutputFile> create_unnamed(const Path& shown);

  /// Whether the path is another name of standard output, such as /dev/stdout.
  static bool is_standard(const Path& path);

  [[nodiscard]] const Fd& fd() const noexcept;
  /// What `fd` is, in errors.
  [[nodiscard]] std::string fd_name() const;
  /// Whether what was written can't be taken back.
  [[nodiscard]] bool is_stream() const noexcept {
    return std::holds_alternative<StreamOutput>(output_);
  }
  /// Fails: cancelled, while it waits for the reader of a pipe; out_of_space.
  Result<void> write(std::span<const std::byte> data);
  Result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  /// By default not synced: whoever needs the output can make it again. Fails: cancelled, as write.
  Result<void> commit(Durability durability = Durability::process);
  /// Commits under this name in the same folder. Requires: it is from create_unnamed.
  Result<void> commit_as(const Path& target);

 private:
  // Written to a temporary file, and copied to the target by the commit.
  struct Spooled {
    Fd file;
    StreamOutput target;
    bool replaces_content;

    Result<void> commit(Durability durability);
  };
  using Output = std::variant<AtomicFile, Spooled, StreamOutput>;

  OutputFile(std::string name, Output output)
      : name_(std::move(name)), output_(std::move(output)) {}
  static Result<OutputFile> to_stream(StreamOutput stream, Streams streams);
  static Result<OutputFile> spooled(StreamOutput target, bool replaces_content);

  std::string name_;  // in errors
  Output output_;
};

}  // namespace rtenv
