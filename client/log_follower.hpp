// Follows a job's log to the job's end, over as many connections as it takes: every byte once, in
// order.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "client/job_client.hpp"

namespace rtenv::client {

struct FollowOptions {
  bool server_is_rtenv = false;  // it sends bytes as they are, and from any offset
  /// How long a server may be gone before it is given up.
  std::chrono::milliseconds grace{30'000};
};

/// The job's details at its end. Against rtenv, output is the log's bytes; against Ray, which sends
/// everything again to whoever comes back, what was seen is passed over. Fails: unavailable (gone
/// for longer than the grace), not_found, permission_denied, cancelled, and as `output`.
Result<nlohmann::json> follow_log(JobClient& client, const std::string& id,
                                  const FollowOptions& options,
                                  const std::function<Result<void>(std::string_view)>& output);

}  // namespace rtenv::client
