#include "rtenv/job_client.hpp"

#include <nlohmann/json.hpp>

#include "api/call.hpp"
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
};

namespace {

// Calls `work` with a client for one request.
template <class State, class Work>
auto with_client(const State* state, Work work)
    -> decltype(work(std::declval<client::JobClient&>())) {
  if (state == nullptr) return fail(Errc::invalid_argument, "the client was moved elsewhere");
  using Value = decltype(work(std::declval<client::JobClient&>()));
  return in_call(state->options, [&](Call& call) -> Value {
    Environment environment = call.environment();
    if (!state->address.empty()) environment.set("RAY_API_SERVER_ADDRESS", state->address);
    RTENV_TRY(auto opened, client::JobClient::open(std::move(environment), call.cancellation()));
    return work(opened);
  });
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
    JobClient client(std::make_unique<State>(State{options, std::move(server)}));
    // So that a wrong address is known now.
    RTENV_TRY(
        with_client(client.state_.get(), [](client::JobClient&) -> Result<void> { return {}; }));
    return client;
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
    RTENV_TRY(client.submit(request, is_own));
    return id.get<std::string>();
  });
}

Result<std::string> JobClient::details(std::string_view id) {
  return with_client(state_.get(), [&](client::JobClient& client) {
    return text_of(client.details(std::string(id)));
  });
}

Result<std::string> JobClient::list(const JobListOptions& options) {
  return with_client(state_.get(), [&](client::JobClient& client) {
    return text_of(
        client.list({.status = options.status, .limit = options.limit, .offset = options.offset}));
  });
}

Result<std::string> JobClient::logs(std::string_view id) {
  return with_client(state_.get(),
                     [&](client::JobClient& client) { return client.logs(std::string(id)); });
}

Result<std::string> JobClient::follow(std::string_view id,
                                      const std::function<Result<void>(std::string_view)>& output) {
  const auto guarded = [&](std::string_view text) -> Result<void> {
    try {
      return output(text);
    } catch (...) {
      return api::error_of_callers_exception("output");
    }
  };
  return with_client(state_.get(), [&](client::JobClient& client) -> Result<std::string> {
    RTENV_TRY(const bool is_rtenv, client.is_rtenv());
    return text_of(
        client::follow_log(client, std::string(id), {.server_is_rtenv = is_rtenv}, guarded));
  });
}

Result<bool> JobClient::stop(std::string_view id, bool now) {
  return with_client(state_.get(),
                     [&](client::JobClient& client) { return client.stop(std::string(id), now); });
}

Result<void> JobClient::remove(std::string_view id) {
  return with_client(state_.get(),
                     [&](client::JobClient& client) { return client.remove(std::string(id)); });
}

}  // namespace rtenv
