// A mutex whose holder may wait for long: waiting for it ends with the call. See WaitScope.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/origin.hpp"
#include "base/wait_scope.hpp"

namespace rtenv {

class CallMutex {
 public:
  struct Unlock {
    void operator()(CallMutex* mutex) const noexcept { mutex->unlock(); }
  };
  /// Unlocks when it is destroyed.
  using Lock = std::unique_ptr<CallMutex, Unlock>;

  /// `what`: for messages. Fails: as WaitScope::check, and Origin::check: a thread that isn't in a
  /// fork may have it locked.
  Result<Lock> lock(std::string_view what) {
    RTENV_TRY(origin_.check(what));
    std::unique_lock lock(mutex_);
    while (is_locked_) {
      RTENV_TRY(WaitScope::check(what));
      unlocked_.wait_for(lock, k_interval);  // a stop notifies nobody
    }
    is_locked_ = true;
    return Lock(this);
  }

 private:
  static constexpr std::chrono::milliseconds k_interval{50};

  void unlock() noexcept {
    {
      const std::lock_guard lock(mutex_);
      is_locked_ = false;
    }
    unlocked_.notify_one();
  }

  Origin origin_;
  std::mutex mutex_;
  std::condition_variable unlocked_;
  bool is_locked_ = false;  // guarded by mutex_
};

}  // namespace rtenv
