#include "server/listening_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "server/predecessor.hpp"

namespace rtenv::server {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<Address> tcp_address(const ListenOptions& options) {
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(options.port);
    address.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(options.port);
    address.size = sizeof v6;
  } else {
    return fail(Errc::invalid_argument, "{} isn't an IP address", options.host)
        .hint("use 127.0.0.1, ::1, 0.0.0.0 or ::");
  }
  return address;
}

Result<Address> unix_address(const Path& path) {
  Address address;
  auto& local = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.native().size() >= sizeof local.sun_path)
    return fail(Errc::invalid_argument, "{}: the path of a Unix socket has at most {} bytes",
                path.native(), sizeof local.sun_path - 1);
  local.sun_family = AF_UNIX;
  std::ranges::copy(path.native(), local.sun_path);
  address.size = sizeof local;
  return address;
}

Result<ListeningSocket> listen_on(Fd fd) {
  if (::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("listen", "on a socket");
  return describe_listening_socket(std::move(fd));
}

Result<ListeningSocket> listen_tcp(const ListenOptions& options) {
  RTENV_TRY(const Address address, tcp_address(options));
  Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("create", "a socket");
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  int problem = 0;
  const auto is_decided = [&] {
    problem = ::bind(fd.get(), address.get(), address.size) == 0 ? 0 : errno;
    return problem != EADDRINUSE;
  };
  if (!free_after_predecessor(is_decided))
    return fail(Errc::unavailable, "port {} of {} is in use", options.port, options.host)
        .hint("port 0 is any free one");
  if (problem == 0) return listen_on(std::move(fd));
  if (problem == EACCES)
    return fail(Errc::permission_denied, "not allowed to listen on port {} of {}", options.port,
                options.host)
        .hint("use a port above 1023, which needs no privilege");
  return fail(Errc::unavailable, "can't listen on {} port {}: {}", options.host, options.port,
              std::strerror(problem));
}

// The inode of a socket; 0 if the file is anything else, or doesn't exist.
std::uint64_t socket_inode(const Path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

// A socket at which nobody accepts connections any more.
bool is_abandoned(const Path& path, const Address& address) {
  if (socket_inode(path) == 0) return false;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

Result<ListeningSocket> listen_unix(const Path& path) {
  RTENV_TRY(const Address address, unix_address(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("create", "a socket");
  // Nobody else can connect before its permissions are set.
  ::fchmod(fd.get(), 0600);
  if (is_abandoned(path, address)) ::unlink(path.c_str());
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    if (errno == EADDRINUSE)
      return fail(Errc::unavailable, "{} exists, and isn't a socket that a server left",
                  path.native())
          .hint("stop the server that uses it, or choose another path");
    return fail_errno("listen on", path.native());
  }
  RTENV_TRY(auto socket, listen_on(std::move(fd)));
  socket.inode = socket_inode(path);
  return socket;
}

}  // namespace

Result<ListeningSocket> open_listening_socket(const ListenOptions& options) {
  return options.unix_socket ? listen_unix(*options.unix_socket) : listen_tcp(options);
}

Result<ListeningSocket> describe_listening_socket(Fd fd) {
  ListeningSocket socket{.fd = std::move(fd)};
  int listens = 0;
  socklen_t option_size = sizeof listens;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &option_size) != 0 ||
      listens == 0)
    return fail(Errc::invalid_argument, "the socket that was passed doesn't listen");
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return fail_errno("use", "the listening socket");
  socket.family = storage.ss_family;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (socket.family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    socket.address = fmt::format("{}:{}", text.data(), ntohs(in.sin_port));
    socket.is_local = (ntohl(in.sin_addr.s_addr) >> 24U) == IN_LOOPBACKNET;
  } else if (socket.family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
    socket.address = fmt::format("[{}]:{}", text.data(), ntohs(in.sin6_port));
    socket.is_local = IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
  } else if (socket.family == AF_UNIX) {
    socket.address = reinterpret_cast<const sockaddr_un&>(storage).sun_path;
  } else {
    return fail(Errc::invalid_argument, "the listening socket is neither TCP nor a Unix socket");
  }
  return socket;
}

void remove_socket_file(const Path& path, std::uint64_t inode) {
  if (inode != 0 && socket_inode(path) == inode) ::unlink(path.c_str());
}

}  // namespace rtenv::server
