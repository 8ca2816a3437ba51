// The job server as a whole: listens, serves, and ends in order. One thread for the network.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cache/cache.hpp"
#include "server/job_manager.hpp"

namespace rtenv::server {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8265;  // 0: any that is free
  bool insecure = false;      // open to others without a token or without TLS
  std::vector<std::string> allowed_hosts;
  std::optional<Path> token_file;
  std::optional<Path> tls_certificate;  // PEM, with the chain
  std::optional<Path> tls_key;
  std::uint64_t max_package_bytes = 0;
  std::string rtenv_version;
  std::string ray_version;
  ManagerOptions manager;
  JobPackages::OpenCache open_cache;
  Environment environment;
  /// Called once it can be reached, with its address: http://HOST:PORT.
  std::function<void(const std::string&)> on_ready;
};

/// Until SIGTERM or SIGINT. SIGHUP reads the token and the certificate again. Understands systemd's
/// socket activation (LISTEN_FDS) and notification (NOTIFY_SOCKET). Fails: invalid_argument (open
/// to others without what protects it), unavailable (the port is taken), and as JobManager::open.
Result<void> serve(ServerOptions options);

}  // namespace rtenv::server
