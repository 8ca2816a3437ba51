// The job server as a whole: listens, serves, and shuts down in order. All network I/O is on one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "server/listening_socket.hpp"
#include "server/manager_options.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::server {

struct ServerOptions {
  ListenOptions listen;
  bool insecure = false;  // admits anybody without a token, and other hosts without TLS
  std::vector<std::string> allowed_hosts;
  std::optional<Path> token_file;       // see parse_tokens
  std::optional<std::string> token;     // another one, called "token"
  std::optional<Path> tls_certificate;  // PEM, with the chain
  std::optional<Path> tls_key;
  std::uint64_t max_package_bytes = 0;
  std::uint64_t max_uploads_bytes = 20ULL << 30U;     // of all packages that are being received
  std::uint64_t max_request_bytes = 4 << 20;          // the body of any other request
  std::uint64_t max_request_memory_bytes = 64 << 20;  // of all bodies together
  std::string rtenv_version;
  std::string ray_version;
  ManagerOptions manager;
  std::function<Result<cache::Cache>()> open_cache;
  Environment environment;
  const Cancellation* cancellation = nullptr;  // ends waiting for a token file that is a pipe
  /// Called when the server accepts connections, with its address: http://HOST:PORT or unix:PATH.
  std::function<void(const std::string&)> on_ready;
};

/// Serves until SIGTERM or SIGINT. SIGHUP reads the token and the certificate again. Supports
/// systemd's socket activation (LISTEN_FDS) and notification (NOTIFY_SOCKET). Fails:
/// invalid_argument (an option, the token or the certificate), permission_denied (open to other
/// machines without a token and TLS), and as open_listening_socket and JobManager::open.
Result<void> serve(ServerOptions options);

}  // namespace rtenv::server
