// A request to stop long-running work: made from any thread or a signal handler, checked or polled
// by the work. Who waits for the work to end needn't wait until its temporary folders are removed,
// too: the work leaves them here.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/event.hpp"
#include "base/origin.hpp"

namespace rtenv {

class Cancellation {
 public:
  /// Fails: unavailable (out of file descriptors).
  static Result<Cancellation> create();
  /// One that is also requested when `parent` is; then its folders are left there. `parent` must
  /// outlive it. Fails: unavailable.
  static Result<Cancellation> create_below(const Cancellation& parent);
  Cancellation(Cancellation&&) noexcept;
  Cancellation& operator=(Cancellation&&) noexcept;
  /// Removes the folders that were left, unless this is a fork of the process that left them.
  ~Cancellation();

  /// Async-signal-safe. Can't be undone. Does nothing in a fork of the process that created it.
  void request() const noexcept;
  /// Cheap enough to check once per file.
  [[nodiscard]] bool requested() const noexcept {
    return state_->requested.load(std::memory_order_relaxed) ||
           (parent_ != nullptr && parent_->requested());
  }
  /// For poll(2): readable once a stop was requested.
  [[nodiscard]] int poll_fd() const noexcept {
    return parent_ != nullptr ? either_.get() : event_.poll_fd();
  }

  /// A temporary folder that is to be removed later. Thread-safe.
  void leave(Path folder) const;
  /// The folders that were left; the caller removes them. Thread-safe.
  [[nodiscard]] std::vector<Path> take_left_folders() const;

 private:
  struct State {
    std::atomic<bool> requested = false;
    std::mutex mutex;
    std::vector<Path> left;  // guarded by mutex
    Origin origin;
  };
  explicit Cancellation(Event event) : event_(std::move(event)) {}
  void remove_left_folders() noexcept;

  Event event_;
  const Cancellation* parent_ = nullptr;
  Fd either_;  // an epoll of both events, if there is a parent
  std::unique_ptr<State> state_ = std::make_unique<State>();
  static_assert(std::atomic<bool>::is_always_lock_free, "it is set in a signal handler");
};

/// Fails: cancelled ("interrupted while {action} {object}"), if a stop was requested. Null: never.
Result<void> check_not_cancelled(const Cancellation* cancellation, std::string_view action,
                                 std::string_view object);

}  // namespace rtenv
