// A job's record as a JSON text, for stores that don't know its fields.
#pragma once

#include <string>
#include <string_view>

#include "server/job_record.hpp"

namespace rtenv::server {

std::string record_text(const JobRecord& job);

/// Fails: corrupt (not a text of record_text).
Result<JobRecord> record_from_text(std::string_view text);

}  // namespace rtenv::server
