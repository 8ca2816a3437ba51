// Serves one connection of a client: requests one after another, or one websocket. For the
// network's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>

#include "server/access.hpp"
#include "server/api.hpp"
#include "server/budget.hpp"

namespace rtenv::server {

struct SessionLimits {
  std::uint32_t header_bytes = 64 << 10;
  std::uint64_t body_bytes = 4 << 20;  // of all but packages
  /// For a header, a body, or a piece of a package or of a response.
  std::chrono::seconds request_time{30};
  std::chrono::seconds idle_time{75};  // between requests
};

struct SessionContext {
  Api& api;
  const Access& access;
  Result<Peer> peer;  // its error is the answer to every request
  Budget& bodies;     // of the bodies that are held in memory
  bool& is_idle;      // set while it waits for the client, except during an upload
  SessionLimits limits;
};

/// Returns when the client or the server has closed the connection. `tls`: null for plain TCP.
boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket,
                                              std::shared_ptr<boost::asio::ssl::context> tls,
                                              SessionContext context);

}  // namespace rtenv::server
