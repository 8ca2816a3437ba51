// What a server is started with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/fd.hpp"
#include "server/authenticator.hpp"
#include "server/listening_socket.hpp"
#include "server/manager_options.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::server {

struct ServerOptions {
  ListenOptions listen;
  Fd listening_socket;    // that is open already, as from systemd; used instead of `listen`
  bool insecure = false;  // admits anybody without a token, and other hosts without TLS
  std::vector<std::string> allowed_hosts;
  std::optional<Path> token_file;    // see parse_tokens
  std::optional<std::string> token;  // another one, called "token"
  /// Instead of tokens and users. A server that other machines reach needs it, or a token.
  std::shared_ptr<Authenticator> authenticator;
  std::optional<Path> tls_certificate;  // PEM, with the chain
  std::optional<Path> tls_key;
  std::uint64_t max_package_bytes = 10ULL << 30U;
  std::uint64_t max_uploads_bytes = 20ULL << 30U;     // of all packages that are being received
  std::uint64_t max_request_bytes = 4 << 20;          // the body of any other request
  std::uint64_t max_request_memory_bytes = 64 << 20;  // of all bodies together
  std::string rtenv_version;
  std::string ray_version;
  ManagerOptions manager;
  /// Called on a thread of the server, with the first package.
  std::function<Result<cache::Cache>()> open_cache;
  /// Ends waiting for a token file that is a pipe, while the server starts. May be null.
  const Cancellation* cancellation = nullptr;
};

}  // namespace rtenv::server
