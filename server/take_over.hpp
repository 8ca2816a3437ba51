// What becomes of a job whose supervisor and guardian have ended without telling this server.
#pragma once

#include <optional>
#include <string_view>

#include "job/run_state.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

/// `state`: what JobFolder::read_state found. `begins_again`: a job of which nothing has run does,
/// because an earlier server started the supervisor, or something that may pass ended it. Returns
/// the job's end; nullopt if nothing of it has run and it begins again.
std::optional<job::RunState> end_of_unsupervised(const JobRecord& record,
                                                 const Result<std::optional<job::RunState>>& state,
                                                 bool begins_again, std::string_view boot_id);

}  // namespace rtenv::server
