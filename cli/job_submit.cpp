#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/path_kind.hpp"
#include "base/processors.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/job.hpp"
#include "cli/progress.hpp"
#include "envbuild/push.hpp"
#include "job/job_id.hpp"
#include "runtime_env/runtime_env.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv::cli {
namespace {

using nlohmann::json;

struct SubmitCommand {
  JobServerOptions server;
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
  [[nodiscard]] Result<json> runtime_env(const Tool& tool) const;
  [[nodiscard]] Result<json> body(const Tool& tool) const;
  void print_next_steps(const std::string& id, const std::string& address) const;
};

Result<json> parse_object(const char* option, const std::string& text) {
  RTENV_TRY(json value, runtime_env::parse_json(text, option));
  if (!value.is_object()) return fail(Errc::invalid_argument, "{} must be a JSON object", option);
  return value;
}

// Uploads local directories and files to the job server and returns the URIs they have there.
class Uploader {
 public:
  Uploader(const Tool& tool, const Environment& environment, std::vector<std::string> excludes)
      : tool_(tool), environment_(environment), excludes_(std::move(excludes)) {}

  Result<std::string> uri_of(const std::string& source, bool is_module) {
    if (remote::looks_like_uri(source)) return source;
    const Path path(source);
    RTENV_TRY(const PathKind kind, path_kind(path));
    const bool is_directory = kind == PathKind::folder;
    if (!is_directory && is_module && path.extension() != ".whl" && !pkg::is_remote_archive(source))
      return fail(Errc::invalid_argument, "{} is neither a directory, nor a wheel, nor an archive",
                  source);
    if (!is_directory && !is_module && !pkg::is_remote_archive(source))
      return fail(Errc::invalid_argument, "{} is neither a directory nor an archive", source)
          .hint("expected a directory, .zip, .tar.gz, .tgz or .tar.xz");
    RTENV_TRY(const auto uri, remote::Uri::parse("gcs://"));
    const auto pushed = [&] {
      ProgressLine progress(tool_);
      const envbuild::PushOptions options{
          .store = {.environment = environment_, .cancellation = tool_.cancellation},
          .on_progress = progress.callback()};
      return is_directory
                 ? envbuild::push_directory(path, package_options(path, is_module), uri, options)
                 : envbuild::push_file(path, uri, options);
    }();
    if (!pushed) return Failure(pushed.error());
    const std::string name = pushed->uri.text();
    log::info("{}", pushed->uploaded
                        ? fmt::format("Uploaded package {} ({} bytes).", name, pushed->size_bytes)
                        : fmt::format("Package {} already exists, skipping upload.", name));
    return name;
  }

 private:
  [[nodiscard]] pkg::PackageOptions package_options(const Path& directory, bool is_module) const;
  const Tool& tool_;
  const Environment& environment_;
  std::vector<std::string> excludes_;
};

// As Ray's client packs them, so that the names are the same; a module keeps its top folder.
pkg::PackageOptions Uploader::package_options(const Path& directory, bool is_module) const {
  pkg::PackageOptions options;
  options.scan = pkg::scan_options(environment_, pkg::Scheme::ray, excludes_);
  options.zip.scheme = pkg::Scheme::ray;
  options.zip.threads = default_threads();
  options.zip.cancellation = tool_.cancellation;
  if (is_module) options.zip.top = std::filesystem::weakly_canonical(directory).filename().native();
  options.digest_cache = tool_.digest_cache();
  return options;
}

// Replaces the path of a requirements file, which the server couldn't read, by the file's packages.
Result<void> inline_requirements(json& runtime_env) {
  for (const char* field : {"uv", "pip"}) {
    if (!runtime_env.contains(field)) continue;
    json& value = runtime_env[field];
    json* const list =
        value.is_object() && value.contains("packages") ? &value["packages"] : &value;
    if (!list->is_string()) continue;
    RTENV_TRY(const auto parsed, runtime_env::parse_runtime_env({{field, value}}));
    *list = parsed.packages ? json(parsed.packages->requirements) : json::array();
  }
  return {};
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
  if (!working_dir.empty()) value["working_dir"] = working_dir;
  RTENV_TRY(const auto parsed, runtime_env::parse_runtime_env(value));
  RTENV_TRY(runtime_env::check_locations(parsed));
  RTENV_TRY(inline_requirements(value));
  return value;
}

Result<json> SubmitCommand::body(const Tool& tool) const {
  json body{{"entrypoint", shell_join(words)}};
  RTENV_TRY(json env, runtime_env(tool));
  if (!env.empty()) body["runtime_env"] = std::move(env);
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
  if (!given.empty()) RTENV_TRY(job::check_job_id(given));
  body["submission_id"] = given.empty() ? job::make_job_id() : given;
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
  RTENV_TRY(json body, this->body(tool));  // invalid input fails before anything is uploaded
  RTENV_TRY(auto client, server.connect(tool));
  const std::string shown_address = client.server().shown();
  tool.output.print_text("Job submission server address: " + shown_address);
  RTENV_TRY(const bool is_rtenv, client.is_rtenv());
  if (body.contains("runtime_env")) {
    json& env = body["runtime_env"];
    Uploader uploader(tool, client.environment(),
                      env.value("excludes", std::vector<std::string>()));
    if (env.contains("working_dir")) {
      RTENV_TRY(env["working_dir"], uploader.uri_of(env["working_dir"].get<std::string>(), false));
    }
    if (env.contains("py_modules"))
      for (json& module : env["py_modules"]) {
        RTENV_TRY(module, uploader.uri_of(module.get<std::string>(), true));
      }
  }
  const bool own_id = submission_id.empty() && job_id.empty();
  RTENV_TRY(client.submit(body, own_id));
  const std::string id = body["submission_id"].get<std::string>();
  if (!tool.output.json) print_next_steps(id, shown_address);
  if (no_wait) {
    tool.output.print_json({{"submission_id", id}, {"address", shown_address}});
    return 0;
  }
  tool.output.print_text("Tailing logs until the job exits (disable with --no-wait):");
  return follow_to_the_end(tool, client, is_rtenv, id);
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
