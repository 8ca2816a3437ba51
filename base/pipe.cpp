#include "base/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace rtenv {

Result<Pipe> Pipe::create() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("create", "a pipe");
  return Pipe{.read_end = Fd(ends[0]), .write_end = Fd(ends[1])};
}

}  // namespace rtenv
