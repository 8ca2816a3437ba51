// What a client submits: the body of POST /api/jobs/, checked field by field (Ray 2.60,
// dashboard/modules/job/common.py: JobSubmitRequest). Whatever can be known to be wrong is refused
// here, before anything is stored.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace rtenv::server {

/// What the entrypoint occupies while it runs.
struct Demand {
  double cpus = 0;
  double gpus = 0;          // a fraction of one, or whole ones
  bool names_gpus = false;  // also where it says 0: then it sees none; else all
  std::int64_t memory_bytes = 0;
  std::map<std::string, double> custom;
  std::map<std::string, std::string> labels;  // what the node's labels must match

  [[nodiscard]] bool empty() const {
    return cpus == 0 && !names_gpus && memory_bytes == 0 && custom.empty() && labels.empty();
  }
};

struct Submission {
  std::string id;  // empty: one is to be made
  std::string entrypoint;
  nlohmann::json runtime_env;  // null, or an object that parse_runtime_env accepts; holds secrets
  nlohmann::json metadata;     // null, or an object of strings
  Demand demand;
};

/// Fails: invalid_argument, naming the field, what was expected and what came.
Result<Submission> parse_submission(const nlohmann::json& body);

/// The fields entrypoint_num_cpus and so on, as they were submitted; what isn't asked for is left
/// out.
nlohmann::json to_json(const Demand& demand);
/// Requires: made by to_json.
Demand demand_from_json(const nlohmann::json& value);

}  // namespace rtenv::server
