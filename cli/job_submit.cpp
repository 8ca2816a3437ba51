#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/job.hpp"
#include "cli/progress.hpp"
#include "job/job_id.hpp"
#include "runtime_env/runtime_env.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv::cli {
namespace {

using nlohmann::json;

struct SubmitCommand {
  ServerFlags server;
  std::string submission_id;
  std::string job_id;
  std::string runtime_env_file;
  std::string runtime_env_json;
  std::string working_dir;
  std::string metadata_json;
  std::optional<double> num_cpus;
  std::optional<double> num_gpus;
  std::optional<std::int64_t> memory;
  std::string resources_json;
  std::string labels_json;
  bool no_wait = false;
  std::vector<std::string> words;

  void declare(const Command& command);
  [[nodiscard]] Result<int> run(const Tool& tool) const;

 private:
  // Without --working-dir, which may have bytes that JSON can't have.
  [[nodiscard]] Result<json> runtime_env(const Tool& tool) const;
  [[nodiscard]] Result<json> body() const;
  void print_next_steps(const std::string& id, const std::string& address) const;
};

Result<json> parse_object(const char* option, const std::string& text) {
  RTENV_TRY(json value, runtime_env::parse_json(text, option));
  if (!value.is_object()) return fail(Errc::invalid_argument, "{} must be a JSON object", option);
  return value;
}

Result<json> SubmitCommand::runtime_env(const Tool& tool) const {
  json value = json::object();
  if (!runtime_env_file.empty()) {
    RTENV_TRY(value, runtime_env::load_structured_file(runtime_env_file, tool.cancellation));
  } else if (!runtime_env_json.empty()) {
    RTENV_TRY(value, parse_object("--runtime-env-json", runtime_env_json));
  }
  if (value.is_null()) value = json::object();
  if (!value.is_object())
    return fail(Errc::invalid_argument, "{} isn't a runtime_env: it must be a dict",
                runtime_env_file);
  json whole = value;
  if (!working_dir.empty()) whole["working_dir"] = working_dir;
  RTENV_TRY(const auto parsed, runtime_env::parse_runtime_env(whole));
  RTENV_TRY(runtime_env::check_locations(parsed));
  return value;
}

Result<json> SubmitCommand::body() const {
  json body{{"entrypoint", shell_join(words)}};
  if (!metadata_json.empty()) {
    RTENV_TRY(body["metadata"], parse_object("--metadata-json", metadata_json));
  }
  if (num_cpus) body["entrypoint_num_cpus"] = *num_cpus;
  if (num_gpus) body["entrypoint_num_gpus"] = *num_gpus;
  if (memory) body["entrypoint_memory"] = *memory;
  if (!resources_json.empty()) {
    RTENV_TRY(body["entrypoint_resources"], parse_object("--entrypoint-resources", resources_json));
  }
  if (!labels_json.empty()) {
    RTENV_TRY(body["entrypoint_label_selector"],
              parse_object("--entrypoint-label-selector", labels_json));
  }
  const std::string& given = submission_id.empty() ? job_id : submission_id;
  if (!given.empty()) {
    RTENV_TRY(job::check_job_id(given));
    body["submission_id"] = given;
  }
  return body;
}

void SubmitCommand::print_next_steps(const std::string& id, const std::string& address) const {
  print_boxed(fmt::format("Job '{}' submitted successfully", id));
  const std::string option = server.address.empty() ? "" : " --address " + address;
  print_line(
      fmt::format("Next steps\n  Query the logs of the job:\n    rtenv job logs{0} {1}\n"
                  "  Query the status of the job:\n    rtenv job status{0} {1}\n"
                  "  Request the job to be stopped:\n    rtenv job stop{0} {1}\n",
                  option, id));
}

Result<int> SubmitCommand::run(const Tool& tool) const {
  // Invalid input fails before anything is sent.
  RTENV_TRY(json body, this->body());
  RTENV_TRY(json env, runtime_env(tool));
  ProgressLine progress(tool);
  RTENV_TRY(auto client, server.connect(tool, progress.on_progress()));
  tool.output.print_text("Job submission server address: " + client.address());
  if (!env.empty() || !working_dir.empty()) {
    JobUploadOptions options{.digest_cache = tool.digest_cache()};
    if (!working_dir.empty()) options.working_dir = working_dir;
    auto uploaded = client.upload(json_text(env), options);
    progress.clear();
    if (!uploaded) return Failure(uploaded.error());
    body["runtime_env"] = json_from_text(*uploaded);
  }
  RTENV_TRY(const std::string id, client.submit(json_text(body)));
  if (!tool.output.json) print_next_steps(id, client.address());
  if (no_wait) {
    tool.output.print_json({{"submission_id", id}, {"address", client.address()}});
    return 0;
  }
  tool.output.print_text("Tailing logs until the job exits (disable with --no-wait):");
  return follow_to_the_end(tool, client, id);
}

void SubmitCommand::declare(const Command& command) {
  server.declare(command);
  const Option id =
      command.add_option("--submission-id", submission_id, "The job's id [a generated one]")
          .value_name("ID");
  command.add_option("--job-id", job_id, "The older name of --submission-id")
      .value_name("ID")
      .excludes(id);
  const Option file =
      command.add_option("--runtime-env", runtime_env_file, "The runtime_env: a YAML or JSON file")
          .value_name("FILE");
  command.add_option("--runtime-env-json", runtime_env_json, "The runtime_env as JSON text")
      .value_name("JSON")
      .excludes(file);
  command
      .add_option("--working-dir", working_dir,
                  "The job's directory, archive or URI; overrides the runtime_env's")
      .value_name("DIR|FILE");
  command
      .add_option("--metadata-json", metadata_json, "The job's metadata: a JSON object of strings")
      .value_name("JSON");
  command.add_option("--entrypoint-num-cpus", num_cpus, "CPUs to reserve for the entrypoint")
      .value_name("N");
  command.add_option("--entrypoint-num-gpus", num_gpus, "GPUs to reserve for the entrypoint")
      .value_name("N");
  command
      .add_option("--entrypoint-memory", memory, "Memory to reserve for the entrypoint, in bytes")
      .value_name("BYTES");
  command
      .add_option("--entrypoint-resources", resources_json,
                  "Other resources: a JSON object of numbers")
      .value_name("JSON");
  command
      .add_option("--entrypoint-label-selector", labels_json,
                  "Labels of the node: a JSON object of strings")
      .value_name("JSON");
  command.add_flag("--no-wait", no_wait, "Don't print the log and wait for the job to end");
  command.add_program("ENTRYPOINT", words, "The command and its arguments, after --");
}

}  // namespace

void register_job_submit(const Command& job_group, Tool& tool) {
  auto state = std::make_shared<SubmitCommand>();
  const Command command = add_command(
      job_group, tool, "submit", "Submit a job, print its log, and exit with its exit code",
      "  rtenv job submit --working-dir . -- python main.py\n"
      "  rtenv job submit --no-wait --runtime-env env.yaml -- python train.py --epochs 3");
  state->declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
