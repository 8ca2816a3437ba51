// A job's log: one file, everything that the job wrote in the order in which it came. Where it
// grows beyond its cap, its middle is given back to the file system (a hole): the begin and the end
// stay, and so does every byte's offset.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::job {

struct LogLimits {
  std::uint64_t max_bytes = 1ULL << 30;  // on the disk; at least 1 MiB
};

/// Writes. A full disk loses bytes, never the job: how many is said in the log once there is space
/// again.
class JobLog {
 public:
  static Result<JobLog> open(const Path& file, const LogLimits& limits);

  void write(std::string_view bytes);
  /// A line of rtenv's own, beginning at the start of a line.
  void write_line(std::string_view line);
  /// Tries once more to say what was lost.
  void finish();

  [[nodiscard]] std::uint64_t lost_bytes() const noexcept { return lost_bytes_; }
  /// Why; empty where nothing was lost.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  JobLog(Fd file, const LogLimits& limits, std::uint64_t size_bytes)
      : file_(std::move(file)), limits_(limits), size_bytes_(size_bytes) {}
  bool append(std::string_view bytes);
  bool say_loss();
  void keep_to_cap();

  Fd file_;
  LogLimits limits_;
  std::uint64_t size_bytes_;
  std::uint64_t hole_end_ = 0;
  std::uint64_t unsaid_bytes_ = 0;
  std::uint64_t lost_bytes_ = 0;
  std::string error_;
  bool at_line_start_ = true;
};

/// Reads. A hole is passed over, and said.
class JobLogReader {
 public:
  /// Fails: not_found.
  static Result<JobLogReader> open(const Path& file);

  struct Chunk {
    std::size_t size_bytes = 0;       // 0: the end, so far
    std::uint64_t offset = 0;         // of its first byte
    std::uint64_t skipped_bytes = 0;  // before it, which the cap took
  };
  /// From `offset` on.
  Result<Chunk> read(std::uint64_t offset, std::span<char> buffer) const;
  [[nodiscard]] Result<std::uint64_t> size_bytes() const;
  /// Where the last `lines` lines begin.
  [[nodiscard]] Result<std::uint64_t> offset_of_last_lines(std::uint64_t lines) const;

 private:
  explicit JobLogReader(Fd file) : file_(std::move(file)) {}
  Fd file_;
};

/// What a reader is told in place of a hole.
std::string skipped_notice(std::uint64_t bytes);

}  // namespace rtenv::job
