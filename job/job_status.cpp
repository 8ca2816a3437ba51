#include "job/job_status.hpp"

#include <algorithm>
#include <array>

namespace rtenv::job {
namespace {

constexpr std::array<std::string_view, 5> k_names{"PENDING", "RUNNING", "STOPPED", "SUCCEEDED",
                                                  "FAILED"};

}  // namespace

std::string_view name(JobStatus status) noexcept {
  return k_names[static_cast<std::size_t>(status)];
}

std::optional<JobStatus> parse_job_status(std::string_view name) noexcept {
  const auto found = std::ranges::find(k_names, name);
  if (found == k_names.end()) return std::nullopt;
  return static_cast<JobStatus>(found - k_names.begin());
}

bool is_terminal(JobStatus status) noexcept {
  return status != JobStatus::pending && status != JobStatus::running;
}

}  // namespace rtenv::job
