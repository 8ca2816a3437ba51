#include "job/control_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/fault_point.hpp"
#include "base/json_text.hpp"

namespace rtenv::job {
namespace {

constexpr int k_backlog = 8;

// sun_path is limited to 107 bytes, a path isn't: the folder is named by its descriptor.
struct Address {
  Fd folder;
  sockaddr_un address{};
  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&address);
  }
};

Result<Address> address_of(const Path& socket) {
  Address result;
  RTENV_TRY(result.folder, open_file(socket.parent_path(), O_PATH | O_DIRECTORY));
  result.address.sun_family = AF_UNIX;
  const std::string short_path =
      fmt::format("/proc/self/fd/{}/{}", result.folder.get(), socket.filename().native());
  if (short_path.size() >= sizeof result.address.sun_path)
    return fail(Errc::invalid_argument, "the name of the socket {} is too long", socket.native());
  std::ranges::copy(short_path, result.address.sun_path);
  return result;
}

}  // namespace

std::optional<std::string> LineBuffer::next() {
  const auto end = text_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  return line;
}

Result<SocketPair> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno("create", "a socket");
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> connect_to(const Path& socket) {
  RTENV_TRY(fault_point("control.connect"));
  RTENV_TRY(const Address address, address_of(socket));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("create", "a socket");
  if (::connect(fd.get(), address.get(), sizeof address.address) != 0) {
    if (errno == ECONNREFUSED)
      return fail(Errc::unavailable, "no supervisor listens at {}", socket.native());
    return fail_errno("connect to", socket.native());
  }
  return fd;
}

Result<ControlSocket> ControlSocket::listen(const Path& socket, Fd first, LineBuffer lines) {
  RTENV_TRY(fault_point("control.listen"));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("create", "a socket");
  ::unlink(socket.c_str());
  RTENV_TRY(const Address address, address_of(socket));
  if (::bind(fd.get(), address.get(), sizeof address.address) != 0 ||
      ::listen(fd.get(), k_backlog) != 0)
    return fail_errno("listen at", socket.native());
  ControlSocket control(std::move(fd));
  if (first) control.connections_.push_back({std::move(first), std::move(lines)});
  return control;
}

std::vector<int> ControlSocket::connection_fds() const {
  std::vector<int> fds;
  fds.reserve(connections_.size());
  for (const Connection& connection : connections_) fds.push_back(connection.fd.get());
  return fds;
}

bool ControlSocket::send(const Connection& connection, const std::string& line) {
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t sent =
        ::send(connection.fd.get(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void ControlSocket::accept(const nlohmann::json& greeting) {
  for (;;) {
    Fd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return;
    Connection connection{std::move(fd), {}};
    if (send(connection, json_text(greeting) + "\n")) connections_.push_back(std::move(connection));
  }
}

std::vector<nlohmann::json> ControlSocket::messages(LineBuffer& lines) {
  std::vector<nlohmann::json> result;
  while (const auto line = lines.next()) result.push_back(json_from_text(*line));
  return result;
}

std::vector<nlohmann::json> ControlSocket::initial_messages() {
  return connections_.empty() ? std::vector<nlohmann::json>()
                              : messages(connections_.front().lines);
}

std::vector<nlohmann::json> ControlSocket::receive(int connection_fd) {
  const auto found = std::ranges::find_if(connections_, [&](const Connection& connection) {
    return connection.fd.get() == connection_fd;
  });
  if (found == connections_.end()) return {};
  std::array<char, 4096> buffer;
  const ssize_t count = ::recv(connection_fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
    connections_.erase(found);
    return {};
  }
  if (count < 0) return {};
  found->lines.add(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  return messages(found->lines);
}

void ControlSocket::broadcast(const nlohmann::json& message) {
  const std::string line = json_text(message) + "\n";
  std::erase_if(connections_,
                [&](const Connection& connection) { return !send(connection, line); });
}

}  // namespace rtenv::job
