// One websocket of a job's log: GET /api/jobs/{id}/logs/tail.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "remote/job_server.hpp"

namespace rtenv::client {

struct LogMessage {
  std::string_view data;
  bool is_text = true;
};

/// Until the server closes it. True where it did so in order (1000), false where the connection
/// broke or was closed otherwise. `on_message` may fail, which ends it. `path` begins with "/api/".
/// `environment`: for the certificates. Fails: unavailable (no connection), not_found,
/// permission_denied, cancelled, and as `on_message`.
Result<bool> read_log_socket(const remote::JobServer& server, const std::string& path,
                             const Environment& environment, const Cancellation* cancellation,
                             const std::function<Result<void>(const LogMessage&)>& on_message);

}  // namespace rtenv::client
