// A pipe(2) that owns both of its ends.
#pragma once

#include "base/fd.hpp"

namespace rtenv {

struct Pipe {
  Fd read_end;
  Fd write_end;

  /// Both ends are close-on-exec. Fails: unavailable (out of file descriptors).
  static Result<Pipe> create();
};

}  // namespace rtenv
