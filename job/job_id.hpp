// Job ids: chosen by the submitter or generated here. An id is also the name of the job's folder,
// so it can't be a path.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::job {

inline constexpr std::size_t k_max_id_bytes = 128;

/// Accepts 1 to 128 characters of [A-Za-z0-9_.-] that don't begin with '.'. Fails:
/// invalid_argument.
Result<void> check_job_id(std::string_view id);

/// "raysubmit_" and 16 random characters without look-alikes, as Ray generates them.
std::string make_job_id();

}  // namespace rtenv::job
