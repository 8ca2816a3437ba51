// A submission by a client: the body of POST /api/jobs/, checked field by field (Ray 2.60,
// dashboard/modules/job/common.py: JobSubmitRequest), before anything is stored.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::server {

/// The resources that the entrypoint occupies while it runs.
struct Demand {
  double cpus = 0;
  double gpus = 0;          // a fraction of one, or a whole number
  bool names_gpus = false;  // even if 0, which hides all GPUs; else the job sees all
  std::int64_t memory_bytes = 0;
  std::map<std::string, double> custom;
  std::map<std::string, std::string> labels;  // selectors for the node's labels

  [[nodiscard]] bool empty() const {
    return cpus == 0 && !names_gpus && memory_bytes == 0 && custom.empty() && labels.empty();
  }
};

struct Submission {
  std::string id;  // empty: one will be generated
  std::string entrypoint;
  nlohmann::json runtime_env;  // null, or an object that parse_runtime_env accepts; holds secrets
  nlohmann::json metadata;     // null, or an object of strings
  Demand demand;
  std::uint64_t memory_bytes = 0;  // about what it takes

  /// Whether something must be set up before the entrypoint can start.
  [[nodiscard]] bool has_setup() const { return runtime_env::needs_setup(runtime_env); }
};

/// Fails: invalid_argument (the message names the field, what is expected and what was sent), and
/// as parse_runtime_env.
Result<Submission> parse_submission(const nlohmann::json& body);

/// The form in the job store; fields that request nothing are left out.
nlohmann::json to_json(const Demand& demand);
/// Requires: the value comes from to_json.
Demand demand_from_json(const nlohmann::json& value);

}  // namespace rtenv::server
