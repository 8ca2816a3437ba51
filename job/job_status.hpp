// How far a job is, in the words of Ray's API; what the server stores and clients read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rtenv::job {

/// stopped, succeeded and failed are terminal: nothing ever leaves them.
enum class JobStatus : std::uint8_t { pending, running, stopped, succeeded, failed };

/// "PENDING" and so on, as in Ray.
std::string_view name(JobStatus status) noexcept;
std::optional<JobStatus> parse_job_status(std::string_view name) noexcept;
bool is_terminal(JobStatus status) noexcept;

}  // namespace rtenv::job
