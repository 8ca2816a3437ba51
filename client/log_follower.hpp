// Follows a job's log until the job ends, and reconnects if the connection is lost: every byte
// once, in order. Where a proxy knows no websockets, it asks again and again instead.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/job_client.hpp"

namespace rtenv::client {

struct FollowOptions {
  bool server_is_rtenv = false;  // it can send raw bytes, from any offset
  /// How long to retry while the server is unreachable.
  std::chrono::milliseconds grace{30'000};
};

/// Returns the job's details after its end. rtenv resumes from an offset. Ray sends the whole log
/// again after a reconnection, so what was already output is skipped. Fails: unavailable (for
/// longer than `grace`), not_found, permission_denied, invalid_argument, cancelled, or as `output`.
Result<nlohmann::json> follow_log(JobClient& client, const std::string& id,
                                  const FollowOptions& options,
                                  const std::function<Result<void>(std::string_view)>& output);

}  // namespace rtenv::client
