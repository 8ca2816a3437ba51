
#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "base/duration.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/open_files.hpp"
#include "cli/commands.hpp"
#include "cli/server_process.hpp"

namespace rtenv::cli {
namespace {

struct ServeCommand {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8265;
  std::string listen;
  std::string state_dir;
  std::string token_file;
  std::string tls_cert;
  std::string tls_key;
  bool insecure = false;
  std::vector<std::string> allowed_hosts;
  std::optional<double> num_cpus;
  std::optional<unsigned> num_gpus;
  std::string memory;
  std::string resources;
  std::size_t max_queued = 10'000;
  std::size_t max_running = 0;
  std::size_t max_setups = 16;
  std::string job_ttl = "7d";
  std::string max_log_size = "1GiB";
  std::string max_jobs_size = "100GiB";
  std::size_t max_ended_jobs = 100'000;
  std::string max_package_size = "10GiB";
  std::string max_uploads_size = "20GiB";
  std::string max_request_size = "4MiB";
  std::string max_request_memory = "64MiB";
  std::string max_submission_memory = "256MiB";
  std::optional<std::uint64_t> max_processes;
  std::optional<std::uint64_t> max_open_files;
  bool sandbox = false;
  bool sandbox_no_network = false;
  std::vector<std::string> sandbox_show;
  std::string python;
  std::string env_max_age;
  std::string ray_version = RTENV_RAY_VERSION;

  void declare(const Command& command);
  [[nodiscard]] Result<int> run(const Tool& tool) const;

 private:
  [[nodiscard]] Result<Path> state_root(const Tool& tool) const;
  [[nodiscard]] Result<void> find_token(const Tool& tool, JobServerOptions& options) const;
  [[nodiscard]] Result<void> set_limits(JobServerOptions& options) const;
  [[nodiscard]] Result<void> set_resources(JobServerOptions& options) const;
  [[nodiscard]] Result<std::optional<JobSandbox>> chosen_sandbox() const;
};

void ServeCommand::declare(const Command& command) {
  const Option by_host =
      command
          .add_option(
              "--host", host,
              "The address to listen on [127.0.0.1]; any other than loopback needs a token and TLS")
          .value_name("IP");
  const Option by_port =
      command.add_option("--port", port, "The port to listen on [8265]; 0: any free port")
          .value_name("PORT");
  command
      .add_option("--listen", listen,
                  "Listen on a Unix socket, which its owner and root can use, instead of TCP")
      .value_name("unix:PATH")
      .excludes(by_host)
      .excludes(by_port);
  command
      .add_option("--state-dir", state_dir,
                  "The folder for jobs and their logs [RTENV_STATE_DIR; ~/.local/state/rtenv]")
      .value_name("DIR");
  command
      .add_option("--token-file", token_file,
                  "Admit other users who present this token; or lines NAME read|submit TOKEN "
                  "[RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token, if there is one]")
      .value_name("FILE");
  command.add_option("--tls-cert", tls_cert, "The certificate, PEM, with its chain")
      .value_name("FILE");
  command.add_option("--tls-key", tls_key, "The certificate's key, PEM").value_name("FILE");
  command.add_flag("--insecure", insecure,
                   "Admit anybody without a token, and other machines without TLS");
  command
      .add_option("--allowed-host", allowed_hosts,
                  "A host name that clients may use for this server (repeatable)")
      .value_name("NAME")
      .one_value_each();
  command.add_option("--num-cpus", num_cpus, "CPUs for jobs [all]").not_negative().value_name("N");
  command.add_option("--num-gpus", num_gpus, "GPUs for jobs [all]").value_name("N");
  command.add_option("--memory", memory, "Memory for jobs [all]").value_name("SIZE");
  command.add_option("--resources", resources, "Other resources: a JSON object of numbers")
      .value_name("JSON");
  command
      .add_option("--max-queued", max_queued,
                  "Jobs that may wait; further ones are refused with status 429 [10000]")
      .value_name("N");
  command
      .add_option("--max-running", max_running,
                  "Jobs that may run at a time, whatever they request [0: any number]")
      .value_name("N");
  command
      .add_option("--max-setups", max_setups,
                  "Environments and directories that are prepared at a time for one user [16]")
      .value_name("N");
  command
      .add_option("--job-ttl", job_ttl,
                  "How long ended jobs and their logs are kept; 0: forever [7d]")
      .value_name("TIME");
  command
      .add_option("--max-ended-jobs", max_ended_jobs,
                  "How many ended jobs are kept; those that ended first are removed earlier than "
                  "--job-ttl says [100000]")
      .value_name("N");
  command
      .add_option(
          "--max-jobs-size", max_jobs_size,
          "Of the logs and records of all jobs; those that ended first are removed earlier, "
          "and if that isn't enough, submissions are refused with status 507 [100GiB]")
      .value_name("SIZE");
  command
      .add_option("--max-log-size", max_log_size,
                  "Size limit of a job's log; beyond it, the middle of the log is dropped [1GiB]")
      .value_name("SIZE");
  command
      .add_option("--max-package-size", max_package_size,
                  "Size limit of an uploaded package [10GiB]")
      .value_name("SIZE");
  command
      .add_option(
          "--max-uploads-size", max_uploads_size,
          "Of all packages that are being uploaded; further ones are refused with status 507 "
          "[20GiB]")
      .value_name("SIZE");
  command
      .add_option("--max-request-size", max_request_size,
                  "Size limit of any other request; larger ones are refused with status 413 [4MiB]")
      .value_name("SIZE");
  command
      .add_option("--max-request-memory", max_request_memory,
                  "Of all requests that are being read; further ones are refused with status 429 "
                  "[64MiB]")
      .value_name("SIZE");
  command
      .add_option("--max-submission-memory", max_submission_memory,
                  "Of what all unfinished jobs were submitted with; further ones are refused with "
                  "status 429 [256MiB]")
      .value_name("SIZE");
  command
      .add_option("--max-processes", max_processes,
                  "Limit of processes per job; a job that exceeds it is stopped")
      .value_name("N");
  command.add_option("--max-open-files", max_open_files, "Limit of open files per process of a job")
      .value_name("N");
  command.add_flag(
      "--sandbox", sandbox,
      "Run jobs in bubblewrap: they see no home directory, other processes, sockets of services, "
      "or other jobs' files, and write to their own directory only");
  command
      .add_option("--sandbox-show", sandbox_show,
                  "A file or folder that sandboxed jobs can read although it is in a home "
                  "directory, /tmp or /run (repeatable)")
      .value_name("PATH");
  command.add_flag("--sandbox-no-network", sandbox_no_network,
                   "Sandboxed entrypoints have no network; their packages are installed before");
  command
      .add_option(
          "--python", python,
          "The interpreter for environments: a path, a name, or a version [RTENV_PYTHON; python3]")
      .value_name("PY");
  command
      .add_option("--env-max-age", env_max_age,
                  "Build a job's environment anew if it is older and has something that isn't "
                  "pinned; if that fails, the old one is used [any age]")
      .value_name("TIME");
  command
      .add_option("--ray-version", ray_version,
                  "The version of Ray that the server reports to clients [" RTENV_RAY_VERSION "]")
      .value_name("VERSION");
}

Result<Path> ServeCommand::state_root(const Tool& tool) const {
  if (!state_dir.empty()) return Path(std::filesystem::absolute(state_dir));
  if (const auto set = tool.environment.find_filled("RTENV_STATE_DIR")) return Path(*set);
  if (const auto set = tool.environment.find_filled("XDG_STATE_HOME")) return Path(*set) / "rtenv";
  if (const auto home = tool.environment.find_filled("HOME"))
    return Path(*home) / ".local" / "state" / "rtenv";
  return fail(Errc::invalid_argument, "cannot choose a folder for the jobs: HOME isn't set")
      .hint("give --state-dir DIR");
}

Result<std::uint64_t> size_of(const char* option, const std::string& text) {
  auto bytes = parse_byte_size(text);
  if (!bytes) return Failure(std::move(bytes).error().within(option));
  return bytes;
}

Result<std::chrono::seconds> time_of(const char* option, const std::string& text) {
  auto time = parse_duration(text);
  if (!time) return Failure(std::move(time).error().within(option));
  return time;
}

// As `ray start` does (2.60): a token that exists is required, unless RAY_AUTH_MODE is "disabled".
Result<void> ServeCommand::find_token(const Tool& tool, JobServerOptions& options) const {
  const auto mode = tool.environment.find_filled("RAY_AUTH_MODE");
  const auto require = [](std::string_view where) {
    log::info("other users need the token in {}", where);
  };
  if (!token_file.empty()) {
    options.token_file = token_file;
    return {};
  }
  if (mode == "disabled") return {};
  if (const auto set = tool.environment.find_filled("RAY_AUTH_TOKEN")) {
    options.token = *set;
    require("RAY_AUTH_TOKEN");
    return {};
  }
  if (const auto set = tool.environment.find_filled("RAY_AUTH_TOKEN_PATH")) {
    options.token_file = *set;
  } else if (const auto home = tool.environment.find_filled("HOME")) {
    const Path file = Path(*home) / ".ray" / "auth_token";
    std::error_code error;
    if (std::filesystem::exists(file, error)) options.token_file = file;
  }
  if (options.token_file) {
    require(options.token_file->native());
    return {};
  }
  if (mode != "token") return {};
  return fail(Errc::invalid_argument, "RAY_AUTH_MODE is token, but there is no token")
      .hint("give --token-file FILE");
}

// Jobs run as the same user: they mustn't find a token in this process, or in its core dump.
void hide_secrets() {
  ::prctl(PR_SET_DUMPABLE, 0);
  if (char* const token = ::getenv("RAY_AUTH_TOKEN")) ::explicit_bzero(token, std::strlen(token));
}

Result<std::optional<JobSandbox>> ServeCommand::chosen_sandbox() const {
  if (!sandbox && (sandbox_no_network || !sandbox_show.empty()))
    return fail(Errc::invalid_argument, "--sandbox-show and --sandbox-no-network need --sandbox");
  if (!sandbox) return std::optional<JobSandbox>();
  for (const std::string& shown : sandbox_show) {
    std::error_code error;
    if (!std::filesystem::exists(shown, error))
      return fail(Errc::not_found, "--sandbox-show {}: there is no such file or folder", shown);
  }
  log::info(
      "jobs run in a sandbox: home directories, /tmp and /run are empty there but for what "
      "--sandbox-show names");
  return std::optional(JobSandbox{.readable = {sandbox_show.begin(), sandbox_show.end()},
                                  .has_network = !sandbox_no_network});
}

Result<void> ServeCommand::set_resources(JobServerOptions& options) const {
  options.cpus = num_cpus;
  if (num_gpus) {
    options.gpus.emplace();
    for (unsigned i = 0; i < *num_gpus; ++i) options.gpus->push_back(static_cast<int>(i));
  }
  if (!memory.empty()) {
    RTENV_TRY(const auto bytes, size_of("--memory", memory));
    options.memory_bytes = static_cast<std::int64_t>(bytes);
  }
  if (resources.empty()) return {};
  const auto object = json_from_text(resources);
  if (!object.is_object())
    return fail(Errc::invalid_argument, "--resources isn't a JSON object")
        .hint("for example --resources '{{\"tpu\": 4}}'");
  for (const auto& [name, amount] : object.items()) {
    if (!amount.is_number() || amount.get<double>() < 0)
      return fail(Errc::invalid_argument,
                  "--resources: '{}' must be a number that isn't negative, got {}", name,
                  amount.dump());
    options.resources[name] = amount.get<double>();
  }
  return {};
}

Result<void> ServeCommand::set_limits(JobServerOptions& options) const {
  RTENV_TRY(options.max_package_bytes, size_of("--max-package-size", max_package_size));
  RTENV_TRY(options.max_uploads_bytes, size_of("--max-uploads-size", max_uploads_size));
  RTENV_TRY(options.max_request_bytes, size_of("--max-request-size", max_request_size));
  RTENV_TRY(options.max_request_memory_bytes, size_of("--max-request-memory", max_request_memory));
  RTENV_TRY(options.max_submission_memory_bytes,
            size_of("--max-submission-memory", max_submission_memory));
  RTENV_TRY(const auto ttl, time_of("--job-ttl", job_ttl));
  options.job_ttl = ttl.count() > 0 ? std::optional(ttl) : std::nullopt;
  RTENV_TRY(options.max_log_bytes, size_of("--max-log-size", max_log_size));
  RTENV_TRY(options.max_jobs_bytes, size_of("--max-jobs-size", max_jobs_size));
  const auto at_least_one = {std::pair{"--max-ended-jobs", std::uint64_t{max_ended_jobs}},
                             {"--max-queued", std::uint64_t{max_queued}},
                             {"--max-setups", std::uint64_t{max_setups}}};
  for (const auto& [option, value] : at_least_one)
    if (value == 0) return fail(Errc::invalid_argument, "{} must be at least 1", option);
  options.max_ended_jobs = max_ended_jobs;
  options.max_queued = max_queued;
  options.max_running = max_running;
  options.max_setups = max_setups;
  options.max_open_files = max_open_files;
  options.max_processes = max_processes;
  return {};
}

Result<int> ServeCommand::run(const Tool& tool) const {
  JobServerOptions options{.host = host,
                           .port = port,
                           .allowed_hosts = allowed_hosts,
                           .insecure = insecure,
                           .ray_version = ray_version};
  options.environment = tool.environment.values();
  options.cache_root = tool.cache_dir;
  if (!listen.empty()) {
    constexpr std::string_view k_unix = "unix:";
    if (!listen.starts_with(k_unix) || listen.size() == k_unix.size())
      return fail(Errc::invalid_argument, "--listen {}: only unix:PATH can be given", listen)
          .hint("--host and --port choose an address of TCP");
    options.unix_socket = listen.substr(k_unix.size());
  }
  RTENV_TRY(find_token(tool, options));
  hide_secrets();
  if (!tls_cert.empty()) options.tls_certificate = tls_cert;
  if (!tls_key.empty()) options.tls_key = tls_key;
  RTENV_TRY(options.sandbox, chosen_sandbox());
  RTENV_TRY(set_limits(options));
  RTENV_TRY(set_resources(options));
  RTENV_TRY(options.state_dir, state_root(tool));
  if (!python.empty()) options.python = python;
  if (!env_max_age.empty()) {
    RTENV_TRY(options.env_max_age, time_of("--env-max-age", env_max_age));
  }
  // Each connection and each running job needs descriptors.
  options.open_files = raise_open_files_limit();
  options.supervisor_program = "/proc/self/exe";
  options.supervisors_use_standard_error = true;
  RTENV_TRY(run_server(std::move(options), tool));
  return 0;
}

}  // namespace

void register_serve(const Command& root, Tool& tool) {
  auto state = std::make_shared<ServeCommand>();
  const Command command =
      add_command(root, tool, "serve",
                  "Run a job server that speaks Ray's job API; prints its address once it is ready",
                  "  rtenv serve --num-cpus 8\n  ray job submit --address http://127.0.0.1:8265 "
                  "--working-dir . -- python main.py");
  state->declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
