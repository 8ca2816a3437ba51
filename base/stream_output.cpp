#include "base/stream_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/cancellation.hpp"

namespace rtenv {
namespace {

// O_NONBLOCK belongs to the open file description, which other processes may share. A pipe can be
// opened once more.
Fd open_non_blocking(const Fd& pipe) {
  return Fd(::open(fmt::format("/proc/self/fd/{}", pipe.get()).c_str(),
                   O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

StreamOutput::StreamOutput(Fd stream, std::string name, const Cancellation* cancellation)
    : stream_(std::move(stream)), name_(std::move(name)), cancellation_(cancellation) {
  struct stat status {};
  if (cancellation == nullptr || ::fstat(stream_.get(), &status) != 0 || S_ISREG(status.st_mode))
    return;
  Fd own = S_ISFIFO(status.st_mode) ? open_non_blocking(stream_) : Fd();
  blocking_ = own ? Blocking::never : Blocking::avoided;
  if (own) stream_ = std::move(own);
}

Result<StreamOutput> StreamOutput::standard(const Cancellation* cancellation) {
  Fd stream(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!stream) return fail_errno("write", "standard output");
  return StreamOutput(std::move(stream), "standard output", cancellation);
}

Result<void> StreamOutput::wait_for_reader() const {
  std::array<pollfd, 2> events{{{.fd = stream_.get(), .events = POLLOUT, .revents = 0},
                                {.fd = cancellation_->poll_fd(), .events = POLLIN, .revents = 0}}};
  while (::poll(events.data(), events.size(), -1) < 0 && errno == EINTR) {
  }
  return check_not_cancelled(cancellation_, "waiting for the reader of", name_);
}

Result<void> StreamOutput::write(std::span<const std::byte> data) {
  if (blocking_ == Blocking::allowed) return write_full(stream_, data, name_);
  while (!data.empty()) {
    // What poll(2) reports as writable takes PIPE_BUF bytes without blocking.
    if (blocking_ == Blocking::avoided) RTENV_TRY(wait_for_reader());
    const std::size_t most = blocking_ == Blocking::avoided ? PIPE_BUF : data.size();
    const ssize_t count = ::write(stream_.get(), data.data(), std::min(data.size(), most));
    if (count >= 0) {
      data = data.subspan(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      RTENV_TRY(wait_for_reader());
    } else if (errno != EINTR) {
      return fail_errno("write", name_);
    }
  }
  return {};
}

}  // namespace rtenv
