// Remembers which process made an object. After fork(2), the child has copies of its parent's
// objects, but doesn't own what they stand for: their destructors must leave that alone.
#pragma once

#include <sys/types.h>
#include <unistd.h>

namespace rtenv {

class Origin {
 public:
  [[nodiscard]] bool is_this_process() const noexcept { return process_ == ::getpid(); }

 private:
  pid_t process_ = ::getpid();
};

}  // namespace rtenv
