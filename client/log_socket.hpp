// The websocket of a job's log: GET /api/jobs/{id}/logs/tail.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "remote/job_server.hpp"

namespace rtenv::client {

struct LogMessage {
  std::string_view data;  // valid during the call
  bool is_text = true;
};

enum class SocketEnd : std::uint8_t {
  in_order,  // the server closed it with the code 1000
  broken,    // the connection broke, or was closed otherwise
  refused,   // something answered, but not by a websocket: a proxy that knows none
};

/// Reads messages until the socket ends. An error of `on_message` ends it. `path` begins with
/// "/api/". `environment`: for the certificates, see Connection::open. `cancellation` may be null.
/// Fails: unavailable (no connection), not_found (no such job), permission_denied, invalid_argument
/// (a certificate file), cancelled, and as `on_message`.
Result<SocketEnd> read_log_socket(const remote::JobServer& server, const std::string& path,
                                  const Environment& environment, const Cancellation* cancellation,
                                  const std::function<Result<void>(const LogMessage&)>& on_message);

}  // namespace rtenv::client
