// A response as HTTP/1.1 or 1.0. For the network's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "server/any_stream.hpp"
#include "server/http.hpp"

namespace rtenv::server {

/// The form of a response, as determined by the request and the connection.
struct ResponseForm {
  unsigned version = 11;   // of HTTP: 10 or 11
  bool keep_alive = true;  // another request may follow
  bool head_only = false;  // the request is a HEAD request
};

/// The status line and the headers, followed by an empty line.
std::string response_head(const Response& response, const ResponseForm& form,
                          const std::string& server_name);

/// Writes all of it; each piece within `piece_time`. False if the connection must be closed. The
/// stream and the name must live until it is done.
boost::asio::awaitable<bool> write_response(AnyStream& stream, Response response, ResponseForm form,
                                            const std::string& server_name,
                                            std::chrono::seconds piece_time);

}  // namespace rtenv::server
