// A job's log: one file with the job's output in order of arrival. If it exceeds its limit, its
// middle is replaced by a hole (fallocate): the beginning and the end stay, and the offset of each
// byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::job {

struct LogLimits {
  std::uint64_t max_bytes = 1ULL << 30;  // on disk; at least 1 MiB
};

/// Writes a log. On a full disk output is lost, but the job goes on: once there is space again, the
/// log says how many bytes are missing. Not thread-safe.
class JobLog {
 public:
  /// Creates the file or appends to it. Fails: not_found (the folder), permission_denied,
  /// out_of_space.
  static Result<JobLog> open(const Path& file, const LogLimits& limits);

  void write(std::string_view bytes);
  /// Writes `line` on a line of its own.
  void write_line(std::string_view line);
  /// Writes "[rtenv: `text`]" on a line of its own. A notice that can't be written doesn't count as
  /// lost output.
  void write_notice(std::string_view text);
  /// Tries once more to report lost output.
  void finish();
  /// From now on, this process's standard error, and so its warnings, are appended to the log.
  void redirect_stderr() const noexcept;

  [[nodiscard]] std::uint64_t lost_bytes() const noexcept { return lost_bytes_; }
  /// The last write error; empty if there was none.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  JobLog(Fd file, const LogLimits& limits, std::uint64_t size_bytes)
      : file_(std::move(file)), limits_(limits), size_bytes_(size_bytes) {}
  bool append(std::string_view bytes);
  bool append_notice(std::string_view text);
  bool report_loss();
  void enforce_limit();

  Fd file_;
  LogLimits limits_;
  std::uint64_t size_bytes_;
  std::uint64_t hole_end_ = 0;
  std::uint64_t unreported_bytes_ = 0;  // lost bytes that the log doesn't mention yet
  std::uint64_t lost_bytes_ = 0;
  std::string error_;
  bool at_line_start_ = true;
};

/// Reads a log, skipping holes. Safe while another process writes.
class JobLogReader {
 public:
  /// Fails: not_found.
  static Result<JobLogReader> open(const Path& file);

  struct Chunk {
    std::size_t size_bytes = 0;       // 0: the current end of the log
    std::uint64_t offset = 0;         // of the first byte
    std::uint64_t skipped_bytes = 0;  // of the hole before the first byte
  };
  /// Reads from `offset`, or from the end of the hole that it is in.
  Result<Chunk> read(std::uint64_t offset, std::span<char> buffer) const;
  [[nodiscard]] Result<std::uint64_t> size_bytes() const;
  /// The offset of the first of the last `lines` lines.
  [[nodiscard]] Result<std::uint64_t> offset_of_last_lines(std::uint64_t lines) const;

 private:
  explicit JobLogReader(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

/// The text to show in place of a hole.
std::string skipped_notice(std::uint64_t bytes);

}  // namespace rtenv::job
