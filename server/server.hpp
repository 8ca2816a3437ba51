// The job server as a whole: listens, serves, and shuts down in order. All network I/O is on one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.hpp"
#include "server/manager_options.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::server {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8265;  // 0: any free one
  bool insecure = false;      // allows other hosts than loopback without a token or without TLS
  std::vector<std::string> allowed_hosts;
  std::optional<Path> token_file;
  std::optional<Path> tls_certificate;  // PEM, with the chain
  std::optional<Path> tls_key;
  std::uint64_t max_package_bytes = 0;
  std::string rtenv_version;
  std::string ray_version;
  ManagerOptions manager;
  std::function<Result<cache::Cache>()> open_cache;
  Environment environment;
  /// Called when the server accepts connections, with its address: http://HOST:PORT.
  std::function<void(const std::string&)> on_ready;
};

/// Serves until SIGTERM or SIGINT. SIGHUP reads the token and the certificate again. Supports
/// systemd's socket activation (LISTEN_FDS) and notification (NOTIFY_SOCKET). Fails:
/// invalid_argument (an option, the token or the certificate), permission_denied (open to other
/// machines without a token and TLS), unavailable (the port is taken), and as JobManager::open.
Result<void> serve(ServerOptions options);

}  // namespace rtenv::server
