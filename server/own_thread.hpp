// Whether the code that runs is called by a server: such code mustn't wait for a server's end.
#pragma once

namespace rtenv::server {

/// Marks a thread as a server's, until it ends.
class OwnThread {
 public:
  OwnThread() noexcept { is_current_ = true; }
  ~OwnThread() { is_current_ = false; }
  OwnThread(const OwnThread&) = delete;
  OwnThread& operator=(const OwnThread&) = delete;

  [[nodiscard]] static bool is_current() noexcept { return is_current_; }

 private:
  static inline thread_local bool is_current_ = false;
};

}  // namespace rtenv::server
