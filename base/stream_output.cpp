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

StreamOutput::StreamOutput(Fd stream, Options options)
    : stream_(std::move(stream)), options_(std::move(options)) {
  struct stat status {};
  if (options_.cancellation == nullptr || ::fstat(stream_.get(), &status) != 0 ||
      S_ISREG(status.st_mode))
    return;
  Fd own = S_ISFIFO(status.st_mode) ? open_non_blocking(stream_) : Fd();
  blocking_ = own ? Blocking::never : Blocking::avoided;
  if (own) stream_ = std::move(own);
}

Result<StreamOutput> StreamOutput::duplicate(int number, Options options) {
  Fd stream(::fcntl(number, F_DUPFD_CLOEXEC, 3));
  if (!stream) return fail_errno("write", options.name);
  return StreamOutput(std::move(stream), std::move(options));
}

// Waits for the reader, or the cancellation; after that, not at all.
bool StreamOutput::has_room() const {
  std::array<pollfd, 2> events{
      {{.fd = stream_.get(), .events = POLLOUT, .revents = 0},
       {.fd = options_.cancellation->poll_fd(), .events = POLLIN, .revents = 0}}};
  while (::poll(events.data(), events.size(), -1) < 0 && errno == EINTR) {
  }
  return events[0].revents != 0;
}

Failure StreamOutput::cancelled() const {
  return fail(Errc::cancelled, "interrupted while waiting for the reader of {}", options_.name);
}

Result<void> StreamOutput::write(std::span<const std::byte> data) {
  if (blocking_ == Blocking::allowed) return write_full(stream_, data, options_.name);
  bool full = blocking_ == Blocking::avoided;  // it may be
  while (!data.empty()) {
    const bool over = options_.cancellation->requested();
    if ((over && data.size() > options_.last_words_bytes) || (full && !has_room()))
      return cancelled();
    // What poll(2) reports as writable takes PIPE_BUF bytes without blocking.
    const std::size_t most = blocking_ == Blocking::avoided ? PIPE_BUF : data.size();
    const ssize_t count = ::write(stream_.get(), data.data(), std::min(data.size(), most));
    if (count < 0 && errno != EAGAIN && errno != EINTR) return fail_errno("write", options_.name);
    full = blocking_ == Blocking::avoided || (count < 0 && errno == EAGAIN);
    if (count < 0) continue;
    data = data.subspan(static_cast<std::size_t>(count));
    if (over) options_.last_words_bytes -= static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace rtenv
