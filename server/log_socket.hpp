// The server's end of a websocket that sends a job's log. For the network's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <string>

#include "server/any_stream.hpp"
#include "server/log_tail.hpp"

namespace rtenv::server {

/// Accepts the upgrade that `request` requests, and sends messages until the log ends (then it
/// closes the websocket with code 1000) or the client disconnects. `server_name`: for the Server
/// header. Doesn't close the stream.
boost::asio::awaitable<void> serve_log(AnyStream& stream,
                                       const boost::beast::http::request_header<>& request,
                                       LogTail& tail, const std::string& server_name);

}  // namespace rtenv::server
