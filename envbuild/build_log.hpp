// What an installer says while it builds an environment: in a file of the cache, for those who wait
// for it and, where it failed, for whoever wants to know why. Gone when the build succeeded.
//
//   CACHE/logs/env-KEY.log     the output    CACHE/logs/env-KEY.failed   when and how it ended, for
//   those who waited
#pragma once

#include <chrono>
#include <optional>
#include <thread>

#include "base/cancellation.hpp"
#include "base/fd.hpp"

namespace rtenv::envbuild {

/// Of one build, by who has its lock.
class BuildLog {
 public:
  static Result<BuildLog> begin(const Path& cache_root, std::string_view key);

  [[nodiscard]] int fd() const noexcept { return file_.get(); }
  /// Keeps the log, names it in the error, and tells those who wait; a cancelled build leaves
  /// nothing.
  Failure fail_with(Error error);
  void succeed() noexcept;

 private:
  BuildLog(Path path, Path note, Fd file)
      : path_(std::move(path)), note_(std::move(note)), file_(std::move(file)) {}
  Path path_;
  Path note_;
  Fd file_;
};

/// With what a build ended that failed at `begin` or later.
std::optional<Error> failure_since(const Path& cache_root, std::string_view key,
                                   std::chrono::system_clock::time_point begin);

/// Shows the progress of another's build for as long as it lives: every line of its output, or now
/// and then the last one.
class BuildFollower {
 public:
  BuildFollower(const Path& cache_root, std::string_view key, bool all);
  BuildFollower(const BuildFollower&) = delete;
  BuildFollower& operator=(const BuildFollower&) = delete;
  ~BuildFollower();

 private:
  void follow(const Path& path, bool all);
  std::optional<Cancellation> stop_;
  std::thread thread_;
};

}  // namespace rtenv::envbuild
