// Names of jobs: chosen by the submitter or made here. A name is also a folder's, so it can't be a
// path.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::job {

inline constexpr std::size_t k_max_id_bytes = 128;

/// 1 to 128 of [A-Za-z0-9_.-], not beginning with '.'. Fails: invalid_argument.
Result<void> check_job_id(std::string_view id);

/// "raysubmit_" and 16 characters without look-alikes, as Ray makes them.
std::string make_job_id();

}  // namespace rtenv::job
