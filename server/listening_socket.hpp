// The socket at which the server is reached: TCP or Unix, its own or one that was passed
// to this process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.hpp"

namespace rtenv::server {

struct ListenOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8265;  // 0: any free one
  std::optional<Path> unix_socket;
};

struct ListeningSocket {
  Fd fd;
  int family = 0;           // AF_INET, AF_INET6 or AF_UNIX
  std::string address;      // "127.0.0.1:8265", "[::1]:8265", or the path of a Unix socket
  bool is_local = true;     // only processes on this machine can reach it
  std::uint64_t inode = 0;  // of a Unix socket's file
};

/// A Unix socket that another server left is replaced, with the permissions 0600. Fails:
/// invalid_argument (not an IP address, a path that is too long), unavailable (in use),
/// permission_denied.
Result<ListeningSocket> open_listening_socket(const ListenOptions& options);

/// Of a socket that is open already. Fails: invalid_argument (it doesn't listen, or is neither TCP
/// nor a Unix socket).
Result<ListeningSocket> describe_listening_socket(Fd fd);

/// Removes the file of a Unix socket, unless something else has taken its place.
void remove_socket_file(const Path& path, std::uint64_t inode);

}  // namespace rtenv::server
