#include "server/peer.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/fd.hpp"
#include "base/stream_input.hpp"

namespace rtenv::server {
namespace {

// An end of a TCP connection. An IPv4 address in IPv6 notation is an IPv4 address.
struct End {
  int family = AF_UNSPEC;
  std::array<std::uint32_t, 4> address{};  // network byte order; IPv4: the first
  std::uint16_t port = 0;                  // network byte order

  bool operator==(const End&) const = default;
  [[nodiscard]] bool is_loopback() const {
    if (family == AF_INET) return (ntohl(address[0]) >> 24U) == IN_LOOPBACKNET;
    return family == AF_INET6 && std::memcmp(address.data(), &in6addr_loopback, 16) == 0;
  }
  [[nodiscard]] std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (family == AF_UNSPEC ||
        ::inet_ntop(family, address.data(), buffer.data(), buffer.size()) == nullptr)
      return "unknown";
    return buffer.data();
  }
};

End end_of(const sockaddr_storage& storage) {
  End end;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    end = {.family = AF_INET, .address = {in.sin_addr.s_addr}, .port = in.sin_port};
  } else if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    end = {.family = AF_INET6, .port = in.sin6_port};
    std::memcpy(end.address.data(), &in.sin6_addr, sizeof in.sin6_addr);
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr))
      end = {.family = AF_INET, .address = {end.address[3]}, .port = in.sin6_port};
  }
  return end;
}

// In these states a process has the socket, or may have it.
bool is_connected(int state) {
  return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT || state == TCP_FIN_WAIT1 ||
         state == TCP_FIN_WAIT2 || state == TCP_CLOSING;
}

struct Owner {
  uid_t uid = 0;
  std::uint64_t inode = 0;  // 0: no process has the socket; then the uid means nothing
};

enum class Lookup { found, none, not_available };

// Of the socket whose own end is `peer`. The kernel falls back to listening sockets: what it found
// is compared.
Lookup ask_kernel(const End& peer, const End& own, Owner& owner) {
  const Fd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return Lookup::not_available;
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  struct Message {
    nlmsghdr header{};
    inet_diag_req_v2 request{};
  } message;
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST;
  inet_diag_req_v2& request = message.request;
  request.sdiag_family = static_cast<std::uint8_t>(peer.family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  request.id.idiag_sport = peer.port;
  request.id.idiag_dport = own.port;
  std::memcpy(request.id.idiag_src, peer.address.data(), sizeof request.id.idiag_src);
  std::memcpy(request.id.idiag_dst, own.address.data(), sizeof request.id.idiag_dst);
  request.id.idiag_cookie[0] = request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (::send(netlink.get(), &message, sizeof message, 0) < 0) return Lookup::not_available;
  alignas(nlmsghdr) std::array<char, 8192> buffer{};
  const ssize_t count = ::recv(netlink.get(), buffer.data(), buffer.size(), 0);
  const auto& header = *reinterpret_cast<const nlmsghdr*>(buffer.data());
  if (count < static_cast<ssize_t>(sizeof header)) return Lookup::not_available;
  if (header.nlmsg_type == NLMSG_ERROR) {
    const auto& error = *reinterpret_cast<const nlmsgerr*>(buffer.data() + NLMSG_HDRLEN);
    return error.error == -ENOENT ? Lookup::none : Lookup::not_available;
  }
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg)))
    return Lookup::not_available;
  const auto& found = *reinterpret_cast<const inet_diag_msg*>(buffer.data() + NLMSG_HDRLEN);
  if (!is_connected(found.idiag_state) || found.id.idiag_sport != peer.port ||
      found.id.idiag_dport != own.port)
    return Lookup::none;
  owner = {.uid = found.idiag_uid, .inode = found.idiag_inode};
  return Lookup::found;
}

// "0100007F:1F90", or 32 digits before the colon: words in the machine's byte order.
std::optional<End> end_of_text(std::string_view text, int family) {
  const auto colon = text.find(':');
  const std::size_t words = family == AF_INET ? 1 : 4;
  if (colon != words * 8) return std::nullopt;
  End end{.family = family};
  for (std::size_t i = 0; i < words; ++i)
    std::from_chars(text.data() + i * 8, text.data() + (i + 1) * 8, end.address[i], 16);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), end.port, 16);
  end.port = htons(end.port);
  if (family == AF_INET6 && end.address[0] == 0 && end.address[1] == 0 &&
      ntohl(end.address[2]) == 0xFFFF)
    return End{.family = AF_INET, .address = {end.address[3]}, .port = end.port};
  return end;
}

// "  1: 0100007F:1F90 0100007F:BC7A 01 00000000:00000000 00:00000000 00000000  1000  0 4711 …":
// number, own end, other end, state, queues, timer, retransmissions, uid, timeout, inode.
std::optional<Owner> owner_in_line(std::string_view line, int family, const End& peer,
                                   const End& own) {
  std::array<std::string_view, 10> fields;
  for (std::string_view& field : fields) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    field = line.substr(0, line.find(' '));
    line.remove_prefix(field.size());
  }
  if (end_of_text(fields[1], family) != peer || end_of_text(fields[2], family) != own)
    return std::nullopt;
  int state = 0;
  Owner owner;
  std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), state, 16);
  std::from_chars(fields[7].data(), fields[7].data() + fields[7].size(), owner.uid);
  std::from_chars(fields[9].data(), fields[9].data() + fields[9].size(), owner.inode);
  return is_connected(state) ? std::optional(owner) : std::nullopt;
}

Result<std::optional<Owner>> read_tables(const End& peer, const End& own) {
  for (const auto& [file, family] :
       {std::pair{"/proc/net/tcp", AF_INET}, std::pair{"/proc/net/tcp6", AF_INET6}}) {
    const auto text = read_file_or_stream(file);
    if (!text && text.error().code() == Errc::unavailable) return Failure(text.error());
    if (!text) continue;  // a kernel without IPv6
    std::string_view rest = *text;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (const auto owner = owner_in_line(line, family, peer, own)) return owner;
    }
  }
  return std::optional<Owner>();
}

}  // namespace

Result<Peer> identify_peer(int fd, bool with_sock_diag) {
  sockaddr_storage own_storage{};
  sockaddr_storage peer_storage{};
  socklen_t size = sizeof own_storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own_storage), &size) != 0)
    return Peer{.address = "unknown"};
  if (own_storage.ss_family == AF_UNIX) {
    ucred credentials{};
    size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
      return Peer{.address = "unix"};
    return Peer{.address = "unix", .uid = credentials.uid, .pid = credentials.pid};
  }
  size = sizeof peer_storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer_storage), &size) != 0)
    return Peer{.address = "unknown"};
  const End own = end_of(own_storage);
  const End peer = end_of(peer_storage);
  Peer result{.address = peer.text()};
  if (!peer.is_loopback() || !own.is_loopback()) return result;
  Owner owner;
  switch (with_sock_diag ? ask_kernel(peer, own, owner) : Lookup::not_available) {
    case Lookup::found:
    case Lookup::none: break;
    case Lookup::not_available: {
      RTENV_TRY(const auto found, read_tables(peer, own));
      owner = found.value_or(Owner());
      break;
    }
  }
  if (owner.inode == 0) return result;
  result.uid = owner.uid;
  result.inode = owner.inode;
  return result;
}

}  // namespace rtenv::server
