#include "client/job_client.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json_text.hpp"
#include "base/lines.hpp"
#include "job/job_status.hpp"

namespace rtenv::client {
namespace {

using nlohmann::json;

constexpr int k_submit_attempts = 20;
constexpr int k_submit_pause_ms = 500;  // a server that restarts is back soon
constexpr std::size_t k_max_reason_bytes = 2000;
constexpr std::uint64_t k_max_reply_bytes = 4ULL << 30U;  // a job's log is one reply

// The reason that the server gives: of a traceback, as Ray returns, the last line without the name
// of Python's exception class; of a plain text, without the HTTP status that it begins with.
std::string reason_of(const std::string& body) {
  std::string_view last;
  for (const std::string_view line : lines_of(body))
    if (std::ranges::any_of(line, [](unsigned char c) { return std::isalpha(c) != 0; }))
      last = line;
  const auto colon = last.find(": ");
  const auto name = last.substr(0, colon);
  if (colon != std::string_view::npos && (name.ends_with("Error") || name.ends_with("Exception")) &&
      name.find(' ') == std::string_view::npos)
    last.remove_prefix(colon + 2);
  const bool is_status =
      colon == 3 && name.find_first_not_of("0123456789") == std::string_view::npos;
  if (is_status) last.remove_prefix(colon + 2);
  return std::string(last.substr(0, k_max_reason_bytes));
}

Errc code_of(int status, const std::string& body) {
  // Ray's status for both is 500.
  if (body.find("already exists. Please use a different submission_id") != std::string::npos)
    return Errc::already_exists;
  if (body.find("but it is in a non-terminal state") != std::string::npos) return Errc::busy;
  switch (status) {
    case 400:
    case 413: return Errc::invalid_argument;
    case 401:
    case 403: return Errc::permission_denied;
    case 404: return Errc::not_found;
    case 409: return Errc::already_exists;
    case 429: return Errc::limit_reached;
    case 507: return Errc::out_of_space;
    default: return Errc::unavailable;
  }
}

}  // namespace

bool is_terminal(const json& details) {
  const auto found = details.find("status");
  if (found == details.end() || !found->is_string()) return false;
  const auto status = job::parse_job_status(found->get<std::string>());
  return status && job::is_terminal(*status);
}

Result<JobClient> JobClient::open(Environment environment, const Cancellation* cancellation) {
  RTENV_TRY(auto server, remote::find_job_server(environment));
  return JobClient(std::make_unique<remote::HttpClient>(std::move(environment), cancellation),
                   std::move(server));
}

Result<JobClient::Reply> JobClient::request(const char* method, const std::string& path,
                                            const std::string& body) {
  remote::HttpRequest http_request{.method = method,
                                   .url = server_.address + path,
                                   .unix_socket = server_.unix_socket,
                                   .headers = server_.headers,
                                   .bearer = server_.token,
                                   .max_bytes = k_max_reply_bytes};
  if (!body.empty()) {
    http_request.headers.emplace_back("Content-Type: application/json");
    http_request.body = std::as_bytes(std::span(body));
  }
  Reply reply;
  auto response = http_->stream(http_request, [&](std::span<const std::byte> data) -> Result<void> {
    reply.body.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  });
  if (!response) return Failure(explain(std::move(response).error()));
  reply.response = std::move(*response);
  if (!reply.response.succeeded()) reply.body = reply.response.body;
  return reply;
}

Error JobClient::explain(Error error) const {
  if (error.code() != Errc::unavailable) return error;
  std::string reason = error.message();
  if (!server_.unix_socket.empty())
    reason = ::access(server_.unix_socket.c_str(), W_OK) != 0 ? std::strerror(errno)
                                                              : "nobody listens there";
  return Error(Errc::unavailable,
               fmt::format("no job server responds at {}: {}", server_.shown(), reason))
      .with_hint(
          "name its address, http://HOST:8265, as by RAY_API_SERVER_ADDRESS; `rtenv serve` starts "
          "one");
}

Failure JobClient::explain(const Reply& reply) const {
  const Errc code = code_of(reply.response.status, reply.body);
  const std::string reason = reason_of(reply.body);
  if (code == Errc::permission_denied)
    return fail(code, "{} denies access{}{}", server_.shown(), reason.empty() ? "" : ": ", reason)
        .hint("{}", server_.token.empty()
                        ? "set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to a file with the token"
                        : "the token of RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH was sent; ask "
                          "whoever runs the "
                          "server for one with this right");
  if (code == Errc::out_of_space)
    return fail(code, "{} has no room: {}", server_.shown(), reason)
        .hint("delete ended jobs (rtenv job delete), or ask whoever runs the server");
  return fail(code, "{} responded with HTTP status {}: {}", server_.shown(), reply.response.status,
              reason);
}

Result<bool> JobClient::is_rtenv() {
  RTENV_TRY(const auto reply, request("GET", "/api/version"));
  if (!reply.response.succeeded() && reply.response.status != 404) return explain(reply);
  const auto version = json_from_text(reply.body);
  if (!version.is_object() || !version.contains("ray_version"))
    return fail(Errc::invalid_argument, "{} isn't a job server: it has no /api/version",
                server_.shown());
  return reply.response.header("server").starts_with("rtenv/");
}

Result<void> JobClient::submit(const json& body, bool own_id) {
  for (int attempt = 1;; ++attempt) {
    const auto reply = request("POST", "/api/jobs/", body.dump());
    if (!reply) {
      if (reply.error().code() != Errc::unavailable || attempt == k_submit_attempts)
        return Failure(reply.error());
      RTENV_TRY(pause_before_retry());
      continue;
    }
    if (reply->response.succeeded()) return {};
    auto failure = explain(*reply);
    if (failure.code() == Errc::already_exists && own_id && attempt > 1) return {};
    // The server's reason describes the input: it is the whole message.
    if (const Errc code = failure.code();
        code == Errc::already_exists || code == Errc::invalid_argument)
      return fail(code, "{}", reason_of(reply->body));
    return failure;
  }
}

Result<void> JobClient::pause_before_retry() {
  pollfd entry{cancellation() != nullptr ? cancellation()->poll_fd() : -1, POLLIN, 0};
  if (::poll(&entry, 1, k_submit_pause_ms) > 0) return fail(Errc::cancelled, "interrupted");
  return {};
}

Result<json> JobClient::request_job(const char* method, const std::string& id, const char* suffix) {
  RTENV_TRY(const auto reply, request(method, "/api/jobs/" + percent_encode(id) + suffix));
  if (!reply.response.succeeded()) {
    auto failure = explain(reply);
    if (failure.code() == Errc::not_found)
      return fail(Errc::not_found, "Job '{}' does not exist at {}", id, server_.shown())
          .hint("list the jobs with: rtenv job list");
    if (failure.code() == Errc::already_exists)
      return fail(Errc::already_exists, "{}", reason_of(reply.body));
    return failure;
  }
  auto body = json_from_text(reply.body);
  if (!body.is_object())
    return fail(Errc::unavailable, "{} returned an invalid response: not a JSON object",
                server_.shown());
  return body;
}

Result<json> JobClient::details(const std::string& id) { return request_job("GET", id, ""); }

Result<std::string> JobClient::logs(const std::string& id) {
  RTENV_TRY(const json body, request_job("GET", id, "/logs"));
  return body.value("logs", "");
}

Result<bool> JobClient::stop(const std::string& id, bool now) {
  RTENV_TRY(const json body, request_job("POST", id, now ? "/stop?now=1" : "/stop"));
  return body.value("stopped", false);
}

Result<void> JobClient::remove(const std::string& id) {
  RTENV_TRY(request_job("DELETE", id, ""));
  return {};
}

Result<json> JobClient::list(const ListOptions& options) {
  std::string query = fmt::format("?offset={}", options.offset);
  if (options.limit) query += fmt::format("&limit={}", *options.limit);
  if (!options.status.empty()) query += "&status=" + percent_encode(options.status);
  RTENV_TRY(const auto reply, request("GET", "/api/jobs/" + query));
  if (reply.response.status == 404)
    return fail(Errc::invalid_argument, "{} isn't a job server: it has no /api/jobs/",
                server_.shown());
  if (!reply.response.succeeded()) return explain(reply);
  auto body = json_from_text(reply.body);
  if (!body.is_array())
    return fail(Errc::unavailable, "{} returned an invalid response: not a JSON array",
                server_.shown());
  if (reply.response.header("server").starts_with("rtenv/")) return body;
  // Ray's server always returns all.
  json chosen = json::array();
  std::uint64_t skipped = 0;
  for (json& details : body) {
    if (!options.status.empty() && details.value("status", "") != options.status) continue;
    if (skipped++ < options.offset) continue;
    if (options.limit && chosen.size() >= *options.limit) break;
    chosen.push_back(std::move(details));
  }
  return chosen;
}

}  // namespace rtenv::client
