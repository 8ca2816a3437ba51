#include "remote/job_server.hpp"

#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "base/redact.hpp"
#include "base/stream_input.hpp"
#include "base/text.hpp"
#include "remote/uri.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

constexpr std::string_view k_default_address = "http://127.0.0.1:8265";

constexpr std::string_view k_unix = "unix:";

Result<void> set_address(JobServer& server, const Environment& environment) {
  std::string address(k_default_address);
  for (const char* variable : {"RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"})
    if (const auto set = environment.find_filled(variable)) {
      address = *set;
      const bool is_socket = address.starts_with(k_unix);
      if (is_socket) {
        server.unix_socket = address.substr(k_unix.size());
        address = "http://localhost";
      }
      // As in Ray's client: without a scheme, http is assumed; ray:// isn't a job server's address.
      if (!looks_like_uri(address)) address.insert(0, "http://");
      const auto url = Url::parse(address);
      if (!url || !url->query.empty() || (is_socket && server.unix_socket.empty()))
        return fail(Errc::invalid_argument, "{} isn't the address of a job server",
                    redacted_url(*set))
            .hint("use http://HOST:8265 or unix:PATH, as an argument or in {}", variable);
      address = url->text();
      break;
    }
  server.address = trim_end(address, "/");
  return {};
}

Result<std::string> auth_token(const Environment& environment) {
  if (const auto token = environment.find_filled("RAY_AUTH_TOKEN")) return std::string(*token);
  Path file;
  const auto named = environment.find_filled("RAY_AUTH_TOKEN_PATH");
  if (named)
    file = *named;
  else if (const auto home = environment.find_filled("HOME"))
    file = Path(*home) / ".ray" / "auth_token";
  auto text = read_file_or_stream(file);
  if (!text && named) return Failure(std::move(text).error().within("RAY_AUTH_TOKEN_PATH"));
  if (!text) return std::string();
  return std::string(trim_end(*text));
}

Result<std::vector<std::string>> job_headers(const Environment& environment) {
  std::vector<std::string> headers;
  const auto text = environment.find_filled("RAY_JOB_HEADERS");
  if (!text) return headers;
  const auto object = json_from_text(*text);
  if (!object.is_object())
    return fail(Errc::invalid_argument, "RAY_JOB_HEADERS isn't a JSON object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string())
      return fail(Errc::invalid_argument, "RAY_JOB_HEADERS['{}'] isn't a string", key);
    headers.push_back(fmt::format("{}: {}", key, value.get<std::string>()));
  }
  return headers;
}

}  // namespace

std::string JobServer::shown() const {
  return unix_socket.empty() ? redacted_url(address) : fmt::format("{}{}", k_unix, unix_socket);
}

Result<JobServer> find_job_server(const Environment& environment) {
  JobServer server;
  RTENV_TRY(set_address(server, environment));
  RTENV_TRY(server.token, auth_token(environment));
  RTENV_TRY(server.headers, job_headers(environment));
  return server;
}

}  // namespace rtenv::remote
