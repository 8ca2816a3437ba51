#include "base/stream_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/cancellation.hpp"

namespace rtenv {
namespace {

constexpr std::size_t k_buffer_bytes = 16384;

}  // namespace

Result<std::size_t> read_available(int fd, std::span<std::byte> buffer, std::string_view name,
                                   const Cancellation* cancellation) {
  std::array<pollfd, 2> events{{{.fd = fd, .events = POLLIN, .revents = 0},
                                {.fd = cancellation != nullptr ? cancellation->poll_fd() : -1,
                                 .events = POLLIN,
                                 .revents = 0}}};
  for (;;) {
    ::poll(events.data(), events.size(), -1);
    RTENV_TRY(check_not_cancelled(cancellation, "reading", name));
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN) return fail_errno("read", name);
  }
}

Result<std::string> read_file_or_stream(const Path& path, const Cancellation* cancellation,
                                        std::uint64_t max_bytes) {
  // O_NONBLOCK: opening a named pipe would wait for its writer.
  RTENV_TRY(const Fd fd, open_file(path, O_RDONLY | O_NONBLOCK));
  std::string text;
  std::array<std::byte, k_buffer_bytes> buffer;
  for (;;) {
    RTENV_TRY(const std::size_t count,
              read_available(fd.get(), buffer, path.native(), cancellation));
    if (count == 0) return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
    if (text.size() > max_bytes)
      return fail(Errc::invalid_argument, "{} has more than {} bytes", path.native(), max_bytes);
  }
}

}  // namespace rtenv
