// Prepares a job on a thread of its own, so that its supervisor can serve requests meanwhile. For
// one owner; not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/cancellation.hpp"
#include "job/setup.hpp"

namespace rtenv::job {

class SetupThread {
 public:
  using Clock = std::chrono::steady_clock;
  using Prepare = std::function<Result<PreparedJob>(const Cancellation&)>;

  /// Runs `prepare`, which must own what it uses: it may outlive this object. `timeout`: see
  /// `deadline`. Fails: unavailable (no descriptor left).
  static Result<SetupThread> start(Prepare prepare, std::optional<std::chrono::seconds> timeout);
  SetupThread(SetupThread&&) noexcept = default;
  SetupThread& operator=(SetupThread&&) = delete;
  /// Doesn't wait: a thread that wasn't joined by `take` is cancelled and detached.
  ~SetupThread();

  /// Readable once `prepare` has returned.
  [[nodiscard]] int done_fd() const noexcept;
  void cancel() const noexcept;
  /// When to call `cancel`: a second after the timeout, so that an installer's own timeout, which
  /// says more, comes first.
  [[nodiscard]] std::optional<Clock::time_point> deadline() const noexcept { return deadline_; }
  /// Joins the thread. Call once, when `done_fd` is readable: then it doesn't block. Fails: as
  /// `prepare`; unavailable (it was cancelled after the deadline).
  Result<PreparedJob> take();

 private:
  struct Shared;
  SetupThread(std::shared_ptr<Shared> shared, std::optional<std::chrono::seconds> timeout);
  std::shared_ptr<Shared> shared_;
  std::optional<std::chrono::seconds> timeout_;
  std::optional<Clock::time_point> deadline_;
  std::thread thread_;
};

}  // namespace rtenv::job
