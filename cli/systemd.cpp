#include "cli/systemd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace rtenv::cli {
namespace {

constexpr int k_first_fd = 3;

}  // namespace

std::optional<Fd> activated_socket(const Environment& environment) {
  if (environment.find("LISTEN_PID") != std::to_string(::getpid()) ||
      environment.find("LISTEN_FDS") != "1")
    return std::nullopt;
  ::fcntl(k_first_fd, F_SETFD, FD_CLOEXEC);
  return Fd(k_first_fd);
}

void notify_systemd(const Environment& environment, std::string_view state) {
  const auto path = environment.find_filled("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || path->size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::ranges::copy(*path, address.sun_path);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path->size());
  ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace rtenv::cli
