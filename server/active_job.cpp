#include "server/active_job.hpp"

namespace rtenv::server {

std::string_view ActiveJob::phase_name() const {
  using enum JobState;
  switch (stage.state()) {
    case unbegun: return "queued";
    case setting_up:
    case taken_over: return "preparing";
    case ready:
    case granting: return "ready";
    case granted: return record.submission.has_setup() ? "preparing" : "ready";
    case running: return "running";
    case ended: return "ended";
  }
  return "ended";
}

}  // namespace rtenv::server
