// The output of an installer while it builds an environment: in a file, so that processes that wait
// for the same environment can show it, and that it can be read after a failure. Removed after a
// success.
//
//   CACHE/logs/env-KEY.log      the output
//   CACHE/logs/env-KEY.failed   the error and when it occurred, for processes that wait with the
//                               same conditions
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::envbuild {

/// What a failure may depend on besides the environment's key: who has other credentials, or
/// another time limit, or may go online, tries it again. A digest.
std::string build_conditions(const Environment& installer_environment,
                             std::optional<std::chrono::seconds> timeout);

/// A point in time that setting the clock doesn't move: microseconds since the boot.
std::int64_t boot_time_us() noexcept;

/// The log of one build. Requires: the caller has the lock of that build.
class BuildLog {
 public:
  /// Creates an empty log; removes the error of an earlier build.
  static Result<BuildLog> begin(const Path& cache_root, std::string_view key,
                                std::string conditions);

  [[nodiscard]] int fd() const noexcept { return file_.get(); }
  /// Keeps the log, records the error for waiting processes, and returns the error with the log's
  /// path added. Removes the log of a cancelled build.
  Failure fail_with(Error error);
  void succeed() noexcept;

 private:
  BuildLog(Path path, Path error_path, Fd file, std::string conditions)
      : path_(std::move(path)),
        error_path_(std::move(error_path)),
        file_(std::move(file)),
        conditions_(std::move(conditions)) {}
  Path path_;
  Path error_path_;
  Fd file_;
  std::string conditions_;
};

/// The error of the last build of this environment, if it failed at `begin_us` or later (see
/// boot_time_us), under the same conditions.
std::optional<Error> failure_since(const Path& cache_root, std::string_view key,
                                   std::int64_t begin_us, std::string_view conditions);

/// Passes on the output of a build in another process, on a thread of its own, until it is
/// destroyed.
class BuildFollower {
 public:
  /// Gets complete lines. Empty: the last one is logged from time to time.
  using OnOutput = std::function<void(std::string_view)>;

  BuildFollower(const Path& cache_root, std::string_view key, OnOutput on_output);
  BuildFollower(const BuildFollower&) = delete;
  BuildFollower& operator=(const BuildFollower&) = delete;
  ~BuildFollower();

 private:
  void follow(const Path& path) const;
  OnOutput on_output_;
  std::optional<Cancellation> stop_;
  std::thread thread_;
};

}  // namespace rtenv::envbuild
