#include "api/guard.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace rtenv::api {

Result<void> check_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)
    if (::fcntl(number, F_GETFD) < 0)
      return fail(Errc::invalid_argument,
                  "the standard stream {} is closed: a file would be opened in its place, and "
                  "whoever writes to the stream would write into the file",
                  number)
          .hint("open /dev/null as 0, 1 and 2 before");
  return {};
}

Result<void> check_open(std::string_view name, int descriptor) {
  if (::fcntl(descriptor, F_GETFD) >= 0) return {};
  return fail(Errc::invalid_argument, "{} is {}, which isn't an open descriptor", name, descriptor);
}

}  // namespace rtenv::api
