// The status of a job in Ray's API: stored by the server, read by clients.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rtenv::job {

/// stopped, succeeded and failed are terminal: they never change again.
enum class JobStatus : std::uint8_t { pending, running, stopped, succeeded, failed };

/// "PENDING", "RUNNING", …, as in Ray.
std::string_view name(JobStatus status) noexcept;
/// Returns nullopt for an unknown name.
std::optional<JobStatus> parse_job_status(std::string_view name) noexcept;
bool is_terminal(JobStatus status) noexcept;

}  // namespace rtenv::job
