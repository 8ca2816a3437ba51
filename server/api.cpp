#include "server/api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "job/job_log.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "server/log_json.hpp"
#include "server/log_tail.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr const char* k_no_such_job = "Job ID does not exist";
constexpr std::string_view k_tail_pattern = "/api/jobs/{id}/logs/tail";
constexpr std::size_t k_upload_piece_bytes = 256 << 10;
constexpr std::uint64_t k_max_whole_log_bytes = 256 << 10;  // larger ones are sent in pieces

asio::awaitable<Response> ready(Response response) { co_return response; }

// A job that doesn't exist is reported in Ray's words.
Response job_error(const Error& error) {
  return error.code() == Errc::not_found ? text_response(404, k_no_such_job)
                                         : error_response(error);
}

Result<json> parse_body(const std::string& body) {
  try {
    return json::parse(body);
  } catch (const json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    std::string_view why = error.what();
    if (const auto end = why.find("] "); end != std::string_view::npos) why.remove_prefix(end + 2);
    return fail(Errc::invalid_argument, "the body isn't JSON: {}",
                body.empty() ? "it is empty" : why);
  }
}

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
  static const std::vector<Route> routes{
      {"GET", "/api/version", [](Api& api, Request&, Parameters) { return ready(api.version()); }},
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
       [](Api& api, Request& request, Parameters) { return ready(api.list(request)); }},
      {"POST", "/api/jobs/",
       [](Api& api, Request& request, Parameters) { return api.submit(request, false); }},
      // The paths of the first beta. They are also those of jobs with these ids.
      {"POST", "/api/jobs/submit",
       [](Api& api, Request& request, Parameters) { return api.submit(request, true); }},
      {.method = "GET",
       .pattern = "/api/jobs/status",
       .handle = [](Api& api, Request& request,
                    Parameters) { return ready(api.status(request.query.at("job_id"))); },
       .query_parameter = "job_id"},
      {.method = "GET",
       .pattern = "/api/jobs/logs",
       .handle = [](Api& api, Request& request,
                    Parameters) { return ready(api.logs(request, request.query.at("job_id"))); },
       .query_parameter = "job_id"},
      {"GET", "/api/jobs/{id}",
       [](Api& api, Request& request, Parameters id) {
         return ready(api.details(request, id[0]));
       }},
      {"DELETE", "/api/jobs/{id}",
       [](Api& api, Request&, Parameters id) { return api.remove(id[0]); }},
      {"POST", "/api/jobs/{id}/stop",
       [](Api& api, Request&, Parameters id) { return ready(api.stop(id[0])); }},
      {"GET", "/api/jobs/{id}/logs",
       [](Api& api, Request& request, Parameters id) { return ready(api.logs(request, id[0])); }},
      {"GET", k_tail_pattern,
       [](Api&, Request&, Parameters) {
         return ready(text_response(400, "400: this address speaks the websocket protocol"));
       }},
      {"GET", "/api/rtenv/version",
       [](Api& api, Request&, Parameters) {
         return ready(json_response({{"rtenv_version", api.identity_.rtenv_version}}));
       }},
      {"GET", "/api/rtenv/jobs/{id}",
       [](Api& api, Request&, Parameters id) { return ready(api.extras(id[0])); }},
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
  std::string buffer(k_upload_piece_bytes, '\0');
  for (;;) {
    const auto count = co_await request.read_body(buffer);
    if (!count) co_return error_response(count.error());
    if (*count == 0) break;
    if (const auto added = upload->add(std::span(buffer).first(*count)); !added)
      co_return added.error().code() == Errc::invalid_argument ? text_response(413, too_large)
                                                               : error_response(added.error());
  }
  const auto stored = co_await packages_.store(uri, std::move(*upload));
  if (!stored)
    co_return stored.error().code() == Errc::corrupt ? text_response(400, stored.error().message())
                                                     : error_response(stored.error());
  co_return text_response(200, "");
}

asio::awaitable<Response> Api::submit(const Request& request, bool in_beta_form) {
  const auto body = parse_body(request.body);
  if (!body) co_return error_response(body.error());
  auto submission = parse_submission(*body);
  // Always 400: also a file that doesn't exist (not_found) is the request's fault.
  if (!submission) co_return text_response(400, error_response(submission.error()).body);
  const auto id = co_await jobs_.submit(std::move(*submission));
  if (!id) co_return error_response(id.error());
  json response{{"job_id", *id}};
  if (!in_beta_form) response["submission_id"] = *id;
  co_return json_response(response);
}

Response Api::list(const Request& request) {
  JobFilter filter;
  if (const auto status = request.query.find("status"); status != request.query.end()) {
    filter.status = job::parse_job_status(status->second);
    if (!filter.status)
      return text_response(
          400,
          fmt::format("status must be PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED, got '{}'",
                      status->second));
  }
  const auto limit = request.number("limit");
  const auto offset = request.number("offset");
  if (!limit || !offset) return error_response(limit ? offset.error() : limit.error());
  if (*limit) filter.limit = static_cast<std::int64_t>(**limit);
  if (*offset) filter.offset = static_cast<std::int64_t>(**offset);
  const auto jobs = jobs_.list(filter);
  if (!jobs) return error_response(jobs.error());
  json array = json::array();
  for (const auto& each : *jobs)
    array.push_back(job_details(each, identity_.node, request.from_browser()));
  return json_response(array);
}

Result<JobRecord> Api::find(const std::string& id) {
  RTENV_TRY(auto found, jobs_.find(id));
  if (!found) return fail(Errc::not_found, "{}", k_no_such_job);
  return std::move(*found);
}

Response Api::details(const Request& request, const std::string& id) {
  const auto job = find(id);
  if (!job) return error_response(job.error());
  return json_response(job_details(*job, identity_.node, request.from_browser()));
}

Response Api::status(const std::string& id) {
  const auto job = find(id);
  if (!job) return error_response(job.error());
  return json_response({{"job_status", name(job->status)}});
}

Response Api::extras(const std::string& id) {
  const auto job = find(id);
  if (!job) return error_response(job.error());
  const JobExtras extras = jobs_.extras(*job);
  return json_response({{"submission_id", id},
                        {"status", name(job->status)},
                        {"phase", extras.phase},
                        {"gpus", extras.gpus},
                        {"usage", extras.usage},
                        {"log_bytes", extras.log_bytes}});
}

Response Api::logs(const Request& request, const std::string& id) {
  if (const auto job = find(id); !job) return error_response(job.error());
  const auto offset = request.number("offset");
  const auto tail_lines = request.number("tail_lines");
  if (!offset || !tail_lines) return error_response(offset ? tail_lines.error() : offset.error());
  auto opened = job::JobLogReader::open(jobs_.log_file(id));
  std::optional<job::JobLogReader> reader;
  std::uint64_t begin = offset->value_or(0);
  std::uint64_t end = 0;
  if (opened) {
    const auto size = opened->size_bytes();
    if (!size) return error_response(size.error());
    end = *size;
    if (*tail_lines) {
      const auto last = opened->offset_of_last_lines(**tail_lines);
      if (!last) return error_response(last.error());
      begin = std::max(begin, *last);
    }
    reader.emplace(std::move(*opened));
  }
  const auto pieces = std::make_shared<LogJson>(std::move(reader), begin, end);
  Response response{.content_type = "application/json; charset=utf-8"};
  if (end - std::min(begin, end) > k_max_whole_log_bytes) {
    response.next_piece = [pieces] { return pieces->next(); };
    return response;
  }
  for (;;) {
    auto piece = pieces->next();
    if (!piece) return error_response(piece.error());
    if (piece->empty()) return response;
    response.body += *piece;
  }
}

Response Api::stop(const std::string& id) {
  const auto stopped = jobs_.stop(id);
  if (!stopped) return job_error(stopped.error());
  return json_response({{"stopped", *stopped}});
}

asio::awaitable<Response> Api::remove(const std::string& id) {
  const auto removed = co_await jobs_.remove(id);
  if (!removed) co_return job_error(removed.error());
  co_return json_response({{"deleted", true}});
}

Result<std::unique_ptr<LogTail>> Api::tail(const Request& request) {
  const auto parameters = match(k_tail_pattern, request.path);
  if (!parameters) return fail(Errc::not_found, "404: Not Found");
  const std::string& id = parameters->front();
  RTENV_TRY(find(id));
  RTENV_TRY(const auto offset, request.number("offset"));
  const auto raw = request.query.find("raw");
  return std::make_unique<LogTail>(
      jobs_, id, offset.value_or(0),
      raw != request.query.end() && raw->second == "1" ? LogTail::Form::raw : LogTail::Form::text);
}

}  // namespace rtenv::server
