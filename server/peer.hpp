// Who is at the other end of a connection, as the kernel knows it. Linux only. Thread-safe: no
// state.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace rtenv::server {

struct Peer {
  std::string address;        // "127.0.0.1", "unix"
  std::optional<uid_t> uid;   // of a process on this machine, if the kernel says so
  std::uint64_t inode = 0;    // of its TCP socket; 0: none, or not known
  pid_t pid = 0;              // of the process at a Unix socket
  bool is_sandboxed = false;  // then it has no uid
};

/// Of a connected socket: for a Unix socket by SO_PEERCRED; for TCP on loopback, the owner of the
/// socket at the other end, by sock_diag(7) or /proc/net/tcp. A socket that its process has closed
/// has no owner. `with_sock_diag`: false as on a kernel without it. Fails: unavailable (no
/// descriptor left).
Result<Peer> identify_peer(int fd, bool with_sock_diag = true);

}  // namespace rtenv::server
