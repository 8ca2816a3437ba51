// A pipe(2) whose two ends are owned.
#pragma once

#include "base/fd.hpp"

namespace rtenv {

struct Pipe {
  Fd read_end;
  Fd write_end;

  /// Both ends are close-on-exec. Fails: unavailable (no descriptor left).
  static Result<Pipe> create();
};

}  // namespace rtenv
