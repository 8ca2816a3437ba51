#include "server/api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bounded_json.hpp"
#include "job/job_log.hpp"
#include "server/audit_log.hpp"
#include "server/budget.hpp"
#include "server/job_list.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "server/log_json.hpp"
#include "server/log_tail.hpp"
#include "server/run_on.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::string_view k_tail_pattern = "/api/jobs/{id}/logs/tail";
constexpr std::size_t k_upload_piece_bytes = 256 << 10;
constexpr std::size_t k_max_quick_parse_bytes = 16 << 10;
constexpr std::string_view k_json = "application/json; charset=utf-8";
constexpr std::uint64_t k_max_whole_log_bytes = 256 << 10;  // larger ones are sent in pieces

asio::awaitable<Response> ready(Response response) { co_return response; }

// The URI of /api/packages/{protocol}/{name}.
Result<remote::Uri> package_uri(const PathParameters& protocol_and_name) {
  const std::string& protocol = protocol_and_name[0];
  if (protocol != "gcs")
    return fail(Errc::invalid_argument, "packages are stored under the protocol gcs, not '{}'",
                protocol);
  return JobPackages::uri_of(protocol_and_name[1]);
}

}  // namespace

std::span<const Route> Api::routes() {
  using Parameters = const PathParameters&;
  // Never destroyed: the process may end while servers run.
  static const auto& routes = *new std::vector<Route>{
      {"GET", "/api/version", [](Api& api, Request&, Parameters) { return ready(api.version()); }},
      {"GET", "/api/healthz",
       [](Api&, Request&, Parameters) {
         return ready(json_response({{"status", "ok"}}));
       }},
      {"GET", "/api/openapi.json",
       [](Api&, Request&, Parameters) {
         return ready(
             {.content_type = "application/json", .body = std::string(openapi_document())});
       }},
      {"GET", "/api/packages/{protocol}/{name}",
       [](Api& api, Request&, Parameters names) { return api.has_package(names); }},
      {.method = "PUT",
       .pattern = "/api/packages/{protocol}/{name}",
       .handle = [](Api& api, Request& request,
                    Parameters names) { return api.put_package(request, names); },
       .streams_body = true},
      {"GET", "/api/jobs/",
       [](Api& api, Request& request, Parameters) { return api.list(request); }},
      {"POST", "/api/jobs/",
       [](Api& api, Request& request, Parameters) { return api.submit(request, false); }},
      // The paths of the first beta. They are also those of jobs with these ids.
      {"POST", "/api/jobs/submit",
       [](Api& api, Request& request, Parameters) { return api.submit(request, true); }},
      {.method = "GET",
       .pattern = "/api/jobs/status",
       .handle = [](Api& api, Request& request,
                    Parameters) { return api.status(request.query.at("job_id")); },
       .query_parameter = "job_id"},
      {.method = "GET",
       .pattern = "/api/jobs/logs",
       .handle = [](Api& api, Request& request,
                    Parameters) { return api.logs(request, request.query.at("job_id")); },
       .query_parameter = "job_id"},
      {"GET", "/api/jobs/{id}",
       [](Api& api, Request& request, Parameters id) { return api.details(request, id[0]); }},
      {"DELETE", "/api/jobs/{id}",
       [](Api& api, Request& request, Parameters id) { return api.remove(request, id[0]); }},
      {"POST", "/api/jobs/{id}/stop",
       [](Api& api, Request& request, Parameters id) { return api.stop(request, id[0]); }},
      {"GET", "/api/jobs/{id}/logs",
       [](Api& api, Request& request, Parameters id) { return api.logs(request, id[0]); }},
      {"GET", k_tail_pattern,
       [](Api&, Request&, Parameters) {
         return ready(text_response(400, "400: this address speaks the websocket protocol"));
       }},
      {"GET", "/api/rtenv/version",
       [](Api& api, Request&, Parameters) {
         return ready(json_response({{"rtenv_version", api.identity_.rtenv_version}}));
       }},
      {"GET", "/api/rtenv/jobs/{id}",
       [](Api& api, Request&, Parameters id) { return api.extras(id[0]); }},
  };
  return routes;
}

bool Api::streams_body(const Request& request) {
  const Found found = find_route(routes(), request);
  return found.route != nullptr && found.route->streams_body;
}

asio::awaitable<Response> Api::handle(Request& request) {
  const Found found = find_route(routes(), request);
  if (found.route != nullptr)
    co_return co_await found.route->handle(*this, request, found.parameters);
  Response refusal = text_response(404, "404: Not Found");
  if (!found.allowed_methods.empty()) {
    refusal = text_response(405, "405: Method Not Allowed");
    refusal.headers.emplace_back("Allow", found.allowed_methods);
  } else if (!found.redirect.empty()) {
    refusal = text_response(308, "308: Permanent Redirect");
    refusal.headers.emplace_back("Location", found.redirect);
  }
  co_return refusal;
}

Response Api::version() const {
  // Exactly these four: clients compare the whole object.
  return json_response({{"version", "4"},
                        {"ray_version", identity_.ray_version},
                        {"ray_commit", "rtenv-" + identity_.rtenv_version},
                        {"session_name", identity_.session_name}});
}

asio::awaitable<Response> Api::has_package(const PathParameters& protocol_and_name) {
  const auto uri = package_uri(protocol_and_name);
  if (!uri) co_return error_response(uri.error());
  const auto exists = co_await packages_.has(*uri);
  if (!exists) co_return error_response(exists.error());
  co_return *exists
      ? text_response(200, "")
      : text_response(404, fmt::format("Package gcs://{} does not exist", protocol_and_name[1]));
}

asio::awaitable<Response> Api::put_package(Request& request,
                                           const PathParameters& protocol_and_name) {
  const auto uri = package_uri(protocol_and_name);
  if (!uri) co_return error_response(uri.error());
  co_return co_await receive_package(request, *uri);
}

asio::awaitable<Response> Api::receive_package(Request& request, const remote::Uri& uri) {
  const std::string too_large =
      fmt::format("the package is larger than {} bytes, the limit of this server",
                  packages_.max_package_bytes());
  if (request.body_bytes && *request.body_bytes > packages_.max_package_bytes())
    co_return text_response(413, too_large);
  if (request.body_bytes == 0U) co_return text_response(400, "the package is empty");
  auto upload = co_await packages_.begin_upload();
  if (!upload) co_return error_response(upload.error());
  Budget::Share share(uploads_);
  std::string buffer(k_upload_piece_bytes, '\0');
  for (;;) {
    const auto count = co_await request.read_body(buffer);
    if (!count) co_return error_response(count.error());
    if (*count == 0) break;
    if (!share.grow(*count))
      co_return text_response(
          507,
          fmt::format("the uploads that are under way have {} bytes, the limit of this server; "
                      "try again later",
                      uploads_.limit()));
    std::function<Result<void>()> add =
        [&upload = *upload, piece = std::span(buffer).first(*count)] { return upload.add(piece); };
    if (const auto added = co_await run_on(jobs_.workers(), std::move(add)); !added)
      co_return added.error().code() == Errc::invalid_argument ? text_response(413, too_large)
                                                               : error_response(added.error());
  }
  if (upload->size_bytes() == 0) co_return text_response(400, "the package is empty");
  const auto stored = co_await packages_.store(uri, std::move(*upload));
  if (!stored)
    co_return stored.error().code() == Errc::corrupt ? text_response(400, stored.error().message())
                                                     : error_response(stored.error());
  audit_.add(request, "upload", uri.path);
  co_return text_response(200, "");
}

asio::awaitable<Response> Api::submit(const Request& request, bool in_beta_form) {
  std::function<Result<Submission>()> parse = [&body = request.body]() -> Result<Submission> {
    auto parsed = parse_bounded_json(body);
    if (!parsed)
      return fail(Errc::invalid_argument, "the body isn't accepted: {}", parsed.error().message());
    RTENV_TRY(auto submission, parse_submission(*parsed));
    submission.memory_bytes = body.size();
    return submission;
  };
  // What takes longer must not hold up other requests. (In GCC 12, no `?:` with co_await.)
  std::optional<Result<Submission>> parsed;
  if (request.body.size() <= k_max_quick_parse_bytes)
    parsed = parse();
  else
    parsed = co_await run_on(jobs_.workers(), std::move(parse));
  Result<Submission>& submission = *parsed;
  // Always 400: also a file that doesn't exist (not_found) is the request's fault.
  if (!submission) co_return text_response(400, error_response(submission.error()).body);
  const auto id = co_await jobs_.submit(std::move(*submission), request.caller.name);
  if (!id) co_return error_response(id.error());
  audit_.add(request, "submit", *id);
  json response{{"job_id", *id}};
  if (!in_beta_form) response["submission_id"] = *id;
  co_return json_response(response);
}

asio::awaitable<Response> Api::list(const Request& request) {
  JobFilter filter;
  if (const auto status = request.query.find("status"); status != request.query.end()) {
    filter.status = job::parse_job_status(status->second);
    if (!filter.status)
      co_return text_response(
          400,
          fmt::format("status must be PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED, got '{}'",
                      status->second));
  }
  const auto limit = request.number("limit");
  const auto offset = request.number("offset");
  if (!limit || !offset) co_return error_response(limit ? offset.error() : limit.error());
  if (*limit) filter.limit = static_cast<std::int64_t>(**limit);
  if (*offset) filter.offset = static_cast<std::int64_t>(**offset);
  const auto list =
      std::make_shared<JobList>(jobs_, filter, identity_.node, request.hides_values());
  auto first = co_await list->next();
  if (!first) co_return error_response(first.error());
  Response response;
  response.content_type = k_json;
  if (list->is_complete()) {
    response.body = std::move(*first);
    co_return response;
  }
  response.next_piece = [list, first = std::make_shared<std::string>(
                                   std::move(*first))]() -> asio::awaitable<Result<std::string>> {
    if (!first->empty()) co_return std::exchange(*first, {});
    co_return co_await list->next();
  };
  co_return response;
}

asio::awaitable<Response> Api::details(const Request& request, std::string id) {
  const auto job = co_await jobs_.find(std::move(id));
  if (!job) co_return error_response(job.error());
  co_return json_response(job_details(*job, identity_.node, request.hides_values()));
}

asio::awaitable<Response> Api::status(std::string id) {
  const auto job = co_await jobs_.find(std::move(id));
  if (!job) co_return error_response(job.error());
  co_return json_response({{"job_status", name(job->status)}});
}

asio::awaitable<Response> Api::extras(std::string id) {
  const auto job = co_await jobs_.find(id);
  if (!job) co_return error_response(job.error());
  const JobExtras extras = jobs_.extras(*job);
  co_return json_response({{"submission_id", id},
                           {"status", name(job->status)},
                           {"phase", extras.phase},
                           {"gpus", extras.gpus},
                           {"usage", extras.usage},
                           {"log_bytes", extras.log_bytes}});
}

asio::awaitable<Response> Api::logs(const Request& request, std::string id) {
  const auto job = co_await jobs_.find(std::move(id));
  if (!job) co_return error_response(job.error());
  const auto offset = request.number("offset");
  const auto tail_lines = request.number("tail_lines");
  if (!offset || !tail_lines)
    co_return error_response(offset ? tail_lines.error() : offset.error());
  std::function<Result<std::shared_ptr<LogJson>>()> open =
      [file = jobs_.log_file(job->key()), begin = offset->value_or(0), lines = *tail_lines] {
        return LogJson::open(file, begin, lines);
      };
  const auto opened = co_await run_on(jobs_.workers(), std::move(open));
  if (!opened) co_return error_response(opened.error());
  const std::shared_ptr<LogJson> pieces = *opened;
  Response response;
  response.content_type = k_json;
  const auto next = [this, pieces]() -> asio::awaitable<Result<std::string>> {
    std::function<Result<std::string>()> read = [pieces] { return pieces->next(); };
    co_return co_await run_on(jobs_.workers(), std::move(read));
  };
  if (pieces->size_bytes() > k_max_whole_log_bytes) {
    response.next_piece = next;
    co_return response;
  }
  for (;;) {
    auto piece = co_await next();
    if (!piece) co_return error_response(piece.error());
    if (piece->empty()) co_return response;
    response.body += *piece;
  }
}

asio::awaitable<Response> Api::stop(const Request& request, std::string id) {
  const auto now = request.number("now");
  if (!now || now->value_or(0) > 1) co_return text_response(400, "now must be 0 or 1");
  const Stop how = now->value_or(0) == 1 ? Stop::at_once : Stop::in_order;
  const auto stopped = co_await jobs_.stop(id, how);
  if (!stopped) co_return error_response(stopped.error());
  if (*stopped) audit_.add(request, "stop", id);
  co_return json_response({{"stopped", *stopped}});
}

asio::awaitable<Response> Api::remove(const Request& request, std::string id) {
  const auto removed = co_await jobs_.remove(id);
  if (!removed) co_return error_response(removed.error());
  audit_.add(request, "delete", id);
  co_return json_response({{"deleted", true}});
}

asio::awaitable<Result<std::unique_ptr<LogTail>>> Api::tail(const Request& request) {
  const auto parameters = match(k_tail_pattern, request.path);
  if (!parameters) co_return fail(Errc::not_found, "404: Not Found");
  const auto job = co_await jobs_.find(parameters->front());
  if (!job) co_return Failure(job.error());
  const auto offset = request.number("offset");
  if (!offset) co_return Failure(offset.error());
  const auto raw = request.query.find("raw");
  co_return std::make_unique<LogTail>(
      jobs_, job->key(), offset->value_or(0),
      raw != request.query.end() && raw->second == "1" ? LogTail::Form::raw : LogTail::Form::text);
}

}  // namespace rtenv::server
