#include "base/spooled_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/cancellation.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv {
namespace {

constexpr std::string_view k_name = "standard input";
constexpr std::size_t k_buffer_bytes = 1 << 18;

// Waits for data, the end (0), or the cancellation.
Result<std::size_t> read_some(std::span<std::byte> buffer, const Cancellation* cancellation) {
  std::array<pollfd, 2> events{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                {.fd = cancellation != nullptr ? cancellation->poll_fd() : -1,
                                 .events = POLLIN,
                                 .revents = 0}}};
  for (;;) {
    ::poll(events.data(), events.size(), -1);
    RTENV_TRY(check_not_cancelled(cancellation, "reading", k_name));
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN) return fail_errno("read", k_name);
  }
}

}  // namespace

Result<SpooledInput> SpooledInput::read(const Cancellation* cancellation) {
  if (::isatty(STDIN_FILENO) == 1)
    return fail(Errc::invalid_argument, "an archive can't be read from a terminal")
        .hint("redirect standard input, or name a file");
  RTENV_TRY(TempDir folder, TempDir::create());
  SpooledInput spooled(std::move(folder));
  RTENV_TRY(const Fd file, open_file(spooled.path(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  RawBytes buffer(k_buffer_bytes);
  for (;;) {
    RTENV_TRY(const std::size_t count, read_some(buffer, cancellation));
    if (count == 0) return spooled;
    RTENV_TRY(write_full(file, std::span(buffer).first(count), spooled.path().native()));
  }
}

Result<Path> SpooledInput::named(const std::string& name) const {
  Path link = folder_.path() / name;
  if (::link(path().c_str(), link.c_str()) != 0) return fail_errno("create", link.native());
  return link;
}

Error SpooledInput::shown(const Error& error) const {
  std::string message = error.message();
  const std::string name = path().native();
  for (auto at = message.find(name); at != std::string::npos; at = message.find(name, at))
    message.replace(at, name.size(), k_name);
  return Error(error.code(), std::move(message), error.hint());
}

}  // namespace rtenv
