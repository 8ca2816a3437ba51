#include "rtenv/job_server.hpp"

#include "capi/call.hpp"

using namespace rtenv;
using capi::run;

struct rtenv_job_server {
  JobServer server;
};

namespace {

class CallersAuthenticator final : public Authenticator {
 public:
  CallersAuthenticator(rtenv_authenticate_fn call, void* user) : call_(call), user_(user) {}

  std::variant<Caller, Refusal> authenticate(const Request& request) override {
    const std::string method(request.method);
    const std::string path(request.path);
    const std::string address(request.address);
    const rtenv_request given{.method = method.c_str(),
                              .path = path.c_str(),
                              .address = address.c_str(),
                              .token = request.token ? request.token->c_str() : nullptr,
                              .uid = request.uid ? static_cast<std::int64_t>(*request.uid) : -1,
                              .was_forwarded = request.was_forwarded ? 1 : 0};
    switch (call_(&given, user_)) {
      case RTENV_ACCESS_SUBMIT: return Caller{.name = "user", .may_submit = true};
      case RTENV_ACCESS_READ: return Caller{.name = "reader"};
      case RTENV_ACCESS_UNKNOWN: return Refusal{.is_unknown = true, .message = "unknown"};
      default: return Refusal{.message = "refused"};
    }
  }

 private:
  rtenv_authenticate_fn call_;
  void* user_;
};

std::optional<Path> path_of(const char* text) {
  return text == nullptr ? std::nullopt : std::optional<Path>(text);
}

std::optional<std::string> string_of(const char* text) {
  return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

Result<JobServerOptions> server_options(const rtenv_job_server_options* given) {
  RTENV_TRY(const rtenv_job_server_options options, capi::read_struct(given, "options"));
  JobServerOptions result;
  result.insecure = options.insecure != 0;
  result.state_dir = capi::text_of(options.state_dir);
  result.cache_root = capi::text_of(options.cache_root);
  if (options.environment != nullptr) {
    RTENV_TRY(result.environment, capi::variables_of(options.environment, "options.environment"));
  }
  if (options.host != nullptr) result.host = options.host;
  constexpr int k_last_port = 65535;
  if (options.port < 0 || options.port > k_last_port)
    return Error(Errc::invalid_argument, "options.port isn't a port");
  result.port = static_cast<std::uint16_t>(options.port);
  result.unix_socket = path_of(options.unix_socket);
  result.tls_certificate = path_of(options.tls_certificate);
  result.tls_key = path_of(options.tls_key);
  result.token = string_of(options.token);
  result.token_file = path_of(options.token_file);
  if (options.authenticate != nullptr)
    result.authenticator =
        std::make_shared<CallersAuthenticator>(options.authenticate, options.authenticate_user);
  result.supervisor_program = capi::text_of(options.supervisor_program);
  result.python = string_of(options.python);
  if (!(options.cpus >= 0)) return Error(Errc::invalid_argument, "options.cpus is negative");
  if (options.cpus > 0) result.cpus = options.cpus;
  if (options.sandbox != 0)
    result.sandbox = JobSandbox{.has_network = options.sandbox_no_network == 0};
  else if (options.sandbox_no_network != 0 || options.sandbox_readable != nullptr)
    return Error(Errc::invalid_argument,
                 "options.sandbox_no_network and options.sandbox_readable need options.sandbox");
  for (const std::string& path : capi::strings_of(options.sandbox_readable))
    result.sandbox->readable.emplace_back(path);
  const auto limit = [](auto& option, std::uint64_t given_limit) {
    if (given_limit != 0) option = given_limit;
  };
  if (options.memory_bytes > INT64_MAX)
    return Error(Errc::invalid_argument, "options.memory_bytes is too large");
  limit(result.memory_bytes, options.memory_bytes);
  if (options.env_max_age_s != 0) result.env_max_age = capi::seconds_of(options.env_max_age_s);
  limit(result.max_processes, options.max_processes);
  limit(result.max_open_files, options.max_open_files);
  limit(result.max_running, options.max_running);
  limit(result.max_queued, options.max_queued);
  limit(result.max_setups, options.max_setups);
  limit(result.max_package_bytes, options.max_package_bytes);
  limit(result.max_uploads_bytes, options.max_uploads_bytes);
  limit(result.max_request_bytes, options.max_request_bytes);
  limit(result.max_request_memory_bytes, options.max_request_memory_bytes);
  limit(result.max_submission_memory_bytes, options.max_submission_memory_bytes);
  limit(result.max_log_bytes, options.max_log_bytes);
  limit(result.max_ended_jobs, options.max_ended_jobs);
  limit(result.max_jobs_bytes, options.max_jobs_bytes);
  if (options.job_ttl_s == UINT64_MAX)
    result.job_ttl.reset();
  else if (options.job_ttl_s != 0)
    result.job_ttl = capi::seconds_of(options.job_ttl_s);
  return result;
}

}  // namespace

rtenv_status rtenv_job_server_start(const struct rtenv_job_server_options* options,
                                    rtenv_job_server** server, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"options", options}, {"server", server}}));
    RTENV_TRY(const JobServerOptions read, server_options(options));
    RTENV_TRY(JobServer started, JobServer::start(read));
    *server = new rtenv_job_server{std::move(started)};
    return {};
  });
}

const char* rtenv_job_server_address(const rtenv_job_server* server) {
  return server == nullptr ? nullptr : server->server.address().c_str();
}

int32_t rtenv_job_server_poll_fd(const rtenv_job_server* server) {
  return server == nullptr ? -1 : server->server.poll_fd();
}

void rtenv_job_server_reload(rtenv_job_server* server) {
  if (server != nullptr) server->server.reload();
}

void rtenv_job_server_request_stop(rtenv_job_server* server) {
  if (server != nullptr) server->server.request_stop();
}

rtenv_status rtenv_job_server_stop(rtenv_job_server* server, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"server", server}}));
    return server->server.stop();
  });
}

void rtenv_job_server_free(rtenv_job_server* server) { delete server; }
