// Remembers which process made an object. After fork(2), the child has copies of its parent's
// objects, but doesn't own what they stand for: their destructors must leave that alone.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string_view>

#include "base/result.hpp"

namespace rtenv {

class Origin {
 public:
  [[nodiscard]] bool is_this_process() const noexcept { return process_ == ::getpid(); }
  /// Fails: invalid_argument (in a fork). `what` is named in the message.
  [[nodiscard]] Result<void> check(std::string_view what) const {
    if (is_this_process()) return {};
    return fail(Errc::invalid_argument, "{} was opened before this process was forked", what)
        .hint("open it again after fork()");
  }

 private:
  pid_t process_ = ::getpid();
};

}  // namespace rtenv
