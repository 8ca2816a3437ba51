// One connection of a client, with or without TLS: requests one after another, or a websocket. For
// the network's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>

#include "server/access.hpp"
#include "server/api.hpp"

namespace rtenv::server {

struct SessionLimits {
  std::uint32_t header_bytes = 64 << 10;
  std::uint64_t body_bytes = 16 << 20;  // of what isn't a package
  std::chrono::seconds request_time{
      30};  // for a header, for a body, for a piece of a package or of an answer
  std::chrono::seconds idle_time{75};  // between requests
};

struct SessionContext {
  Api& api;
  const Access& access;
  SessionLimits limits;
};

/// Until the client or the server closes it. `tls`: nothing without.
boost::asio::awaitable<void> serve_connection(boost::asio::ip::tcp::socket socket,
                                              std::shared_ptr<boost::asio::ssl::context> tls,
                                              SessionContext context);

}  // namespace rtenv::server
