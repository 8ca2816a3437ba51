#include "rtenv/job_client.hpp"

#include <atomic>
#include <nlohmann/json.hpp>

#include "api/call.hpp"
#include "api/job_upload.hpp"
#include "base/absolute_path.hpp"
#include "base/json_text.hpp"
#include "client/job_client.hpp"
#include "client/log_follower.hpp"
#include "job/job_id.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv {

using api::Call;
using api::in_call;
using nlohmann::json;

// Each call has a connection of its own, and with it a time limit of its own.
struct JobClient::State {
  Options options;
  std::string address;  // empty: that of the environment
  std::string shown_address = {};
  /// It was asked once.
  enum class Server : std::uint8_t { unknown, ray, rtenv };
  std::atomic<Server> server = Server::unknown;
};

namespace {

// With the address of the server, and the credentials for it.
template <class State>
Result<Environment> server_environment(const State& state, Environment environment) {
  if (!state.address.empty()) environment.set("RAY_API_SERVER_ADDRESS", state.address);
  RTENV_TRY(const Variables credentials,
            api::credentials_for(state.address, state.options.credentials));
  for (const auto& [name, value] : credentials) environment.set(name, value);
  return environment;
}

// Whether the server is rtenv's. Fails also if it isn't a job server.
template <class State>
Result<bool> is_rtenv(State& state, client::JobClient& client) {
  using Server = typename State::Server;
  if (const Server known = state.server; known != Server::unknown) return known == Server::rtenv;
  RTENV_TRY(const bool found, client.is_rtenv());
  state.server = found ? Server::rtenv : Server::ray;
  return found;
}

// Calls `work` with a client for one request.
template <class State, class Work>
auto with_client(const State* state, Work work)
    -> decltype(work(std::declval<client::JobClient&>())) {
  if (state == nullptr) return fail(Errc::invalid_argument, "the client was moved elsewhere");
  using Value = decltype(work(std::declval<client::JobClient&>()));
  return in_call(state->options, [&](Call& call) -> Value {
    RTENV_TRY(auto environment, server_environment(*state, call.environment()));
    RTENV_TRY(auto opened, client::JobClient::open(std::move(environment), call.cancellation()));
    return work(opened);
  });
}

// Of an empty id, the request would be another one.
template <class State, class Work>
auto with_job(const State* state, std::string_view id, Work work)
    -> decltype(work(std::declval<client::JobClient&>(), std::string())) {
  if (id.empty()) return fail(Errc::invalid_argument, "the job's id is empty");
  return with_client(state,
                     [&](client::JobClient& client) { return work(client, std::string(id)); });
}

Result<std::string> text_of(Result<json> value) {
  if (!value) return Failure(std::move(value).error());
  return json_text(*value);
}

}  // namespace

JobClient::JobClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
JobClient::JobClient(JobClient&& other) noexcept = default;
JobClient& JobClient::operator=(JobClient&& other) noexcept = default;
JobClient::~JobClient() = default;

Result<JobClient> JobClient::open(std::string_view address, const Options& options) {
  return api::guarded([&]() -> Result<JobClient> {
    constexpr std::string_view k_unix = "unix:";
    std::string server(address);
    if (address.starts_with(k_unix) && address.size() > k_unix.size())
      server = std::string(k_unix) +
               absolute_path(options.base / address.substr(k_unix.size())).native();
    JobClient client(std::unique_ptr<State>(new State{options, std::move(server)}));
    // So that a wrong address is known now.
    RTENV_TRY(
        client.state_->shown_address,
        with_client(client.state_.get(), [](client::JobClient& opened) -> Result<std::string> {
          return opened.server().shown();
        }));
    return client;
  });
}

const std::string& JobClient::address() const noexcept {
  static const std::string none;
  return state_ ? state_->shown_address : none;
}

Result<std::string> JobClient::upload(std::string_view runtime_env,
                                      const JobUploadOptions& options) {
  return with_client(state_.get(), [&](client::JobClient& client) -> Result<std::string> {
    RTENV_TRY(json value, runtime_env::parse_json(runtime_env, "the runtime_env"));
    if (value.is_null()) value = json::object();
    if (options.working_dir && value.is_object()) value["working_dir"] = *options.working_dir;
    RTENV_TRY(value, api::checked_runtime_env(std::move(value), state_->options.base));
    RTENV_TRY(is_rtenv(*state_, client));  // an old server can't use what it would get
    PushOptions push;
    static_cast<Options&>(push) = state_->options;
    push.environment = client.environment().values();
    push.digest_cache = options.digest_cache;
    RTENV_TRY(value, api::upload_runtime_env(std::move(value), push));
    return json_text(value);
  });
}

Result<std::string> JobClient::submit(std::string_view body) {
  return with_client(state_.get(), [&](client::JobClient& client) -> Result<std::string> {
    RTENV_TRY(json request, runtime_env::parse_json(body, "the request"));
    if (!request.is_object())
      return fail(Errc::invalid_argument, "the request isn't a JSON object");
    json& id = request["submission_id"];
    const bool is_own = id.is_null();
    if (is_own) id = job::make_job_id();
    if (!id.is_string()) return fail(Errc::invalid_argument, "submission_id isn't a string");
    RTENV_TRY(job::check_job_id(id.get<std::string>()));
    RTENV_TRY(is_rtenv(*state_, client));
    RTENV_TRY(client.submit(request, is_own));
    return id.get<std::string>();
  });
}

Result<std::string> JobClient::details(std::string_view id) {
  return with_job(state_.get(), id, [&](client::JobClient& client, const std::string& job) {
    return text_of(client.details(job));
  });
}

Result<std::string> JobClient::list(const JobListOptions& options) {
  return with_client(state_.get(), [&](client::JobClient& client) {
    return text_of(
        client.list({.status = options.status, .limit = options.limit, .offset = options.offset}));
  });
}

Result<std::string> JobClient::logs(std::string_view id) {
  return with_job(state_.get(), id, [](client::JobClient& client, const std::string& job) {
    return client.logs(job);
  });
}

Result<std::string> JobClient::follow(std::string_view id,
                                      const std::function<Result<void>(std::string_view)>& output,
                                      const JobFollowOptions& options) {
  const auto guarded = [&](std::string_view text) -> Result<void> {
    try {
      return output(text);
    } catch (...) {
      return api::error_of_callers_exception("output");
    }
  };
  if (!output) return fail(Errc::invalid_argument, "output isn't given");
  const auto follow = [&](client::JobClient& client,
                          const std::string& job) -> Result<std::string> {
    RTENV_TRY(const bool server_is_rtenv, is_rtenv(*state_, client));
    return text_of(client::follow_log(
        client, job, {.server_is_rtenv = server_is_rtenv, .grace = options.grace}, guarded));
  };
  return with_job(state_.get(), id, follow);
}

Result<bool> JobClient::stop(std::string_view id, bool now) {
  return with_job(state_.get(), id, [&](client::JobClient& client, const std::string& job) {
    return client.stop(job, now);
  });
}

Result<void> JobClient::remove(std::string_view id) {
  return with_job(state_.get(), id, [](client::JobClient& client, const std::string& job) {
    return client.remove(job);
  });
}

}  // namespace rtenv
