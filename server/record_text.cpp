#include "server/record_text.hpp"

#include "base/json_text.hpp"

namespace rtenv::server {

using nlohmann::json;

std::string record_text(const JobRecord& job) {
  return json_text({{"number", job.number},
                    {"run_id", job.run_id},
                    {"id", job.submission.id},
                    {"entrypoint", job.submission.entrypoint},
                    {"runtime_env", job.submission.runtime_env},
                    {"metadata", job.submission.metadata},
                    {"demand", to_json(job.submission.demand)},
                    {"memory_bytes", job.submission.memory_bytes},
                    {"submitter", job.submitter},
                    {"status", name(job.status)},
                    {"message", job.message},
                    {"error_type", job.error_type},
                    {"start_ms", job.start_ms},
                    {"end_ms", job.end_ms},
                    {"exit_code", job.exit_code ? json(*job.exit_code) : json()},
                    {"usage", job.usage},
                    {"launched", job.launched},
                    {"boot_id", job.boot_id},
                    {"gpus", job.gpus},
                    {"stop", job.stop ? json(static_cast<int>(*job.stop)) : json()}});
}

Result<JobRecord> record_from_text(std::string_view text) {
  const auto wrong = [] { return fail(Errc::corrupt, "a job's record is damaged"); };
  const json value = json_from_text(text);
  if (!value.is_object()) return wrong();
  try {
    JobRecord job;
    job.number = value.at("number").get<std::int64_t>();
    job.run_id = value.at("run_id").get<std::string>();
    job.submission.id = value.at("id").get<std::string>();
    job.submission.entrypoint = value.at("entrypoint").get<std::string>();
    job.submission.runtime_env = value.at("runtime_env");
    job.submission.metadata = value.at("metadata");
    job.submission.demand = demand_from_json(value.at("demand"));
    job.submission.memory_bytes = value.at("memory_bytes").get<std::uint64_t>();
    job.submitter = value.at("submitter").get<std::string>();
    const auto status = job::parse_job_status(value.at("status").get<std::string>());
    if (!status) return wrong();
    job.status = *status;
    job.message = value.at("message").get<std::string>();
    job.error_type = value.at("error_type").get<std::string>();
    job.start_ms = value.at("start_ms").get<std::int64_t>();
    job.end_ms = value.at("end_ms").get<std::int64_t>();
    if (const json& code = value.at("exit_code"); !code.is_null()) job.exit_code = code.get<int>();
    job.usage = value.at("usage");
    job.launched = value.at("launched").get<bool>();
    job.boot_id = value.at("boot_id").get<std::string>();
    job.gpus = value.at("gpus").get<std::vector<int>>();
    if (const json& stop = value.at("stop"); !stop.is_null()) {
      if (stop != 0 && stop != 1) return wrong();
      job.stop = static_cast<Stop>(stop.get<int>());
    }
    return job;
  } catch (const json::exception&) {
    return wrong();
  }
}

}  // namespace rtenv::server
