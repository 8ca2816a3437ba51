#include "server/submission.hpp"

#include <array>
#include <cmath>

#include "base/nearest.hpp"
#include "job/job_id.hpp"
#include "remote/uri.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::server {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 10> k_fields{"entrypoint",
                                                    "submission_id",
                                                    "job_id",
                                                    "runtime_env",
                                                    "metadata",
                                                    "entrypoint_num_cpus",
                                                    "entrypoint_num_gpus",
                                                    "entrypoint_memory",
                                                    "entrypoint_resources",
                                                    "entrypoint_label_selector"};
constexpr double k_max_amount = 1e15;  // doubles are exact up to here

std::string_view type_name(const json& value) {
  switch (value.type()) {
    case json::value_t::null: return "null";
    case json::value_t::object: return "an object";
    case json::value_t::array: return "an array";
    case json::value_t::string: return "a string";
    case json::value_t::boolean: return "a boolean";
    default: return "a number";
  }
}

Failure wrong_type(std::string_view field, std::string_view expected, const json& value) {
  return fail(Errc::invalid_argument, "{} must be {}, got {}", field, expected, type_name(value));
}

Result<void> check_string(std::string_view field, const json& value) {
  if (!value.is_string()) return wrong_type(field, "a string", value);
  if (value.get_ref<const std::string&>().find('\0') != std::string::npos)
    return fail(Errc::invalid_argument, "{} contains a NUL byte", field);
  return {};
}

Result<double> amount(std::string_view field, const json& value) {
  if (value.is_null()) return 0;
  if (!value.is_number()) return wrong_type(field, "a number", value);
  const auto number = value.get<double>();
  if (!std::isfinite(number) || number < 0 || number > k_max_amount)
    return fail(Errc::invalid_argument, "{} must be from 0 to {:.0f}, got {}", field, k_max_amount,
                value.dump());
  return number;
}

Result<void> check_strings(std::string_view field, const json& value) {
  if (!value.is_object()) return wrong_type(field, "an object of strings", value);
  for (const auto& [key, item] : value.items())
    if (!item.is_string()) return wrong_type(fmt::format("{}['{}']", field, key), "a string", item);
  return {};
}

Result<Demand> parse_demand(const json& body) {
  Demand demand;
  const auto field = [&](const char* name) { return body.value(name, json()); };
  RTENV_TRY(demand.cpus, amount("entrypoint_num_cpus", field("entrypoint_num_cpus")));
  RTENV_TRY(demand.gpus, amount("entrypoint_num_gpus", field("entrypoint_num_gpus")));
  demand.names_gpus = !field("entrypoint_num_gpus").is_null();
  if (demand.gpus > 1 && demand.gpus != std::floor(demand.gpus))
    return fail(Errc::invalid_argument,
                "entrypoint_num_gpus above 1 must be a whole number, got {}", demand.gpus);
  RTENV_TRY(const double memory, amount("entrypoint_memory", field("entrypoint_memory")));
  if (memory != std::floor(memory))
    return fail(Errc::invalid_argument, "entrypoint_memory must be a whole number of bytes, got {}",
                memory);
  demand.memory_bytes = static_cast<std::int64_t>(memory);
  if (const json custom = field("entrypoint_resources"); !custom.is_null()) {
    if (!custom.is_object())
      return wrong_type("entrypoint_resources", "an object of numbers", custom);
    for (const auto& [name, value] : custom.items()) {
      const std::string shown = fmt::format("entrypoint_resources['{}']", name);
      if (name == "CPU" || name == "GPU" || name == "memory")
        return fail(Errc::invalid_argument,
                    "{}: use entrypoint_num_cpus, entrypoint_num_gpus or entrypoint_memory", shown);
      if (value.is_null()) return wrong_type(shown, "a number", value);
      RTENV_TRY(const double quantity, amount(shown, value));
      if (quantity > 0) demand.custom.emplace(name, quantity);
    }
  }
  if (const json labels = field("entrypoint_label_selector"); !labels.is_null()) {
    RTENV_TRY(check_strings("entrypoint_label_selector", labels));
    demand.labels = labels.get<std::map<std::string, std::string>>();
  }
  return demand;
}

// A path on the submitter's machine means nothing here, and clients must not name paths on this
// one.
Result<void> check_is_uri(std::string_view field, const std::string& text) {
  if (remote::looks_like_uri(text)) return {};
  return fail(Errc::invalid_argument,
              "runtime_env['{}'] is '{}', a path on the submitter's machine", field, text)
      .hint(
          "`ray job submit` and `rtenv job submit` upload it; or use a URI such as "
          "s3://BUCKET/NAME.zip");
}

Result<void> check_no_requirements_file(const json& runtime_env) {
  for (const char* field : {"uv", "pip"}) {
    if (!runtime_env.contains(field)) continue;
    const json& value = runtime_env.at(field);
    if (value.is_string() ||
        (value.is_object() && value.contains("packages") && value.at("packages").is_string()))
      return fail(Errc::invalid_argument,
                  "runtime_env['{}'] names a file on the submitter's machine", field)
          .hint("send the list that it contains, as `ray job submit` and `rtenv job submit` do");
  }
  return {};
}

Result<void> check_runtime_env(const json& value) {
  RTENV_TRY(check_no_requirements_file(value));
  RTENV_TRY(const auto parsed, runtime_env::parse_runtime_env(value));
  if (parsed.working_dir) RTENV_TRY(check_is_uri("working_dir", *parsed.working_dir));
  for (const std::string& module : parsed.py_modules) RTENV_TRY(check_is_uri("py_modules", module));
  return runtime_env::check_locations(parsed);
}

}  // namespace

Result<Submission> parse_submission(const json& body) {
  if (!body.is_object())
    return fail(Errc::invalid_argument, "the body must be a JSON object, got {}", type_name(body));
  for (const auto& [key, unused] : body.items())
    if (std::ranges::find(k_fields, key) == k_fields.end()) {
      const auto suggestion = nearest(key, k_fields);
      return fail(Errc::invalid_argument, "unknown field '{}'{}", key,
                  suggestion ? fmt::format("; did you mean '{}'?", *suggestion) : "");
    }
  Submission submission;
  if (!body.contains("entrypoint"))
    return fail(Errc::invalid_argument, "entrypoint is missing: the command to run, a string");
  RTENV_TRY(check_string("entrypoint", body.at("entrypoint")));
  submission.entrypoint = body.at("entrypoint").get<std::string>();
  if (submission.entrypoint.find_first_not_of(" \t\r\n") == std::string::npos)
    return fail(Errc::invalid_argument, "entrypoint is empty");
  // The former name first: the current one overrides it.
  for (const char* field : {"job_id", "submission_id"}) {
    const json id = body.value(field, json());
    if (id.is_null()) continue;
    if (!id.is_string()) return wrong_type(field, "a string", id);
    submission.id = id.get<std::string>();
    RTENV_TRY(job::check_job_id(submission.id));
  }
  submission.metadata = body.value("metadata", json());
  if (!submission.metadata.is_null()) RTENV_TRY(check_strings("metadata", submission.metadata));
  submission.runtime_env = body.value("runtime_env", json());
  if (!submission.runtime_env.is_null()) {
    if (!submission.runtime_env.is_object())
      return wrong_type("runtime_env", "an object", submission.runtime_env);
    RTENV_TRY(check_runtime_env(submission.runtime_env));
  }
  RTENV_TRY(submission.demand, parse_demand(body));
  return submission;
}

json to_json(const Demand& demand) {
  json result = json::object();
  if (demand.cpus > 0) result["cpus"] = demand.cpus;
  if (demand.names_gpus) result["gpus"] = demand.gpus;
  if (demand.memory_bytes > 0) result["memory_bytes"] = demand.memory_bytes;
  if (!demand.custom.empty()) result["custom"] = demand.custom;
  if (!demand.labels.empty()) result["labels"] = demand.labels;
  return result;
}

Demand demand_from_json(const json& value) {
  Demand demand;
  demand.cpus = value.value("cpus", 0.0);
  demand.gpus = value.value("gpus", 0.0);
  demand.names_gpus = value.contains("gpus");
  demand.memory_bytes = value.value("memory_bytes", std::int64_t{0});
  if (value.contains("custom")) demand.custom = value.at("custom").get<decltype(demand.custom)>();
  if (value.contains("labels")) demand.labels = value.at("labels").get<decltype(demand.labels)>();
  return demand;
}

}  // namespace rtenv::server
