// rtenv-supervisor: supervises one job of a job server that is part of another program. See
// job/supervise_command.hpp.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/exceptions.hpp"
#include "job/supervise_command.hpp"

namespace {

constexpr int k_usage_error_status = 2;

// A file that is opened as one of them would get messages.
void open_standard_descriptors() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number)
    if (::fcntl(number, F_GETFD) < 0) ::open("/dev/null", O_RDWR);
}

rtenv::Result<int> run(const std::vector<std::string>& words) {
  if (words.empty() || words.front() != rtenv::job::k_supervise) {
    std::fputs("rtenv-supervisor: error: only job servers of rtenv start this program\n", stderr);
    return k_usage_error_status;
  }
  return rtenv::job::supervise_command({words.begin() + 1, words.end()});
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  const auto status = rtenv::without_exceptions([&] {
    return run({argv + std::min(argc, 1), argv + argc});
  });
  if (status) return *status;
  std::fprintf(stderr, "rtenv-supervisor: error: %s\n", status.error().message().c_str());
  return rtenv::exit_status(status.error().code());
}
