// Tells a request of a sandboxed job from one of the server's user: both have the same user id, but
// a sandbox has a PID namespace of its own.
#pragma once

#include "server/peer.hpp"

namespace rtenv::server {

/// Whether a peer on this machine may be in a sandbox, or act for a job: no process of this PID
/// namespace is seen to have the socket but a supervisor. Whoever passes a socket into a sandbox
/// does so on purpose. Reads /proc: takes milliseconds, not for the network's thread. Thread-safe.
/// Fails: unavailable (no descriptor left).
Result<bool> may_be_sandboxed(const Peer& peer);

}  // namespace rtenv::server
