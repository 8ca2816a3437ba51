#include "rtenv/job_server.hpp"

#include "api/call.hpp"
#include "api/duration.hpp"
#include "api/host_job_store.hpp"
#include "api/job_sandbox.hpp"
#include "api/supervisor_program.hpp"
#include "base/absolute_path.hpp"
#include "base/log.hpp"
#include "base/wait_scope.hpp"
#include "cache/cache.hpp"
#include "envbuild/cache_settings.hpp"
#include "runtime_env/interpreter.hpp"
#include "server/server.hpp"
#include "server/state_folder.hpp"

namespace rtenv {

Authenticator::~Authenticator() = default;
JobStore::~JobStore() = default;

struct JobServer::State {
  server::Server server;
};

namespace {

// The caller's authenticator, as the server uses it.
class HostAuthenticator final : public server::Authenticator {
 public:
  explicit HostAuthenticator(std::shared_ptr<rtenv::Authenticator> host) : host_(std::move(host)) {}

  std::variant<server::Caller, server::Refusal> authenticate(
      const server::Credentials& credentials) override {
    const auto answer = host_->authenticate({.method = credentials.method,
                                             .path = credentials.path,
                                             .address = credentials.address,
                                             .uid = credentials.uid,
                                             .token = credentials.token,
                                             .was_forwarded = credentials.was_forwarded});
    if (const auto* const refusal = std::get_if<rtenv::Authenticator::Refusal>(&answer)) {
      using Reason = server::Refusal::Reason;
      return server::Refusal{.reason = refusal->is_unknown ? Reason::unknown : Reason::forbidden,
                             .message = refusal->message};
    }
    const auto& caller = std::get<rtenv::Authenticator::Caller>(answer);
    return server::Caller{.name = caller.name,
                          .right = caller.may_submit ? server::Right::submit : server::Right::read};
  }

 private:
  std::shared_ptr<rtenv::Authenticator> host_;
};

std::optional<Path> absolute(const std::optional<Path>& path) {
  return path ? std::optional(absolute_path(*path)) : std::nullopt;
}

Result<cache::Cache> open_cache(const Path& root, const Environment& environment) {
  cache::CacheOptions options;
  RTENV_TRY(options.limits, envbuild::cache_limits(environment));
  RTENV_TRY(options, envbuild::with_folder_settings(std::move(options), environment));
  return cache::Cache::open(root, std::move(options));
}

Result<server::ManagerOptions> manager_options(const JobServerOptions& options,
                                               const Environment& environment) {
  if (options.state_dir.empty()) return fail(Errc::invalid_argument, "state_dir isn't given");
  const auto at_least_one = {std::pair{"max_queued", options.max_queued},
                             {"max_setups", options.max_setups},
                             {"max_request_bytes", options.max_request_bytes},
                             {"max_request_memory_bytes", options.max_request_memory_bytes},
                             {"max_submission_memory_bytes", options.max_submission_memory_bytes},
                             {"max_ended_jobs", options.max_ended_jobs}};
  for (const auto& [name, value] : at_least_one)
    if (value == 0) return fail(Errc::invalid_argument, "{} must be at least 1", name);
  if (options.cpus && !(*options.cpus >= 0))
    return fail(Errc::invalid_argument, "cpus is negative, or not a number");
  if (options.memory_bytes.value_or(0) < 0)
    return fail(Errc::invalid_argument, "memory_bytes is negative");
  for (const int gpu : options.gpus.value_or(std::vector<int>()))
    if (gpu < 0) return fail(Errc::invalid_argument, "gpus has a negative number");
  if (options.unix_socket && options.unix_socket->empty())
    return fail(Errc::invalid_argument, "unix_socket is empty");
  for (const std::string& text : {options.host, options.unix_socket.value_or("").native()})
    if (text.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument, "host or unix_socket has a NUL byte");
  if (options.unix_socket && options.listening_socket >= 0)
    return fail(Errc::invalid_argument, "unix_socket and listening_socket exclude each other");
  if (options.token && options.token->empty())
    return fail(Errc::invalid_argument, "token is empty");
  if (options.token && options.token_file)
    return fail(Errc::invalid_argument, "token and token_file exclude each other");
  // The loader, the standard streams and a file or two.
  constexpr std::uint64_t k_least_open_files = 16;
  const auto open_files = {std::pair{"max_open_files", options.max_open_files},
                           {"open_files", options.open_files}};
  for (const auto& [name, value] : open_files)
    if (value.value_or(k_least_open_files) < k_least_open_files)
      return fail(Errc::invalid_argument, "{} must be at least {}: no program could start", name,
                  k_least_open_files);
  if (options.max_processes == 0U)
    return fail(Errc::invalid_argument, "max_processes must be at least 1");
  for (const auto& [name, amount] : options.resources) {
    if (name.empty() || !(amount >= 0))
      return fail(Errc::invalid_argument,
                  "resources: '{}' has no name, is negative, or isn't a number", name);
    if (name == "CPU" || name == "GPU" || name == "memory")
      return fail(Errc::invalid_argument, "resources: '{}' isn't a custom resource", name)
          .hint("cpus, gpus and memory_bytes have options of their own");
  }
  server::ManagerOptions result;
  result.state_dir = absolute_path(options.state_dir);
  if (!options.supervisors_use_standard_error)
    result.supervisor_log = result.state_dir / "supervisors.log";
  if (options.open_store) result.open_store = api::HostJobStore::factory(options.open_store);
  RTENV_TRY(result.supervisor_program,
            api::find_supervisor_program(options.supervisor_program, environment));
  result.environment = environment;
  const Path base = absolute_path(".");
  runtime_env::locate_python(result.environment, base);
  result.node = server::find_node_resources(environment);
  if (options.cpus) result.node.cpus = *options.cpus;
  if (options.gpus) result.node.gpus = *options.gpus;
  if (options.memory_bytes) result.node.memory_bytes = *options.memory_bytes;
  for (const auto& [name, amount] : options.resources) result.node.custom[name] = amount;
  if (options.sandbox) {
    std::vector<Path> secrets;
    for (const auto& secret : {options.token_file, options.tls_key})
      if (secret) secrets.push_back(absolute_path(*secret));
    RTENV_TRY(result.sandbox, api::sandbox_policy(*options.sandbox, secrets, environment));
  }
  result.limits = {.open_files = options.max_open_files, .processes = options.max_processes};
  result.open_files = options.open_files;
  result.max_setups = options.max_setups;
  result.max_submission_memory_bytes = options.max_submission_memory_bytes;
  result.max_ended_jobs = options.max_ended_jobs;
  result.max_jobs_bytes = options.max_jobs_bytes;
  RTENV_TRY(result.env_max_age, api::checked_span(options.env_max_age, "env_max_age"));
  result.max_running = options.max_running;
  result.max_queued = options.max_queued;
  result.log.max_bytes = options.max_log_bytes;
  RTENV_TRY(result.job_ttl, api::checked_span(options.job_ttl, "job_ttl"));
  result.python = runtime_env::located_python(options.python, base);
  return result;
}

// Without a cache that can be used, each job would fail. But it keeps no server from taking over
// the jobs of the one before.
Result<void> check_cache(const std::function<Result<cache::Cache>()>& open,
                         const Path& state_folder) {
  constexpr std::chrono::seconds k_patience{2};
  const WaitScope scope(k_patience);
  const auto cache = open();
  if (cache) return {};
  const Errc code = cache.error().code();
  if (!server::has_state(state_folder) && code != Errc::out_of_space && code != Errc::unavailable)
    return Failure(cache.error());
  log::warn("{}", cache.error().message());
  return {};
}

Result<server::ServerOptions> server_options(const JobServerOptions& options) {
  RTENV_TRY(api::check_environment(options.environment));
  Environment environment = api::environment_of(options.environment);
  Path cache_root = options.cache_root;
  if (cache_root.empty()) {
    RTENV_TRY(cache_root, envbuild::cache_root(environment));
  }
  cache_root = absolute_path(cache_root);
  // The supervisors must use it, too; it may be relative to the current folder.
  if (!options.cache_root.empty() || environment.find_filled("RTENV_CACHE_DIR"))
    environment.set("RTENV_CACHE_DIR", cache_root.native());
  server::ServerOptions result{
      .listen = {.host = options.host, .port = options.port},
      .insecure = options.insecure,
      .allowed_hosts = options.allowed_hosts,
      .token_file = absolute(options.token_file),
      .token = options.token,
      .tls_certificate = absolute(options.tls_certificate),
      .tls_key = absolute(options.tls_key),
      .rtenv_version = RTENV_VERSION,
      .ray_version = options.ray_version.empty() ? RTENV_RAY_VERSION : options.ray_version};
  result.listen.unix_socket = absolute(options.unix_socket);
  if (options.authenticator) {
    if (options.token || options.token_file)
      return fail(Errc::invalid_argument, "an authenticator and tokens exclude each other");
    result.authenticator = std::make_shared<HostAuthenticator>(options.authenticator);
  }
  result.max_package_bytes = options.max_package_bytes;
  result.max_uploads_bytes = options.max_uploads_bytes;
  result.max_request_bytes = options.max_request_bytes;
  result.max_request_memory_bytes = options.max_request_memory_bytes;
  RTENV_TRY(result.manager, manager_options(options, environment));
  result.open_cache = [cache_root, environment] { return open_cache(cache_root, environment); };
  RTENV_TRY([[maybe_unused]] const auto tier, envbuild::remote_tier(environment));
  return result;
}

Failure fail_moved() { return fail(Errc::invalid_argument, "the server was moved elsewhere"); }

}  // namespace

Result<JobServer> JobServer::start(const JobServerOptions& options) {
  Fd listening_socket(std::max(options.listening_socket, -1));  // it is closed whatever happens
  return api::in_call(options.stop, [&](api::Call& call) -> Result<JobServer> {
    const auto go_on = [&] {
      return check_not_cancelled(call.cancellation(), "starting", "a server");
    };
    RTENV_TRY(go_on());
    RTENV_TRY(auto internal, server_options(options));
    RTENV_TRY(check_cache(internal.open_cache, internal.manager.state_dir));
    internal.cancellation = call.cancellation();
    internal.listening_socket = std::move(listening_socket);
    RTENV_TRY(auto server, server::Server::start(std::move(internal)));
    RTENV_TRY(go_on());
    return JobServer(std::unique_ptr<State>(new State{std::move(server)}));
  });
}

JobServer::JobServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
JobServer::JobServer(JobServer&& other) noexcept = default;
JobServer& JobServer::operator=(JobServer&& other) noexcept = default;
JobServer::~JobServer() = default;

const std::string& JobServer::address() const noexcept {
  static const std::string none;
  return state_ ? state_->server.address() : none;
}

void JobServer::reload() noexcept {
  if (state_) state_->server.reload();
}

void JobServer::request_stop() noexcept {
  if (state_) state_->server.request_stop();
}

int JobServer::poll_fd() const noexcept { return state_ ? state_->server.poll_fd() : -1; }

Result<void> JobServer::wait() {
  if (!state_) return fail_moved();
  return api::guarded([&] { return state_->server.wait(); });
}

Result<void> JobServer::stop() {
  if (!state_) return fail_moved();
  return api::guarded([&] { return state_->server.stop(); });
}

}  // namespace rtenv
