// The secrets of a server, from its options and files: tokens, certificate and key.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <vector>

#include "server/server_options.hpp"
#include "server/tokens.hpp"

namespace rtenv::server {

enum class ReadTokens : std::uint8_t {
  at_start,  // the file may be a pipe
  again,     // nobody might write to a pipe any more
};
/// Warns if others can read the file. Fails: as reading it and parse_tokens.
Result<std::vector<Token>> load_tokens(const ServerOptions& options, ReadTokens when);

/// Null if there is none. Fails: invalid_argument, not_found, permission_denied.
Result<std::shared_ptr<boost::asio::ssl::context>> load_tls(const ServerOptions& options);

/// Whether the server may listen where it does. `is_local`: only this machine can reach it. Fails:
/// invalid_argument (half a certificate), permission_denied (without authentication or TLS).
Result<void> check_exposure(const ServerOptions& options, bool is_local);

}  // namespace rtenv::server
