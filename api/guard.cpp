#include "api/guard.hpp"

#include <fcntl.h>
#include <sys/stat.h>
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

Result<void> check_open(std::string_view name, int descriptor, Access access) {
  RTENV_TRY(check_open(name, descriptor));
  const int flags = ::fcntl(descriptor, F_GETFL);
  struct stat status {};
  const bool is_folder = ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
  const int other = access == Access::read ? O_WRONLY : O_RDONLY;
  if (!is_folder && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != other) return {};
  return fail(Errc::invalid_argument, "{} is {}, which isn't open for {}", name, descriptor,
              access == Access::read ? "reading" : "writing");
}

}  // namespace rtenv::api
