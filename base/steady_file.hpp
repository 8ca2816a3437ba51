// A regular file, read from one descriptor as it was at one moment: whoever exchanges the path
// meanwhile, or writes into the file, can't make two states one. Not thread-safe.
//
// The file's times are compared before and after. If they differ, which may be a mere rename, it is
// read twice and must be the same: if nothing changed between two readings, both saw one state. So
// is a file that changed within the settling time before it was opened: clocks tick every few
// milliseconds, and a write updates the times before it copies its data. Not noticed: what
// pkg/file_stamp.hpp lists.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/fd.hpp"

namespace rtenv {

class SteadyFile {
 public:
  /// As long as the coarsest time stamps (2 s, FAT).
  static constexpr std::chrono::seconds k_settle_time{2};

  /// Fails: invalid_argument (not a regular file), and as open_regular_file.
  static Result<SteadyFile> open(Path path, std::chrono::seconds settle_time = k_settle_time);

  [[nodiscard]] std::uint64_t size_bytes() const noexcept {
    return static_cast<std::uint64_t>(status_.st_size);
  }
  [[nodiscard]] std::int64_t modified_s() const noexcept { return status_.st_mtim.tv_sec; }
  /// Identifies the file and its state.
  [[nodiscard]] std::string version() const;
  /// Whether any later change gives it another version.
  [[nodiscard]] bool is_settled() const noexcept { return settled_; }

  using Sink = std::function<Result<void>(std::span<const std::byte>)>;
  /// Passes the whole content to `sink`. Only success means that all of it is of one state. Fails:
  /// changed, as read(2) and `sink`.
  Result<void> read(const Sink& sink) const;

 private:
  SteadyFile(Path path, Fd file, const struct stat& status, bool settled)
      : path_(std::move(path)), file_(std::move(file)), status_(status), settled_(settled) {}
  Result<void> read_once(const Sink& sink) const;
  [[nodiscard]] Failure changed() const;

  Path path_;
  Fd file_;
  struct stat status_;
  bool settled_;
};

}  // namespace rtenv
